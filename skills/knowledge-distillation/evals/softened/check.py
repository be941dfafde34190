"""Compare the answer's loss on a data set's answers with the softened forward KL computed by hand."""

import contextlib
import importlib.util
import io
import sys
import tempfile
from pathlib import Path

import torch
from torch import Tensor
from transformers import Qwen3ForCausalLM
from trl.experimental.gkd import GKDTrainer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import TALK, tiny_model, tiny_tokenizer

TOLERANCE = 0.02


def by_hand(trainer: GKDTrainer, temperature: float) -> float:
    """T^2 KL(teacher || student) at a temperature, per answer token of the first batch."""
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(len(TALK))])
    keys = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"]}
    student, teacher = (softened(tiny_model(seed), keys, temperature) for seed in (0, 1))
    kept = batch["labels"][:, 1:] != -100
    per_token: Tensor = (teacher.exp() * (teacher - student)).sum(-1)[kept]
    return float(temperature**2 * per_token.mean())


def softened(model: Qwen3ForCausalLM, keys: dict[str, Tensor], temperature: float) -> Tensor:
    """Log probabilities of the next token at a temperature."""
    with torch.no_grad():
        logits: Tensor = model.eval()(**keys).logits
    return (logits[:, :-1] / temperature).log_softmax(-1)


def main() -> int:
    """Exit 0 when the first loss is right at temperatures 1 and 3."""
    spec = importlib.util.spec_from_file_location("train", Path(sys.argv[1]) / "train.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    problems = []
    for temperature in (1.0, 3.0):
        with tempfile.TemporaryDirectory() as out, contextlib.redirect_stdout(io.StringIO()):
            trainer: GKDTrainer = module.build(
                tiny_model(), tiny_model(1), tiny_tokenizer(), TALK, temperature, out
            )
            want = by_hand(trainer, temperature)
            trainer.train()
        got = trainer.state.log_history[0]["loss"]
        if abs(got - want) > TOLERANCE * want:
            problems.append(f"temperature {temperature}: loss {got:.4f}, by hand {want:.4f}")
    print("; ".join(problems) or "the loss is the softened one")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
