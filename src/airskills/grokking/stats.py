"""Statistics of censored times: a run that did not grok within the budget is an observation, not a gap.

Everywhere `times` are steps, [n], and `events` tells whether the run generalized at that step (True) or was only
seen up to it (False). The mean of the runs that made it is not offered: it hides the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np
from numpy.typing import NDArray

from airskills.grokking.errors import GrokkingError

Numbers = NDArray[np.float64]
RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Times:
    """Censored times of one method; equal positions in two of them are the same seed."""

    times: Numbers
    events: NDArray[np.bool_]

    @classmethod
    def of(cls, t_grok: list[int | None], horizon: int) -> "Times":
        """Make them from times to grok; None is censored at the horizon, as is anything later."""
        times = np.array([horizon if t is None else min(t, horizon) for t in t_grok], dtype=np.float64)
        return cls(times, np.array([t is not None and t <= horizon for t in t_grok], dtype=bool))


def kaplan_meier(sample: Times) -> tuple[Numbers, Numbers]:
    """Share of runs that have not generalized yet, after each distinct time (Kaplan & Meier 1958).

    Returns:
        Distinct times in order, and the share just after each.
    """
    order = np.unique(sample.times)
    return order, _survival(sample, order, np.ones((1, len(sample.times))))[0]


def _survival(sample: Times, order: Numbers, counts: Numbers) -> Numbers:
    """Kaplan-Meier with weights: `counts` [resamples, n] says how often each run is taken; [resamples, times]."""
    at = (sample.times[:, None] == order) & sample.events[:, None]
    later = sample.times[:, None] >= order
    deaths, risk = counts @ at, counts @ later
    hazard = np.divide(deaths, risk, out=np.zeros_like(deaths, dtype=np.float64), where=risk > 0)
    return np.cumprod(1 - hazard, axis=1)


def median(sample: Times) -> float | None:
    """First time at which at most half of the runs are left; None if it is not reached."""
    times, share = kaplan_meier(sample)
    reached = np.flatnonzero(share <= 0.5)
    return float(times[reached[0]]) if len(reached) else None


def rmst(sample: Times, horizon: float) -> float:
    """Restricted mean time: the area under the Kaplan-Meier curve up to the horizon, in steps.

    When all censoring is at the horizon this is the mean of min(t, horizon).
    """
    return float(_areas(sample, horizon, np.ones((1, len(sample.times))))[0])


def _areas(sample: Times, horizon: float, counts: Numbers) -> Numbers:
    order = np.unique(np.minimum(sample.times, horizon))
    share = _survival(Times(np.minimum(sample.times, horizon), sample.events), order, counts)
    widths = np.diff(np.concatenate([[0.0], order, [horizon]]))
    return np.concatenate([np.ones((len(counts), 1)), share], axis=1) @ widths


def _counts(size: int, resamples: int, seed: int) -> Numbers:
    """How often each of `size` runs is drawn in each bootstrap resample, [resamples, size]."""
    drawn = np.random.default_rng(seed).integers(0, size, (resamples, size))
    return np.stack([(drawn == i).sum(axis=1) for i in range(size)], axis=1).astype(np.float64)


def rmst_interval(sample: Times, horizon: float, *, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Restricted mean with its percentile bootstrap interval over runs."""
    areas = _areas(sample, horizon, _counts(len(sample.times), resamples, seed))
    return Interval(rmst(sample, horizon), *_percentiles(areas))


def mean_interval(values: Sequence[float], *, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Mean of uncensored numbers, one per run, with its percentile bootstrap interval over runs."""
    numbers = np.array(values, dtype=np.float64)
    means = _counts(len(numbers), resamples, seed) @ numbers / len(numbers)
    return Interval(float(numbers.mean()), *_percentiles(means))


def rmst_ratio(
    sample: Times, other: Times, horizon: float, *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Restricted mean of `sample` over that of `other`, paired by seed: both are resampled alike.

    Below 1, `sample` is sooner. The ratio is bounded by the horizon, so state the horizon with it.

    Raises:
        GrokkingError: if the two have different numbers of runs.
    """
    if len(sample.times) != len(other.times):
        raise GrokkingError(
            f"Paired comparison of {len(sample.times)} and {len(other.times)} runs: give both the same seeds"
        )
    counts = _counts(len(sample.times), resamples, seed)
    ratios = _areas(sample, horizon, counts) / _areas(other, horizon, counts)
    return Interval(rmst(sample, horizon) / rmst(other, horizon), *_percentiles(ratios))


def _percentiles(values: Numbers) -> tuple[float, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def wilson(successes: int, total: int) -> Interval:
    """Share with its 95 % Wilson score interval (Wilson 1927); [0, 1] around nothing when `total` is 0."""
    if total == 0:
        return Interval(float("nan"), 0.0, 1.0)
    z, share = 1.959963984540054, successes / total
    scale = 1 + z * z / total
    middle = (share + z * z / (2 * total)) / scale
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / scale
    return Interval(share, max(middle - half, 0.0), min(middle + half, 1.0))


def log_rank(sample: Times, other: Times) -> tuple[float, float]:
    """Log-rank test of two samples (Mantel 1966).

    Returns:
        Chi-squared with one degree of freedom, and its p value; (0, 1) when nothing was observed.
    """
    order = np.unique(np.concatenate([sample.times[sample.events], other.times[other.events]]))
    risk = [(s.times[:, None] >= order).sum(0) for s in (sample, other)]
    deaths = [((s.times[:, None] == order) & s.events[:, None]).sum(0) for s in (sample, other)]
    total, died = risk[0] + risk[1], deaths[0] + deaths[1]
    expected = died * risk[0] / total
    spread = died * (risk[0] / total) * (risk[1] / total) * (total - died) / np.maximum(total - 1, 1)
    if spread.sum() == 0:
        return 0.0, 1.0
    chi2 = float((deaths[0].sum() - expected.sum()) ** 2 / spread.sum())
    return chi2, erfc(sqrt(chi2 / 2))
