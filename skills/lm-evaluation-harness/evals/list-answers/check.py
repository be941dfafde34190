"""Evaluate the answer's task on a model that answers rightly and on one that does not."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import Fixed, load_yaml_task, run

ANSWERS = {"Sort: 5 3": "[3, 5]", "Sort: 9 1": "[1, 9]", "Sort: 2": "[2]", "Sort nothing": "[]"}


def main(folder: Path) -> int:
    """Exit 0 when right answers score 1, and one wrong of four 0.75, whatever the name of the filter."""
    shutil.copytree(Path(__file__).with_name("files"), ".", dirs_exist_ok=True)
    shutil.copy(folder / "sorting.yaml", "sorting.yaml")

    def answer(prompt: str) -> str:
        return " " + next(text for question, text in ANSWERS.items() if question in prompt)

    def mistaken(prompt: str) -> str:
        return " [9, 1]" if "9 1" in prompt else answer(prompt)

    scores = []
    for model in (Fixed(answer), Fixed(mistaken)):
        made = load_yaml_task(Path("sorting.yaml").resolve(), "sorting")
        result = run(model, made)["results"]["sorting"]
        scores += [float(value) for key, value in result.items() if key.startswith("exact_match,")]
    print(f"right answers: {scores[0]}, one wrong of four: {scores[1]}")
    return 0 if scores == [1.0, 0.75] else 1


if __name__ == "__main__":
    given = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        sys.exit(main(given))
