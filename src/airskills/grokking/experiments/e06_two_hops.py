"""E06: facts in two hops are understood late, and only with weight decay.

Claim     A two-layer transformer that knows the facts it was shown answers held-out two-hop questions sooner with decay
          .5 than with decay 0, and late: more of its runs are "grokked" than not.
Source    Wang et al. 2024, https://arxiv.org/abs/2405.15071 (there 2,000 entities and a network of GPT-2 size).
Refuted   if the paired 95 % interval of the ratio of restricted means lies at or above 1, or most runs are not grokked.
Cost      2 decays x 3 seeds x at most 1,500 steps: about 9 minutes on one CPU thread.
"""

from airskills.grokking import experiment
from airskills.grokking.config import Frozen, Method
from airskills.grokking.experiment import Finding
from airskills.grokking.train import RunResult


class Config(Frozen):
    """Every number that can change the result."""

    task: str = "two-hop-256"
    lr: float = 0.003
    decays: tuple[float, float] = (0.0, 0.5)
    seeds: tuple[int, ...] = (100, 101, 102)
    budget: int = 1_500


SMOKE = Config(seeds=(100,), budget=2)


def run(config: Config) -> Finding:
    """Train both decays on the same facts; memorization is judged on two-hop questions, not on single facts."""
    names = none, some = [str(decay) for decay in config.decays]
    methods = {
        name: Method(lr=config.lr, weight_decay=decay)
        for name, decay in zip(names, config.decays, strict=True)
    }
    arms = experiment.train(config.task, methods, config.seeds, config.budget)
    ratio = experiment.ratio(arms, some, none, config.budget)
    late = sum(r.outcome.status == "grokked" for r in arms[some])
    measured = experiment.summary(arms, config.budget) | {
        f"{some} / {none}": [ratio.value, ratio.low, ratio.high],
        "runs": {name: [_run(r) for r in results] for name, results in arms.items()},
    }
    verdict = experiment.below_one([ratio])
    return Finding(verdict=verdict if 2 * late > len(arms[some]) else "refuted", measured=measured)


def _run(result: RunResult) -> dict[str, float | int | None]:
    """What the claim is about, for one run."""
    outcome = result.outcome
    return {
        "t_mem": outcome.t_mem,
        "test accuracy at t_mem": outcome.acc_at_mem,
        "t_grok": outcome.t_grok,
        "best test accuracy": outcome.max_test,
    }
