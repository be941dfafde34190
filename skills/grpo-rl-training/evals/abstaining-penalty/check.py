"""Score a group with the answer's rewards through the real trainer: no integer may never beat an honest try."""

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

TEXTS = ["7", "8", "17 please", "I would rather not say, please."]  # right, near, far, no integer


class Scripted(GRPOTrainer):
    """The real scoring, on completions that are given."""

    def _generate(self, prompts):
        result = list(super()._generate(prompts))
        texts = (TEXTS * len(prompts))[: len(prompts)]
        result[3] = [[{"role": "assistant", "content": text}] for text in texts]
        return tuple(result)

    def _generate_and_score_completions(self, inputs):
        self.scored = super()._generate_and_score_completions(inputs)
        return self.scored


def advantages(folder: Path) -> list[float]:
    """Advantages of the four texts in one group."""
    spec = importlib.util.spec_from_file_location("rewards", folder / "rewards.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    prompts = [[{"role": "user", "content": "3+4"}]] * 8
    with tempfile.TemporaryDirectory() as out, contextlib.redirect_stdout(io.StringIO()):
        trainer = Scripted(
            model=tiny_model(),
            processing_class=tiny_tokenizer(),
            reward_funcs=[module.correct, module.overshoot, module.polite],
            args=config(output_dir=out),
            train_dataset=Dataset.from_dict({"prompt": prompts, "answer": ["7"] * 8}),
        )
        trainer.train()
    return [round(value, 3) for value in trainer.scored["advantages"][:4].tolist()]


def main() -> int:
    """Exit 0 when the order is right."""
    logging.disable(logging.ERROR)
    right, near, far, silent = advantages(Path(sys.argv[1]))
    print(f"right {right}, near {near}, far {far}, no integer {silent}")
    return 0 if right > near > far > silent and silent < 0 else 1


if __name__ == "__main__":
    sys.exit(main())
