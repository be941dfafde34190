"""E02: without weight decay, the perpendicular gradient generalizes where AdamW does not.

Claim     At decay 0, perpendicular-gradient AdamW reaches the test threshold sooner than AdamW, on addition mod 31
          and on the message game.
Source    Prieto et al. 2025, https://arxiv.org/abs/2501.04697.
Refuted   if the paired 95 % interval of the ratio of restricted means lies at or above 1 on either task.
Cost      2 tasks x 2 methods x 10 seeds x at most 1,000 steps: under 3 minutes on one CPU thread.
"""

from airskills.grokking import experiment
from airskills.grokking.config import Frozen, Method
from airskills.grokking.experiment import Finding


class Config(Frozen):
    """Every number that can change the result."""

    tasks: tuple[str, ...] = ("add-31", "message-31")
    lr: float = 0.01
    seeds: tuple[int, ...] = tuple(range(100, 110))
    budget: int = 1_000


SMOKE = Config(seeds=(100,), budget=30)


def run(config: Config) -> Finding:
    """Train both methods on each task."""
    plain = Method(lr=config.lr)
    methods = {"adamw": plain, "perpendicular": plain.model_copy(update={"perpendicular": True})}
    measured, intervals = {}, []
    for task in config.tasks:
        arms = experiment.train(task, methods, config.seeds, config.budget)
        interval = experiment.ratio(arms, "perpendicular", "adamw", config.budget)
        intervals.append(interval)
        collapsed = sum(r.outcome.softmax_collapse for r in arms["adamw"])
        measured[task] = experiment.summary(arms, config.budget) | {
            "ratio": [interval.value, interval.low, interval.high],
            "adamw runs with softmax collapse": collapsed,
        }
    return Finding(verdict=experiment.below_one(intervals), measured=measured)
