"""What an advantage is computed from, and the advantages that a trainer knows by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from airskills.rl import advantages
from airskills.rl.errors import RlError


class TrainerError(RlError, ValueError):
    """A trainer was asked for what it cannot do."""


class Rollout(NamedTuple):
    """What an advantage is computed from.

    Attributes:
        rewards: `[n, k]`, of all processes, gated and clipped, NaN where a reward does not apply.
        weights: `[k]`.
        group_size: completions per prompt, contiguous.
        local: rows of this process.
        batch: what TRL's loss will get: `completion_ids`, `completion_mask` and more, rows of this process.
    """

    rewards: Tensor
    weights: Tensor
    group_size: int
    local: slice
    batch: dict[str, Any]

    @property
    def total(self) -> Tensor:
        """`[n]`, weighted sum; NaN where no reward applies."""
        return weighted_total(self.rewards, self.weights)


def weighted_total(rewards: Tensor, weights: Tensor) -> Tensor:
    """`[n]` from `[n, k]` and `[k]`; NaN where no reward applies."""
    return torch.where(rewards.isnan().all(1), torch.nan, (rewards * weights).nansum(1))


Advantage = Callable[[Rollout], Tensor]
ADVANTAGES: dict[str, Advantage] = {
    "leave_one_out": lambda rollout: advantages.leave_one_out(rollout.total, rollout.group_size),
    "gdpo": lambda rollout: advantages.gdpo(rollout.rewards, rollout.weights, rollout.group_size),
}


def local_rows(values: Tensor, rollout: Rollout) -> Tensor:
    """Rows of this process.

    Raises:
        TrainerError: for a shape that is neither `[n]` nor `[b, T]`, or values that are not finite.
    """
    grid = rollout.batch["completion_mask"].shape
    if values.shape == (len(rollout.rewards),):
        values = values[rollout.local]
    elif values.shape != grid:
        raise TrainerError(
            f"The advantage is {list(values.shape)}; it must be [{len(rollout.rewards)}] or {list(grid)}"
        )
    if not values.isfinite().all():
        raise TrainerError(
            "The advantage has values that are not finite", help="Rewards can be NaN: leave them out"
        )
    return values
