"""Rates with their uncertainty: Wilson's interval, and a bootstrap over tasks for differences."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence

Z = 1.959964  # 95 % of a normal distribution lies within so many standard deviations
DRAWS = 4000
SEED = 20_260_101  # the same results give the same interval


def wilson(passed: int, total: int) -> tuple[float, float]:
    """95 % interval of a rate. Source: Wilson 1927; Brown, Cai and DasGupta 2001.

    Args:
        passed: successes.
        total: trials; with none the interval is everything.
    """
    if not total:
        return 0.0, 1.0
    rate, z2 = passed / total, Z * Z
    center = (rate + z2 / (2 * total)) / (1 + z2 / total)
    half = Z * math.sqrt(rate * (1 - rate) / total + z2 / (4 * total * total)) / (1 + z2 / total)
    return center - half if passed else 0.0, center + half if passed < total else 1.0


def difference(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Mean of `with - without` over tasks, and its 95 % interval by resampling tasks.

    Args:
        pairs: for each task the rates (without, with).

    Returns:
        Mean, lower, upper; the interval is -1 to 1 with fewer than two tasks.
    """
    gaps = [after - before for before, after in pairs]
    mean = statistics.fmean(gaps) if gaps else 0.0
    if len(gaps) < 2:
        return mean, -1.0, 1.0
    draw = random.Random(SEED)  # noqa: S311 - statistics, not secrets
    means = sorted(statistics.fmean(draw.choices(gaps, k=len(gaps))) for _ in range(DRAWS))
    return mean, means[round(0.025 * (DRAWS - 1))], means[round(0.975 * (DRAWS - 1))]


def spread(values: Sequence[float]) -> dict[str, float | None]:
    """Mean and standard deviation of a sample, rounded; None where there is nothing."""
    if not values:
        return {"mean": None, "stddev": None}
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return {"mean": round(statistics.fmean(values), 4), "stddev": round(deviation, 4)}
