"""Build the answer's trainer for two tokenizers and compare the ids that would train with those of the texts."""

import contextlib
import importlib.util
import io
import logging
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import TALK, tiny_model, tiny_tokenizer
from trl import SFTTrainer


def main() -> int:
    """Exit 0 when the ids are those of the texts, cut at 512, and it trains."""
    logging.disable(logging.ERROR)
    spec = importlib.util.spec_from_file_location("train", Path(sys.argv[1]) / "train.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    problems = []
    for bos in (True, False):
        tokenizer = tiny_tokenizer(bos=bos)
        long = [{"role": "user", "content": "x" * 700}, {"role": "assistant", "content": "y"}]
        talks = [*(row["messages"] for row in TALK), long]
        rows = [{"text": tokenizer.apply_chat_template(talk, tokenize=False)} for talk in talks]
        want = [tokenizer(row["text"], add_special_tokens=False)["input_ids"][:512] for row in rows]
        with tempfile.TemporaryDirectory() as out, contextlib.redirect_stdout(io.StringIO()):
            trainer: SFTTrainer = module.build(tiny_model("llama"), tokenizer, rows, out)
            batch = [trainer.data_collator([row]) for row in trainer.train_dataset]
            trainer.train()
        got = [(b["input_ids"][0].tolist(), b["labels"][0].tolist()) for b in batch]
        bad = [i for i, ids in enumerate(want) if (ids, ids) not in got]
        if bad or len(got) != len(want) or trainer.state.global_step != 2:
            first = tokenizer.decode(got[0][0])
            problems.append(f"bos {bos}: {len(bad)} of {len(want)} rows differ, the first is {first!r}")
    print("; ".join(problems) or "the ids are those of the texts")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
