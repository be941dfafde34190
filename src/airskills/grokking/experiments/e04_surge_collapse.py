"""E04: surge-collapse by magnitude, against a random mask and against no damage.

Claim     Zeroing the smallest half of each matrix every 100 steps, refilled with N(0, .1), makes generalization on
          addition mod 31 sooner than the same damage to random entries, and sooner than none.
Source    No paper: an idea of this project, with the controls that it needs.
Refuted   if the paired 95 % interval of either ratio of restricted means lies at or above 1.
Cost      2 decays x 3 arms x 10 seeds x at most 1,000 steps: about 3 minutes on one CPU thread.
"""

from airskills.grokking import experiment
from airskills.grokking.config import Frozen, Method, Surge
from airskills.grokking.experiment import Finding


class Config(Frozen):
    """Every number that can change the result."""

    task: str = "add-31"
    lr: float = 0.015
    decays: tuple[float, ...] = (0.3, 1.0)
    surge: Surge = Surge(interval=100, length=0, share=0.5, refill=0.1)
    seeds: tuple[int, ...] = tuple(range(100, 110))
    budget: int = 1_000


SMOKE = Config(seeds=(100,), budget=110, decays=(1.0,))


def run(config: Config) -> Finding:
    """Train the three arms at each decay."""
    measured, intervals = {}, []
    for decay in config.decays:
        arms = experiment.train(config.task, _arms(config, decay), config.seeds, config.budget)
        pairs = {
            other: experiment.ratio(arms, "magnitude", other, config.budget) for other in ("random", "none")
        }
        intervals += list(pairs.values())
        ratios = {f"magnitude / {other}": [i.value, i.low, i.high] for other, i in pairs.items()}
        measured[f"decay {decay}"] = experiment.summary(arms, config.budget) | ratios
    return Finding(verdict=experiment.below_one(intervals), measured=measured)


def _arms(config: Config, decay: float) -> dict[str, Method]:
    plain = Method(lr=config.lr, weight_decay=decay)
    kinds = ("magnitude", "random", "none")
    return {
        k: plain.model_copy(update={"surge": config.surge.model_copy(update={"collapse": k})}) for k in kinds
    }
