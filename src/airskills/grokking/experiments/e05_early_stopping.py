"""E05: runs that will not generalize can be told early, from train signals, on a task never seen.

Claim     A rule fitted on other tasks and applied at 2 t_mem saves at least 30 % of the steps and stops at most 5 %
          of the runs that would generalize, on each held-out task.
Source    Notsawo et al. 2023, https://arxiv.org/abs/2306.13253, for the idea; signals of `stopping.features`.
Refuted   if on a held-out task it saves less than 30 %, or stops more than 5 % of those runs.
Cost      4 tasks x 4 decays x 6 seeds x at most 1,000 steps: about 4 minutes on one CPU thread.
"""

from typing import Any

import numpy as np

from airskills.grokking import experiment, stopping
from airskills.grokking.config import Frozen, Method
from airskills.grokking.experiment import Finding
from airskills.grokking.train import RunResult


class Config(Frozen):
    """Every number that can change the result."""

    tasks: tuple[str, ...] = ("add-31", "multiply-31", "message-31", "parity-20")
    lr: float = 0.03
    decays: tuple[float, ...] = (0.0, 0.1, 0.3, 1.0)
    seeds: tuple[int, ...] = tuple(range(100, 106))
    budget: int = 1_000
    patience: int = 200


SMOKE = Config(tasks=("add-31", "parity-20"), decays=(0.0, 1.0), seeds=(100,), budget=400)


def run(config: Config) -> Finding:
    """Leave one task out at a time; plain patience and the rival without training are priced beside the rule."""
    methods = {str(decay): Method(lr=config.lr, weight_decay=decay) for decay in config.decays}
    found = {t: _flat(experiment.train(t, methods, config.seeds, config.budget)) for t in config.tasks}
    measured = {task: _prices(found, task, config.patience) for task in config.tasks}
    rules = [measured[task]["rule"] for task in config.tasks]
    good = all(saved >= 0.30 and killed <= 0.05 for saved, killed, *_ in rules)
    return Finding(verdict="held" if good else "refuted", measured=measured)


def _flat(arms: experiment.Arms) -> list[RunResult]:
    return [result for results in arms.values() for result in results]


def _prices(found: dict[str, list[RunResult]], task: str, patience: int) -> dict[str, Any]:
    """[steps saved, share of generalizing runs stopped, its 95 % interval, runs stopped] of each rule."""
    fitting = [r for other, results in found.items() if other != task for r in results]
    runs, model = found[task], stopping.fit(fitting)
    bar = min(stopping.lr_decay(r) for r in fitting if r.outcome.generalized)
    stops: dict[str, list[int | None]] = {
        "rule": [stopping.futility_step(model, r) for r in runs],
        "lr x decay": [_rival(r, bar) for r in runs],
        "patience": [stopping.patience_step(r.curve, patience) for r in runs],
        "never": [None] * len(runs),
    }
    prices = {name: stopping.price(runs, steps) for name, steps in stops.items()}
    rounded = {
        n: np.round([p.saved, p.killed.value, p.killed.low, p.killed.high, p.stopped], 3).tolist()
        for n, p in prices.items()
    }
    return rounded | {"generalized": sum(r.outcome.generalized for r in runs), "runs": len(runs)}


def _rival(result: RunResult, bar: float) -> int | None:
    """Stop at 2 t_mem when log(lr x decay) is under the lowest of a generalizing run of the other tasks."""
    t_mem = result.outcome.t_mem
    if t_mem is None:
        return None
    return stopping.LOOK * t_mem if stopping.lr_decay(result) < bar - 1e-9 else None
