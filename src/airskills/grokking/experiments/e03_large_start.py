"""E03: a large initialization makes the delay.

Claim     On 200 digits with squared loss and AdamW, the median delay t_grok - t_mem grows with the scale of the
          initialization: 1, 4, 8.
Source    Liu et al. 2022, https://arxiv.org/abs/2210.01117 (there MNIST, 1,000 images).
Refuted   if the median delay at a larger scale is not above the one at the scale below it.
Cost      3 scales x 5 seeds x at most 3,000 steps: about 1 minute on one CPU thread.
"""

from itertools import pairwise

from airskills.grokking import experiment
from airskills.grokking.config import Frozen, Method
from airskills.grokking.experiment import Finding


class Config(Frozen):
    """Every number that can change the result. Scales are relative to the network's own gain of 8."""

    task: str = "digits-mse"
    lr: float = 0.001
    decay: float = 0.7
    scales: tuple[float, ...] = (0.125, 0.5, 1.0)
    seeds: tuple[int, ...] = (100, 101, 102, 103, 104)
    budget: int = 3_000


SMOKE = Config(seeds=(100,), budget=60)


def run(config: Config) -> Finding:
    """Train all scales and compare their median delays; a run that did not generalize has the delay of the budget."""
    plain = Method(lr=config.lr, weight_decay=config.decay)
    methods = {str(8 * s): plain.model_copy(update={"init_scale": s}) for s in config.scales}
    arms = experiment.train(config.task, methods, config.seeds, config.budget)
    delays = {name: experiment.median_delay(runs, config.budget) for name, runs in arms.items()}
    grows = all(low < high for low, high in pairwise(delays.values()))
    measured = experiment.summary(arms, config.budget) | {"median delay": delays}
    return Finding(verdict="held" if grows else "refuted", measured=measured)
