"""Policy losses straight from hidden states, without logits; only unmasked positions are computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from airskills.rl.linear import Head, Slopes, token_logps
from airskills.rl.losses import Objective, entropy_bonus, policy_loss


class FusedLoss(NamedTuple):
    """Result of `linear_policy_loss`.

    Attributes:
        loss: scalar, with gradient to hidden states, weight and bias.
        logp: `[B, T]`, 0 at masked positions, without gradient.
        entropy: `[B, T]`, in nats, as `logp`.
    """

    loss: Tensor
    logp: Tensor
    entropy: Tensor


def linear_policy_loss(  # noqa: PLR0913 - those of policy_loss, and the head in place of logp
    objective: Objective,
    hidden: Tensor,
    head: Head,
    targets: Tensor,
    advantages: Tensor,
    mask: Tensor,
    *,
    old_logp: Tensor | None = None,
    ref_logp: Tensor | None = None,
    token_weights: Tensor | None = None,
    normalizer: Tensor | float | None = None,
    entropy_coef: float = 0.0,
    rows: int | None = None,
) -> FusedLoss:
    """Compute `losses.policy_loss` minus `entropy_coef` times the mean entropy, without logits.

    On-policy and without divergence the gradient is formed in the forward pass.

    Args:
        objective: which loss.
        hidden: `[B, T, H]`, the state from which each completion token is predicted.
        head: the output layer.
        targets: `[B, T]`, completion tokens; not read where masked.
        advantages: `[B]` or `[B, T]`.
        mask: `[B, T]`.
        old_logp: `[B, T]`, or `None` on-policy.
        ref_logp: `[B, T]`, if `objective.beta` is not 0.
        token_weights: as in `policy_loss`.
        normalizer: as in `policy_loss`.
        entropy_coef: weight of the entropy bonus.
        rows: positions per chunk; by the device if `None`.
    """
    kept = Kept(mask.bool())

    def loss_of(logp: Tensor, entropy: Tensor) -> Tensor:
        loss = policy_loss(
            objective,
            logp,
            advantages,
            mask,
            old_logp=old_logp,
            ref_logp=ref_logp,
            token_weights=token_weights,
            normalizer=normalizer,
        )
        return loss - entropy_coef * entropy_bonus(entropy, mask.to(logp.dtype)) if entropy_coef else loss

    expected = None
    if old_logp is None and not objective.beta:
        grid = on_policy_slopes(loss_of, mask.to(torch.promote_types(hidden.dtype, torch.float32)))
        expected = Slopes(*(kept.of(slope) for slope in grid))
    scores = token_logps(kept.of(hidden), head, kept.of(targets), expected=expected, rows=rows)
    logp, entropy = (kept.back(score) for score in scores)
    return FusedLoss(loss_of(logp, entropy), logp.detach(), entropy.detach())


class Kept:
    """The positions where a mask `[B, T]` is true; looking for them is the only time that the device is waited for."""

    def __init__(self, mask: Tensor) -> None:
        self.shape = mask.shape
        self.places = mask.flatten().nonzero().squeeze(1)
        self.all = len(self.places) == mask.numel()

    def of(self, grid: Tensor) -> Tensor:
        """`[N, ...]` of a grid `[B, T, ...]`, with gradient; no copy of what is kept as a whole."""
        flat = grid.flatten(0, 1)
        return flat if self.all else flat.index_select(0, self.places)

    def back(self, values: Tensor) -> Tensor:
        """`[N]` to its places in `[B, T]`, with gradient; 0 elsewhere."""
        flat = values if self.all else values.new_zeros(self.shape.numel()).index_copy(0, self.places, values)
        return flat.view(self.shape)


def on_policy_slopes(loss_of: Callable[[Tensor, Tensor], Tensor], like: Tensor) -> Slopes:
    """Gradient `[B, T]` of a loss where every ratio is 1, so that it does not depend on the log-probabilities.

    Args:
        loss_of: of log-probabilities and entropies, both `[B, T]`.
        like: `[B, T]`, for shape, type and device.
    """
    with torch.enable_grad():
        logp, entropy = torch.zeros(2, *like.shape, dtype=like.dtype, device=like.device).requires_grad_()
        slopes = torch.autograd.grad(loss_of(logp, entropy), (logp, entropy), allow_unused=True)
    return Slopes(*(torch.zeros_like(like) if slope is None else slope for slope in slopes))
