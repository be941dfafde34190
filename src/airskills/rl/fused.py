"""Policy losses straight from hidden states, without logits; only unmasked positions are computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from airskills.rl.linear import ROWS, Head, Slopes, token_logps
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
    rows: int = ROWS,
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
        rows: positions per chunk.
    """
    keep = mask.bool()

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
        expected = Slopes(grid.logp[keep], grid.entropy[keep])
    scores = token_logps(hidden[keep], head, targets[keep], expected=expected, rows=rows)
    logp, entropy = (scattered(score, keep) for score in scores)
    return FusedLoss(loss_of(logp, entropy), logp.detach(), entropy.detach())


def scattered(values: Tensor, keep: Tensor) -> Tensor:
    """`[N]` to the places of `keep`, `[B, T]`, with gradient; 0 elsewhere."""
    return values.new_zeros(keep.shape).masked_scatter(keep, values)


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
