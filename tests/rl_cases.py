"""What tests of the RL lab compare with on a CPU and on a GPU: the loss with all logits, and a short run of GRPO."""

from importlib import import_module
from typing import Any

from airskills.rl.losses import entropy_bonus, policy_loss

GRPO: dict[str, Any] = {
    "bf16": False,
    "report_to": "none",
    "save_strategy": "no",
    "disable_tqdm": True,
    "gradient_checkpointing": False,
    "learning_rate": 3e-3,
    "lr_scheduler_type": "constant",
    "per_device_train_batch_size": 32,
    "num_generations": 8,
    "max_completion_length": 8,
    "logging_steps": 1,
    "max_steps": 2,
    "seed": 0,
}


def prompts(count: int = 64) -> Any:
    """Sums to be answered."""
    datasets = import_module("datasets")
    return datasets.Dataset.from_dict({"prompt": [f"{i % 5}+{i % 4}=" for i in range(count)]})


def full(objective: Any, c: Any, temperature: Any, entropy_coef: Any, **extra: Any) -> Any:
    """Loss, log-probabilities and entropies `[B, T]` of a case, from all its logits."""
    logits = c["hidden"] @ c["weight"].T
    log_p = ((logits if c["bias"] is None else logits + c["bias"]) / temperature).log_softmax(-1)
    logp = log_p.gather(-1, c["targets"].unsqueeze(-1)).squeeze(-1)
    entropy = -(log_p.exp() * log_p).sum(-1)
    loss = policy_loss(objective, logp, c["advantages"], c["mask"], **extra)
    return loss - entropy_coef * entropy_bonus(entropy, c["mask"]), logp * c["mask"], entropy * c["mask"]
