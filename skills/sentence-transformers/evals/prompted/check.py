"""Watch which texts the answer's training embeds, and let its search rank by cosine with the prompts."""

import contextlib
import importlib.util
import inspect
import io
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import static

PROMPTS = {"query": "w150 ", "document": "w160 "}


def trained_texts(module: Any) -> tuple[set[str], set[str]]:
    """First words and ids of all texts that a training embeds."""
    model = static(prompts=PROMPTS)
    seen: list[str] = []
    original = model.preprocess

    def preprocess(inputs: list[str], prompt: str | None = None, **settings: object) -> object:
        if any(frame.filename.endswith("data_collator.py") for frame in inspect.stack(context=0)):
            seen.extend((prompt or "") + text for text in inputs)  # not what the model card embeds
        return original(inputs, prompt=prompt, **settings)

    model.preprocess = preprocess
    rows = [
        {"id": f"w{190 + i % 8}", "positive": f"w{i + 50}", "anchor": f"w{i}", "label": int(i < 16)}
        for i in range(24)
    ]
    with tempfile.TemporaryDirectory() as folder:
        module.train(model, rows, folder, 4)
    return {text.split()[0] for text in seen}, {word for text in seen for word in text.split()[1:]}


def main() -> int:
    """Exit 0 when prompts are trained, only right pairs are, and the search normalizes what it cuts."""
    spec = importlib.util.spec_from_file_location("train", Path(sys.argv[1]) / "train.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with contextlib.redirect_stdout(io.StringIO()):
        first, words = trained_texts(module)
    wrong = (
        {f"w{i}" for i in range(16, 24)}
        | {f"w{i + 50}" for i in range(16, 24)}
        | {f"w{190 + i}" for i in range(8)}
    )
    print(f"prompts in training: {sorted(first)}; texts that should not be there: {sorted(words & wrong)}")
    model = static(prompts=PROMPTS)
    passages = [f"w{i} w{i + 1}" for i in range(60)]
    asked = model.encode("w150 w3")[:5]
    vectors = model.encode([f"w160 {passage}" for passage in passages])[:, :5]
    cosines = vectors @ asked / np.linalg.norm(vectors, axis=1)
    same = module.search(model, "w3", passages, 5) == np.argsort(-cosines).tolist()
    print(f"ranked by cosine with prompts: {same}")
    return 0 if first == {"w150", "w160"} and not words & wrong and same else 1


if __name__ == "__main__":
    sys.exit(main())
