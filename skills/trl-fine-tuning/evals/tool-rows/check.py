"""Give the answer's data set to the real trainer: every row must be rendered as the template renders the file's row."""

import contextlib
import importlib.util
import io
import json
import logging
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import sft, shipped, tiny_tokenizer


def main() -> int:
    """Exit 0 when what is trained is what the file says."""
    logging.disable(logging.ERROR)
    spec = importlib.util.spec_from_file_location("data", Path(sys.argv[1]) / "data.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path = Path(__file__).with_name("files") / "tools.jsonl"
    tokenizer = tiny_tokenizer(template=shipped("qwen3"))
    source = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = [row["messages"] for row in source]
    want = [tokenizer.decode(tokenizer.apply_chat_template(row)["input_ids"]) for row in rows]
    with tempfile.TemporaryDirectory() as out, contextlib.redirect_stdout(io.StringIO()):
        trainer = sft(module.make(source), tokenizer=tokenizer, output_dir=out)
        got = [tokenizer.decode(ids) for ids in trainer.train_dataset["input_ids"]]
    bad = [(mine, right) for mine, right in zip(got, want, strict=False) if mine != right]
    if len(got) != len(want) or bad:
        print(f"{len(got)} rows of {len(want)}, {len(bad)} differ, e.g. {bad[0] if bad else ''}")
        return 1
    print("all rows are trained as they are in the file")
    return 0


if __name__ == "__main__":
    sys.exit(main())
