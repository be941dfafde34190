"""Move the policy, then compare the trainer's loss on its own batch with the old objective computed by hand."""

import contextlib
import importlib.util
import io
import logging
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import torch
from fixtures import save, tiny_tokenizer
from torch.nn.functional import logsigmoid
from transformers import AutoModelForCausalLM, PreTrainedModel
from trl import DPOTrainer

ROWS = [
    {"prompt": f"{'very ' * n}long question {n}?", "chosen": f" yes, {n} it is", "rejected": " no" * (n + 1)}
    for n in (0, 3, 9, 20)
]


def sequences(row: dict[str, str]) -> tuple[list[int], list[int], list[int]]:
    """Tokens of prompt (the last 48), chosen and rejected."""
    tokenizer = tiny_tokenizer()
    ids = [tokenizer(row[key])["input_ids"] for key in ("prompt", "chosen", "rejected")]
    return ids[0][-48:], ids[1] + [tokenizer.eos_token_id], ids[2] + [tokenizer.eos_token_id]


def log_probs(model: PreTrainedModel, prompt: list[int], completion: list[int]) -> torch.Tensor:
    """Log-probability of each token of the completion."""
    ids = torch.tensor([prompt + completion])
    logits = model(ids).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
    return logits.gather(1, torch.tensor(completion)[:, None])[:, 0]


def objective(policy: PreTrainedModel, reference: PreTrainedModel) -> float:
    """Conservative DPO with 0.2, and half the mean negative log-likelihood of the chosen tokens."""
    smoothed, chosen_tokens = [], []
    for row in ROWS:
        prompt, chosen, rejected = sequences(row)
        mine = [log_probs(policy, prompt, ids) for ids in (chosen, rejected)]
        base = [log_probs(reference, prompt, ids) for ids in (chosen, rejected)]
        x = 0.1 * ((mine[0] - base[0]).sum() - (mine[1] - base[1]).sum())
        smoothed.append(-0.8 * logsigmoid(x) - 0.2 * logsigmoid(-x))
        chosen_tokens.append(mine[0])
    return float(torch.stack(smoothed).mean() - 0.5 * torch.cat(chosen_tokens).mean())


def main() -> int:
    """Exit 0 when the objective and the schedule are those of the old script."""
    logging.disable(logging.ERROR)
    spec = importlib.util.spec_from_file_location("train", Path(sys.argv[1]) / "train.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with tempfile.TemporaryDirectory() as out, contextlib.redirect_stdout(io.StringIO()):
        folder = save(Path(out) / "model")
        trainer: DPOTrainer = module.build(folder, ROWS, out)
        torch.manual_seed(0)
        reference = AutoModelForCausalLM.from_pretrained(folder, dtype="float32").eval()
        with torch.no_grad():
            for parameter in trainer.model.parameters():
                parameter.add_(0.2 * torch.randn_like(parameter))
            batch = trainer.data_collator([trainer.train_dataset[i] for i in range(len(ROWS))])
            got = float(trainer.compute_loss(trainer.model, batch))
            want = objective(trainer.model.eval(), reference)
        warmup = trainer.args.get_warmup_steps(8)
    print(f"loss {got:.5f}, by hand {want:.5f}; warm-up steps {warmup}")
    return 0 if abs(got - want) < 1e-3 * want and warmup == 2 else 1


if __name__ == "__main__":
    sys.exit(main())
