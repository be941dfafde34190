"""Losses of all runs at once: logits [runs, rows, classes] and targets [runs, rows] give [runs]."""

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
        weights = stable_weights(logits.double())
        return weights.sum(-1).log() - weights.gather(-1, targets.unsqueeze(-1)).squeeze(-1).log()
    rows = functional.cross_entropy(logits.flatten(0, -2), targets.flatten(), reduction="none")
    return rows.view_as(targets)


def stable_weights(logits: Tensor) -> Tensor:
    """StableMax's s: x + 1 for x >= 0 and 1 / (1 - x) below (Prieto et al. 2025, arXiv:2501.04697).

    StableMax is s(x_i) / sum_j s(x_j). It grows linearly, so no logit is large enough to absorb the others in
    floating point. The quotient has no branch: with `torch.where`, 1 / (1 - x) at x = 1 makes the gradient NaN.
    """
    return (1 + logits.clamp(min=0)) / (1 + (-logits).relu())  # at 0, clamp has slope 1 and relu 0: s' = 1


def zero_loss_share(logits: Tensor, targets: Tensor) -> Tensor:
    """Share of rows whose float32 cross-entropy is exactly 0, [runs]: the right logit gets no gradient from them."""
    return (per_row(logits.float(), targets, "cross_entropy") == 0).float().mean(dim=1)
