"""E07: the less of a table is in the train part, the later the rest is understood.

Claim     With AdamW, the restricted mean time to generalize falls with the train share .5, .625, .75 of tables mod 31,
          for addition, multiplication and the sum of squares.
Source    Power et al. 2022, https://arxiv.org/abs/2201.02177 (there mod 97 and S5, a transformer).
Refuted   if the paired 95 % interval of a ratio of neighboring shares lies at or above 1 for one of the operations.
Cost      3 operations x 3 shares x 10 seeds x at most 1,500 steps: about 4 minutes on one CPU thread.
"""

from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

from airskills.grokking import experiment, tasks
from airskills.grokking.config import Frozen, Method
from airskills.grokking.experiment import Finding
from airskills.grokking.stats import Interval
from airskills.grokking.tasks import algorithmic
from airskills.grokking.train import RunResult


class Config(Frozen):
    """Every number that can change the result."""

    operations: tuple[str, ...] = ("add", "multiply", "squares")
    shares: tuple[float, ...] = (0.5, 0.625, 0.75)
    method: Method = Method(lr=0.03, weight_decay=1.0)
    seeds: tuple[int, ...] = tuple(range(100, 110))
    budget: int = 1_500


SMOKE = Config(operations=("add",), shares=(0.5, 0.75), seeds=(100,), budget=30)


def run(config: Config) -> Finding:
    """Train all shares of each operation and compare each share with the one below it."""
    measured: dict[str, Any] = {}
    intervals: list[Interval] = []
    for operation in config.operations:
        arms = {str(share): _runs(config, operation, share) for share in config.shares}
        pairs = list(pairwise(arms))
        ratios = [experiment.ratio(arms, more, less, config.budget) for less, more in pairs]
        intervals += ratios
        measured[operation] = (
            experiment.summary(arms, config.budget)
            | {
                "median delay": {
                    name: experiment.median_delay(runs, config.budget) for name, runs in arms.items()
                }
            }
            | {
                f"{more} / {less}": [i.value, i.low, i.high]
                for (less, more), i in zip(pairs, ratios, strict=True)
            }
        )
    return Finding(verdict=experiment.below_one(intervals), measured=measured)


def _runs(config: Config, operation: str, share: float) -> list[RunResult]:
    task = _task(operation, share)
    return experiment.train(task, {operation: config.method}, config.seeds, config.budget)[operation]


def _task(operation: str, share: float) -> str:
    """Name of the table of an operation with this train share; everything else is as in `<operation>-31`."""
    base = tasks.get(f"{operation}-31")
    card = base.card.model_copy(update={"id": f"{operation}-31-share-{share}"})
    make = partial(algorithmic.modular, operation=operation, modulus=31, fraction=share)
    return tasks.register(replace(base, card=card, make=make)).card.id
