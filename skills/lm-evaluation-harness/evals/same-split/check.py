"""Evaluate the answer's task and look for the evaluated question among its own examples."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import Fixed, load_yaml_task, run


def main(folder: Path) -> int:
    """Exit 0 when every prompt has two examples of the split, none of them the evaluated row, and all rows are scored."""
    shutil.copytree(Path(__file__).with_name("files"), ".", dirs_exist_ok=True)
    shutil.copy(folder / "quiz.yaml", "quiz.yaml")
    seen = []
    for seed in range(8):
        model = Fixed()
        run(model, load_yaml_task(Path("quiz.yaml").resolve(), "quiz"), fewshot_random_seed=seed)
        seen.append(model.prompts)
    wrong = [p for prompts in seen for p in prompts if p.count(p[p.rindex("Question:") :]) > 1]
    short = [p for prompts in seen for p in prompts if p.count("Question:") != 3]
    print(f"prompts with their own answer: {len(wrong)}; without two examples: {len(short)}")
    whole = all(len(prompts) == 6 for prompts in seen)
    print(f"all rows asked: {whole}; examples vary with the seed: {len(set(map(tuple, seen))) > 1}")
    return 0 if whole and len(set(map(tuple, seen))) > 1 and not wrong and not short else 1


if __name__ == "__main__":
    given = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        sys.exit(main(given))
