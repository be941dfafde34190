"""E08: activations get simpler when the rule is found, on every task.

Claim     From t_mem to t_grok the activation entropy of the last hidden layer falls: on addition and multiplication
          mod 31, sparse parity, the message game and digits with a large start.
Source    DeMoss et al. 2024, https://arxiv.org/abs/2412.09810, found it for the complexity of the weights.
Refuted   if on one task the 95 % interval of the mean change, over runs with t_mem < t_grok, lies at or above 0.
Cost      5 tasks x 10 seeds x at most 2,400 steps: about 3 minutes on one CPU thread.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from airskills.grokking import experiment, stats, tasks
from airskills.grokking.config import Frozen
from airskills.grokking.experiment import Finding, Verdict
from airskills.grokking.stats import Interval
from airskills.grokking.train import RunResult

SIGNALS = ("activation_entropy", "effective_rank")


class Config(Frozen):
    """Every number that can change the result. Each task has its reference setting, and its own budget at most."""

    tasks: tuple[str, ...] = ("add-31", "multiply-31", "parity-20", "message-31", "digits-mse")
    seeds: tuple[int, ...] = tuple(range(100, 110))
    budget: int = 2_400


SMOKE = Config(tasks=("squares-31",), seeds=(100, 101), budget=100)


def run(config: Config) -> Finding:
    """Compare each run with itself at its two times; the effective rank of the weights is measured beside."""
    measured: dict[str, Any] = {}
    changes: list[Interval | None] = []
    for task in config.tasks:
        card = tasks.get(task).card
        budget = min(config.budget, card.budget)
        runs = experiment.train(task, {task: card.reference}, config.seeds, budget, extra=SIGNALS)[task]
        late = [r for r in runs if r.outcome.delay is not None and r.outcome.delay > 0]
        measured[task] = {"runs with a delay": len(late)} | {name: _means(late, name) for name in SIGNALS}
        changes.append(_change(late, SIGNALS[0]))
    return Finding(verdict=_verdict(changes), measured=measured)


def _pairs(runs: Sequence[RunResult], signal: str) -> list[tuple[float, float]]:
    """A signal at t_mem and at t_grok, per run."""
    return [
        (_at(r, signal, t_mem), _at(r, signal, t_grok))
        for r in runs
        if (t_mem := r.outcome.t_mem) is not None and (t_grok := r.outcome.t_grok) is not None
    ]


def _at(result: RunResult, signal: str, step: int) -> float:
    return float(result.curve[signal][int(np.searchsorted(result.curve["step"], step))])


def _change(runs: Sequence[RunResult], signal: str) -> Interval | None:
    """Mean change with its bootstrap interval over runs; None with fewer than two runs."""
    changes = [after - before for before, after in _pairs(runs, signal)]
    return stats.mean_interval(changes) if len(changes) > 1 else None


def _means(runs: Sequence[RunResult], signal: str) -> dict[str, Any]:
    change = _change(runs, signal)
    if change is None:
        return {}
    before, after = np.mean(_pairs(runs, signal), axis=0).round(3).tolist()
    return {
        "at t_mem": before,
        "at t_grok": after,
        "change": np.round([change.value, change.low, change.high], 3).tolist(),
    }


def _verdict(changes: Sequence[Interval | None]) -> Verdict:
    """Held if every interval lies below 0, refuted if one lies at or above 0, else undecided."""
    known = [change for change in changes if change is not None]
    if any(change.low >= 0 for change in known):
        return "refuted"
    return "held" if len(known) == len(changes) and all(c.high < 0 for c in known) else "undecided"
