"""Advantages: how much better a completion, or a token, was than expected. Pure functions of torch tensors.

Groups are contiguous: the completions of one prompt follow one another, as TRL lays them out. A reward of NaN means
that no reward applied; such a completion gets the advantage 0 and does not count in means and deviations.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from airskills.rl import backends
from airskills.rl.errors import RlError

Scale = Literal["group", "batch", "none"]
EPS = 1e-4  # TRL's


class ShapeError(RlError, ValueError):
    """A tensor has another shape than the function takes."""


class NotFiniteError(RlError, ValueError):
    """A reward or a value is infinite, or NaN where it counts."""


def group_relative(rewards: Tensor, group_size: int, *, scale: Scale = "group", eps: float = EPS) -> Tensor:
    r"""Advantage of each completion over the mean of its group.

    $\hat A_i = (r_i - \bar r) / (\sigma + \epsilon)$, Shao et al. 2024 (GRPO), https://arxiv.org/abs/2402.03300.
    `scale="none"` leaves out the division: Liu et al. 2025 (Dr. GRPO), https://arxiv.org/abs/2503.20783.

    Args:
        rewards: `[n]`.
        group_size: completions per prompt; must divide `n`.
        scale: divide by the sample deviation (Bessel) of the group, of the whole batch, or not at all.
        eps: added to the deviation.

    Returns:
        `[n]`, zero in a group whose rewards are all equal, and where the reward is NaN. A group with one reward
        that is not NaN has no deviation: zero.

    Raises:
        ShapeError: if `rewards` is not `[n]` with `n` a multiple of `group_size`.
        NotFiniteError: for an infinite reward.

    >>> group_relative(torch.tensor([1.0, 0.0, 0.0, 1.0]), 2, scale="none")
    tensor([ 0.5000, -0.5000, -0.5000,  0.5000])
    """
    grouped = _groups(rewards, group_size)
    centered = grouped - grouped.nanmean(dim=1, keepdim=True)
    if scale == "group":
        centered = centered / (_deviation(grouped, dim=1) + eps)
    elif scale == "batch":
        centered = centered / (_deviation(rewards.view(1, -1), dim=1) + eps)
    return centered.nan_to_num(0.0).view(-1)


def leave_one_out(rewards: Tensor, group_size: int) -> Tensor:
    r"""Advantage over the mean of the *other* completions of the group.

    $\hat A_i = r_i - \frac{1}{k-1} \sum_{j \ne i} r_j$, Ahmadian et al. 2024 (RLOO),
    https://arxiv.org/abs/2402.14740.

    Args:
        rewards: `[n]`.
        group_size: completions per prompt, 2 or more; must divide `n`.

    Returns:
        `[n]`, zero where the reward is NaN or no other one of the group applies.

    >>> leave_one_out(torch.tensor([1.0, 0.0, 0.5]), 3)
    tensor([ 0.7500, -0.7500,  0.0000])
    """
    grouped = _groups(rewards, group_size)
    count = grouped.isfinite().sum(dim=1, keepdim=True)
    others = (grouped.nansum(dim=1, keepdim=True) - grouped) / (count - 1)
    return torch.where(count > 1, grouped - others, 0.0).nan_to_num(0.0).view(-1)


def gdpo(rewards: Tensor, weights: Tensor, group_size: int, *, eps: float = EPS) -> Tensor:
    """Normalize each reward within its group, add up by weight, then normalize over the batch.

    Group reward-decoupled normalization (GDPO), as TRL's `normalize_then_sum`: a reward with a small spread keeps
    its say beside one with a large spread.

    Args:
        rewards: `[n, k]`, one column per reward.
        weights: `[k]`.
        group_size: completions per prompt; must divide `n`.
        eps: added to each deviation.

    Returns:
        `[n]`, zero where no reward applies.
    """
    if rewards.ndim != 2 or weights.shape != rewards.shape[1:]:
        raise ShapeError(
            f"rewards must be [n, k] and weights [k], not {list(rewards.shape)} and {list(weights.shape)}"
        )
    columns = [_normalized(_groups(column, group_size), eps).view(-1) for column in rewards.unbind(1)]
    total = (torch.stack(columns, 1) * weights).nansum(1)
    total = torch.where(rewards.isnan().all(1), torch.nan, total)
    return _normalized(total.view(1, -1), eps).view(-1).nan_to_num(0.0)


def gae(
    rewards: Tensor, values: Tensor, mask: Tensor, *, gamma: float = 1.0, lam: float = 0.95
) -> tuple[Tensor, Tensor]:
    r"""Generalized advantage estimation over completions with masked positions.

    $\delta_t = r_t + \gamma V_{t+1} - V_t$, $\hat A_t = \delta_t + \gamma\lambda \hat A_{t+1}$, Schulman et al. 2016,
    https://arxiv.org/abs/1506.02438. The value after the last token is 0. A masked position (padding, a tool's
    answer) passes value and advantage of the next policy token through, as in verl.

    Args:
        rewards: `[B, T]`; what lies under a masked position is not read.
        values: `[B, T]`.
        mask: `[B, T]`, true at tokens of the policy.
        gamma: discount.
        lam: weight of longer returns.

    Returns:
        Advantages `[B, T]` and returns `[B, T]`, both 0 at masked positions, on the device of `rewards`. They carry
        no gradient.

    Raises:
        ShapeError: for shapes that differ.
        NotFiniteError: for a reward or a value that is not finite, where the mask is true.
    """
    if rewards.ndim != 2 or not rewards.shape == values.shape == mask.shape:
        shapes = [list(tensor.shape) for tensor in (rewards, values, mask)]
        raise ShapeError(f"rewards, values and mask must all be [B, T], not {', '.join(map(str, shapes))}")
    dtype = np.float64 if rewards.dtype == torch.float64 else np.float32
    given = [
        tensor.detach().float() if dtype == np.float32 else tensor.detach() for tensor in (rewards, values)
    ]
    r, v = (np.ascontiguousarray(tensor.cpu().numpy(), dtype) for tensor in given)
    m = np.ascontiguousarray(mask.bool().cpu().numpy())
    out = np.empty(r.shape, dtype)
    backends.resolve("gae")[0](r, v, m, float(gamma), float(lam), out)
    if not np.isfinite(out).all():
        row = int((~np.isfinite(out)).any(axis=1).argmax())
        raise NotFiniteError(f"Row {row} has a reward or a value that is not finite under the mask")
    advantages = torch.from_numpy(out).to(rewards)
    return advantages, torch.where(mask.bool(), advantages + values.detach(), 0.0)


def _groups(rewards: Tensor, group_size: int) -> Tensor:
    if rewards.ndim != 1 or group_size < 1 or rewards.numel() % group_size:
        raise ShapeError(f"rewards must be [n] with n a multiple of {group_size}, not {list(rewards.shape)}")
    infinite = rewards.isinf()
    if infinite.any():
        row = int(infinite.int().argmax())
        raise NotFiniteError(f"rewards[{row}] is {rewards[row].item()}", help="Clip it; NaN means no reward")
    return rewards.view(-1, group_size)


def _normalized(grouped: Tensor, eps: float) -> Tensor:
    return (grouped - grouped.nanmean(dim=1, keepdim=True)) / (_deviation(grouped, dim=1) + eps)


def _deviation(values: Tensor, dim: int) -> Tensor:
    """Sample deviation of what is not NaN; NaN for fewer than two values."""
    count = values.isfinite().sum(dim=dim, keepdim=True)
    squares = (values - values.nanmean(dim=dim, keepdim=True)).square()
    variance = squares.nanmean(dim=dim, keepdim=True) * count / (count - 1)
    return torch.where(count > 1, variance, torch.nan).sqrt()
