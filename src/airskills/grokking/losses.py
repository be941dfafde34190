"""Losses of all runs at once: logits [runs, rows, classes] and targets [runs, rows] give [runs]."""

import torch
from torch import Tensor
from torch.nn import functional

from airskills.grokking.config import Loss


def per_run(logits: Tensor, targets: Tensor, kind: Loss) -> Tensor:
    """Mean loss over rows for each run, [runs]; `mse` is against one-hot targets, mean over classes too."""
    return per_row(logits, targets, kind).mean(dim=1)


def per_row(logits: Tensor, targets: Tensor, kind: Loss) -> Tensor:
    """Loss of each row, [runs, rows]."""
    if kind == "mse":
        wanted = functional.one_hot(targets, logits.shape[-1]).to(logits.dtype)
        return (logits - wanted).square().mean(-1)
    if kind == "stablemax":
        logp = log_stablemax(logits.double())
        return -logp.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    rows = functional.cross_entropy(logits.flatten(0, -2), targets.flatten(), reduction="none")
    return rows.view_as(targets)


def log_stablemax(logits: Tensor) -> Tensor:
    """Logarithm of StableMax over the last axis (Prieto et al. 2025, arXiv:2501.04697).

    s(x) = x + 1 for x >= 0 and 1 / (1 - x) for x < 0; StableMax is s(x_i) / sum_j s(x_j). It grows linearly,
    so no logit is large enough to absorb the others in floating point. The branch that is not taken gets a
    clamped input: otherwise 1 / (1 - x) at x = 1 makes the gradient NaN.
    """
    positive = logits.clamp(min=0) + 1
    negative = 1 / (1 - logits.clamp(max=0))
    s = torch.where(logits >= 0, positive, negative)
    return s.log() - s.sum(-1, keepdim=True).log()


def zero_loss_share(logits: Tensor, targets: Tensor) -> Tensor:
    """Share of rows whose float32 cross-entropy is exactly 0, and whose gradient is then 0 too, [runs]."""
    return (per_row(logits.float(), targets, "cross_entropy") == 0).float().mean(dim=1)
