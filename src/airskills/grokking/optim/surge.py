"""Surge-collapse: a burst of learning rate followed by damage to the weights, with its controls.

No paper defines it. Definition here: in each interval the learning rate is
multiplied during the last `length` steps and the collapse follows the last of them. A benefit has to show in
t_grok against `random` (the same damage to randomly chosen entries) and `none` (no damage).
"""

import torch
from torch import Tensor

from airskills.grokking.config import Surge
from airskills.grokking.draws import COLLAPSE, Draw
from airskills.grokking.optim.layout import Layout


def multiplier(surge: Surge, step: int) -> float:
    """Return the factor of the learning rate at a step (from 1)."""
    place = (step - 1) % surge.interval
    return surge.factor if place >= surge.interval - surge.length else 1.0


def due(surge: Surge, step: int) -> bool:
    """Does the collapse follow this step?"""
    return step % surge.interval == 0


def collapse(
    surge: Surge, param: Tensor, grad: Tensor, layout: Layout, draw: Draw, firing: Tensor | None
) -> Tensor:
    """Damaged copy of [runs, numbers]; only matrices are touched.

    Args:
        surge: What is done, and how much of it.
        param: Weights.
        grad: Last gradient, for `gradient_norm`.
        layout: Where the matrices lie.
        draw: Random numbers of this step.
        firing: Share of rows on which each last hidden unit is active, [runs, units], for `activation`.
    """
    out = param.clone()
    if surge.collapse == "none":
        return out
    for number, name in enumerate(layout.matrices()):
        part = layout.columns(name)
        shape = layout.shapes[layout.names.index(name)]
        weights = param[:, part].view(-1, *shape)
        out[:, part] = _damage(
            surge, weights, grad[:, part], draw, number, _units(name, firing, shape)
        ).flatten(1)
    return out


def _units(name: str, firing: Tensor | None, shape: tuple[int, ...]) -> Tensor | None:
    """Firing of the units this matrix reads: only the head reads the last hidden layer."""
    reads = name.startswith("head") and firing is not None and firing.shape[1] == shape[0]
    return firing if reads else None


def _damage(
    surge: Surge, weights: Tensor, grad: Tensor, draw: Draw, number: int, firing: Tensor | None
) -> Tensor:
    if surge.collapse == "rank":
        return truncate(weights, surge.share)
    if surge.collapse == "gradient_norm":
        dead = (grad.norm(dim=1) < surge.threshold).view(-1, 1, 1)
        fresh = surge.threshold * draw.normal(COLLAPSE + 100 * number, *weights.shape[1:])
        return torch.where(dead, fresh, weights)
    score = _score(surge, weights, draw, number, firing)
    if score is None:
        return weights
    drop = lowest(score.flatten(1), surge.share).view_as(weights)
    fill = surge.refill * draw.normal(COLLAPSE + 100 * number + 1, *weights.shape[1:])
    return torch.where(drop, fill, weights)


def _score(surge: Surge, weights: Tensor, draw: Draw, number: int, firing: Tensor | None) -> Tensor | None:
    """Return the importance of each entry, [runs, m, n]: the lowest go. None leaves the matrix alone."""
    if surge.collapse == "magnitude":
        return weights.abs()
    if surge.collapse == "random":
        return draw.uniform(COLLAPSE + 100 * number, *weights.shape[1:])
    return None if firing is None else firing.unsqueeze(2).expand_as(weights)


def lowest(score: Tensor, share: float) -> Tensor:
    """Mark the floor(share n) lowest of [runs, n], ties to the earlier entry."""
    count = int(share * score.shape[1])
    order = score.argsort(dim=1, stable=True)[:, :count]
    return torch.zeros_like(score, dtype=torch.bool).scatter_(1, order, value=True)


def truncate(weights: Tensor, share: float) -> Tensor:
    """Drop the smallest floor(share k) of the k singular values of [runs, m, n]."""
    u, s, vt = torch.linalg.svd(weights, full_matrices=False)
    keep = s.shape[1] - int(share * s.shape[1])
    return torch.bmm(u[:, :, :keep] * s[:, None, :keep], vt[:, :keep])
