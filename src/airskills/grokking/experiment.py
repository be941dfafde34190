"""What all experiments share: arms trained as batches, a verdict by interval, and a file per result."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Literal

from airskills.grokking import benchmark, runner, stats, tasks
from airskills.grokking.config import Frozen, Method, RunSpec
from airskills.grokking.stats import Interval, Times
from airskills.grokking.train import RunResult, Trainer

Verdict = Literal["held", "refuted", "undecided"]
Arms = dict[str, list[RunResult]]


class Finding(Frozen):
    """The result of an experiment: its verdict on the claim, and what was measured."""

    verdict: Verdict
    measured: dict[str, Any]


def train(
    task: str, methods: dict[str, Method], seeds: Sequence[int], budget: int, *, extra: Sequence[str] = ()
) -> Arms:
    """Train every method on every seed of a task, in batches of the size that fits the cache.

    `extra` are names of `signals.EXTRA` to record in the curves.
    """
    named = [
        (name, RunSpec(task=task, method=m, seed=s, budget=budget))
        for name, m in methods.items()
        for s in seeds
    ]
    size, arms = runner.batch_size(task), {name: list[RunResult]() for name in methods}
    for start in range(0, len(named), size):
        part = named[start : start + size]
        results = Trainer(tasks.get(task), [spec for _, spec in part], extra=extra).train()
        for (name, _), result in zip(part, results, strict=True):
            arms[name].append(result)
    return arms


def times(results: Sequence[RunResult], budget: int) -> Times:
    """Censored times to generalize."""
    return Times.of([r.outcome.t_grok for r in results], budget)


def ratio(arms: Arms, sample: str, other: str, budget: int) -> Interval:
    """Restricted mean of one arm over another's, paired by seed."""
    return stats.rmst_ratio(times(arms[sample], budget), times(arms[other], budget), budget)


def median_delay(results: Sequence[RunResult], budget: int) -> float:
    """Median of t_grok - t_mem, in steps; a run without one of the two has the delay of the whole budget."""
    return median(budget if r.outcome.delay is None else r.outcome.delay for r in results)


def summary(arms: Arms, budget: int) -> dict[str, Any]:
    """Restricted mean with interval, counts of statuses and relapses per arm."""
    return {name: _arm(results, budget) for name, results in arms.items()}


def _arm(results: Sequence[RunResult], budget: int) -> dict[str, Any]:
    area = stats.rmst_interval(times(results, budget), budget)
    statuses = [r.outcome.status for r in results]
    return {
        "rmst": [round(area.value, 1), round(area.low, 1), round(area.high, 1)],
        "status": {status: statuses.count(status) for status in sorted(set(statuses))},
        "relapsed": sum(r.outcome.relapsed for r in results),
    }


def below_one(intervals: Sequence[Interval]) -> Verdict:
    """Held if every interval lies below 1, refuted if one lies wholly at or above 1, else undecided."""
    if all(i.high < 1 for i in intervals):
        return "held"
    return "refuted" if any(i.low >= 1 for i in intervals) else "undecided"


def save(name: str, config: Frozen, finding: Finding, out: Path, wall_s: float) -> Path:
    """Write `out/<name>-<config digest>.json` with config, finding, versions and cost."""
    path = out / f"{name}-{config.digest()}.json"
    content = {
        "experiment": name,
        "date": datetime.now(UTC).date().isoformat(),
        "config": config.model_dump(mode="json"),
        **finding.model_dump(mode="json"),
        "hardware": benchmark.hardware(),
        "wall_s": round(wall_s, 1),
    }
    runner.write_json(path, content)
    return path
