"""E01: weight decay makes generalization come sooner.

Claim     With AdamW on addition mod 31, the restricted mean time to generalize falls with weight decay .1, .3, 1.
Source    Power et al. 2022, https://arxiv.org/abs/2201.02177; here an MLP, not a transformer.
Refuted   if the paired 95 % interval of a ratio of neighboring decays lies at or above 1.
Cost      3 decays x 10 seeds x at most 1,000 steps: under 2 minutes on one CPU thread.
"""

from airskills.grokking import experiment
from airskills.grokking.config import Frozen, Method
from airskills.grokking.experiment import Finding


class Config(Frozen):
    """Every number that can change the result."""

    task: str = "add-31"
    lr: float = 0.03
    decays: tuple[float, ...] = (0.1, 0.3, 1.0)
    seeds: tuple[int, ...] = tuple(range(100, 110))
    budget: int = 1_000


SMOKE = Config(seeds=(100,), budget=30)


def run(config: Config) -> Finding:
    """Train all decays and compare each with the one below it."""
    methods = {str(decay): Method(lr=config.lr, weight_decay=decay) for decay in config.decays}
    arms = experiment.train(config.task, methods, config.seeds, config.budget)
    pairs = [(str(more), str(less)) for less, more in zip(config.decays, config.decays[1:], strict=False)]
    ratios = {f"{more} / {less}": experiment.ratio(arms, more, less, config.budget) for more, less in pairs}
    measured = experiment.summary(arms, config.budget) | {
        name: [i.value, i.low, i.high] for name, i in ratios.items()
    }
    return Finding(verdict=experiment.below_one(list(ratios.values())), measured=measured)
