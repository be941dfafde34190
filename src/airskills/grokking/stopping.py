"""Stopping runs early, and the price of it: steps saved against runs stopped that would have generalized.

A rule must be judged on runs it was not fitted to, and against `lr_decay`: over a sweep of settings
log(lr x weight decay) alone tells who will grok, so a good score over such a sweep proves nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from airskills.grokking.errors import GrokkingError
from airskills.grokking.outcome import Curve
from airskills.grokking.stats import Interval, wilson
from airskills.grokking.train import Evaluation, RunResult, Trainer

LOOK = 2  # the decision is taken at this multiple of t_mem


def slope(curve: Curve, key: str, upto: float) -> float:
    """Slope of log(signal) over log(step) in the second half (of log time) before `upto`."""
    steps = curve["step"]
    part = (steps <= upto) & (steps >= upto**0.5)
    if part.sum() < 2:
        return 0.0
    value = np.log(np.maximum(curve[key][part], 1e-30))
    return float(np.polyfit(np.log(steps[part]), value, 1)[0])


def features(result: RunResult, upto: float) -> NDArray[np.float64]:
    """Train-only signals at a step: slopes of the weight norm and of the train loss, and the log loss.

    Nothing held out is looked at.
    """
    seen = result.curve["step"] <= upto
    loss = result.curve["train_loss"][seen][-1]
    parts = (
        slope(result.curve, "weight_norm", upto),
        slope(result.curve, "train_loss", upto),
        np.log10(loss + 1e-30),
    )
    return np.array(parts)


def lr_decay(result: RunResult) -> float:
    """The rival without any training: log(lr x weight decay)."""
    return log(result.spec.method.lr * result.spec.method.weight_decay + 1e-12)


@dataclass(frozen=True, slots=True)
class Futility:
    """Logistic model of "will generalize within the budget" on train-only signals.

    Fitted by ridge-penalized Newton steps on standardized features; `threshold` is the lowest score a
    generalizing run of the fitting set had, less `margin`.
    """

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    weights: NDArray[np.float64]
    threshold: float

    def score(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log odds of generalizing, of features [n, 3]."""
        z = (np.atleast_2d(x) - self.mean) / self.spread
        return np.asarray(z @ self.weights[1:] + self.weights[0])


def fit(results: Sequence[RunResult], *, margin: float = 0.5, ridge: float = 1.0) -> Futility:
    """Fit on runs of other tasks that were trained to their budget.

    Raises:
        GrokkingError: if there are not both runs that generalized and runs that did not.
    """
    used = [r for r in results if r.outcome.t_mem is not None]
    label = np.array([r.outcome.generalized for r in used], dtype=np.float64)
    if not 0 < label.sum() < len(label):
        raise GrokkingError(
            f"{int(label.sum())} of {len(label)} runs that memorized generalized: a rule needs some of each"
        )
    x = np.stack([features(r, LOOK * (r.outcome.t_mem or 0)) for r in used])
    mean, spread = x.mean(0), x.std(0) + 1e-9
    weights = _logistic(np.column_stack([np.ones(len(x)), (x - mean) / spread]), label, ridge)
    model = Futility(mean, spread, weights, 0.0)
    lowest = float(model.score(x[label == 1]).min())
    return Futility(mean, spread, weights, lowest - margin)


def _logistic(x: NDArray[np.float64], label: NDArray[np.float64], ridge: float) -> NDArray[np.float64]:
    weights = np.zeros(x.shape[1])
    penalty = ridge * np.eye(x.shape[1])
    for _ in range(30):
        share = 1 / (1 + np.exp(-x @ weights))
        gradient = x.T @ (share - label) + penalty @ weights
        curvature = (x * (share * (1 - share))[:, None]).T @ x + penalty
        weights = weights - np.linalg.solve(curvature, gradient)
    return weights


def futility_step(model: Futility, result: RunResult) -> int | None:
    """Step at which the rule stops this run, None if it does not."""
    t_mem = result.outcome.t_mem
    if t_mem is None or LOOK * t_mem > result.outcome.steps_run:
        return None
    return LOOK * t_mem if model.score(features(result, LOOK * t_mem))[0] < model.threshold else None


def patience_step(curve: Curve, patience: int, key: str = "test_loss") -> int | None:
    """Step at which plain patience stops: no new minimum of the signal for `patience` steps."""
    best, since = float("inf"), 0.0
    for step, value in zip(curve["step"], curve[key], strict=True):
        if value < best:
            best, since = value, step
        if step - since >= patience:
            return int(step)
    return None


@dataclass(frozen=True, slots=True)
class Price:
    """What a rule saves and costs on a set of runs."""

    saved: float  # share of all steps not run
    killed: Interval  # share of generalizing runs stopped before t_grok, Wilson interval
    stopped: int


def price(results: Sequence[RunResult], stops: Sequence[int | None]) -> Price:
    """Replay a rule on finished runs: `stops[i]` is where it would have stopped run i."""
    steps = [r.outcome.steps_run for r in results]
    total = sum(steps)
    spent = sum(ran if stop is None else min(stop, ran) for ran, stop in zip(steps, stops, strict=True))
    good = [
        (r.outcome.t_grok, stop)
        for r, stop in zip(results, stops, strict=True)
        if r.outcome.t_grok is not None
    ]
    killed = sum(stop is not None and stop < t_grok for t_grok, stop in good)
    return Price((total - spent) / total, wilson(killed, len(good)), sum(stop is not None for stop in stops))


class StopFutile:
    """Callback for `Trainer.train`: ends each run for which the model sees no hope at 2 t_mem."""

    def __init__(self, model: Futility) -> None:
        self.model = model
        self.decided: set[int] = set()

    def on_evaluation(self, trainer: Trainer, seen: Evaluation) -> Tensor | None:
        """Decide once for each run, at the first evaluation from 2 t_mem on."""
        wish = torch.zeros(len(seen.runs), dtype=torch.bool)
        for place, run in enumerate(seen.runs):
            t_mem = int(trainer.monitor.t_mem[place])
            if t_mem < 0 or seen.step < LOOK * t_mem or run in self.decided:
                continue
            self.decided.add(run)
            wish[place] = futility_step(self.model, trainer.result(run)) is not None
        return wish
