"""Make real completions tables with the pinned trainer and compare with the answer's list."""

import contextlib
import importlib.util
import io
import logging
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from datasets import Dataset
from fixtures import config, tiny_model, tiny_tokenizer
from trl import GRPOTrainer


def user(prompt) -> str:
    """Text of the user message."""
    return prompt[-1]["content"]


def main() -> int:
    """Exit 0 when the list is right."""
    logging.disable(logging.ERROR)
    spec = importlib.util.spec_from_file_location("solution", Path(sys.argv[1]) / "solution.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def first(prompts, **_):
        return [float(i % 4) if user(p) in "13" else 1.0 for i, p in enumerate(prompts)]

    def second(prompts, **_):  # in group 3 it cancels the first exactly
        return [-float(i % 4) if user(p) == "3" else 0.5 for i, p in enumerate(prompts)]

    def chars(completions, log_extra, **_):
        log_extra("length", [len(c[-1]["content"]) for c in completions])
        return [None] * len(completions)

    messages = [[{"role": "system", "content": "be brief"}, {"role": "user", "content": d}] for d in "0123"]
    with tempfile.TemporaryDirectory() as out, contextlib.redirect_stdout(io.StringIO()):
        GRPOTrainer(
            model=tiny_model(),
            processing_class=tiny_tokenizer(),
            reward_funcs=[first, second, chars],
            args=config(output_dir=out, max_steps=2, log_completions=True),
            train_dataset=Dataset.from_dict({"prompt": messages}),
        ).train()
        try:
            got = module.dead_prompts(Path(out) / "completions", 4, ["first", "second", "chars"])
        except Exception as error:  # noqa: BLE001 - an answer may fail in any way
            got = f"{type(error).__name__}: {error}"
    print(f"got {got}, expected ['0', '2', '3']")
    return 0 if got == ["0", "2", "3"] else 1


if __name__ == "__main__":
    sys.exit(main())
