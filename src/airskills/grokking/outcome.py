"""What happened in a run: exact rules on its curve. All times are steps of the evaluation grid.

memorized      first evaluation from which train accuracy stays >= its threshold for `HOLD` evaluations
grokked        the same for test accuracy, if test accuracy at t_mem was at most half way from chance to the
               threshold and t_grok >= 2 t_mem
direct         test accuracy reached its threshold, but without that delay: a good result, and not a grok
censored       test accuracy did not reach its threshold within the budget
not_memorized  neither did train accuracy: reported apart
diverged       the loss became NaN or infinite
stopped        a stopping rule ended the run before its budget: not an outcome of the method
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from airskills.grokking.config import TaskCard

HOLD = 3  # evaluations for which a threshold must hold
Status = Literal["grokked", "direct", "censored", "not_memorized", "diverged", "stopped"]
Curve = dict[str, NDArray[np.float64]]


class Outcome(BaseModel):
    """The verdict on one run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Status
    t_mem: int | None
    t_grok: int | None
    acc_at_mem: float | None
    final_train: float
    final_test: float
    max_test: float
    relapse_share: float
    relapsed: bool
    slingshots: int
    zero_loss_share: float
    softmax_collapse: bool
    plateau: bool
    tail_evaluations: int
    steps_run: int

    @property
    def delay(self) -> int | None:
        """t_grok - t_mem, where both exist."""
        return None if self.t_mem is None or self.t_grok is None else self.t_grok - self.t_mem

    @property
    def generalized(self) -> bool:
        """Did test accuracy reach its threshold, late or not?"""
        return self.t_grok is not None


def first_held(values: NDArray[np.float64], threshold: float, hold: int = HOLD) -> int | None:
    """Index from which `values` stays >= `threshold` for `hold` entries, or None."""
    if len(values) < hold:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(values >= threshold, hold).all(axis=1)
    return int(windows.argmax()) if windows.any() else None


def judge(card: TaskCard, curve: Curve, *, diverged: bool = False, stopped: bool = False) -> Outcome:
    """Apply the rules to a curve with the keys step, train_accuracy, test_accuracy, train_loss and the core signals.

    A run that diverged before its first evaluation has an empty curve and zero accuracies.
    """
    steps, test = curve["step"].astype(int), curve["test_accuracy"]
    mem, grok = (
        first_held(curve["train_accuracy"], card.train_threshold),
        first_held(test, card.test_threshold),
    )
    t_mem = None if mem is None else int(steps[mem])
    t_grok = None if grok is None else int(steps[grok])
    acc = None if mem is None else float(test[mem])
    tail = np.array([]) if grok is None else test[grok + HOLD :]
    low = tail < card.test_threshold - 0.10
    zero = curve["zero_loss_share"]
    return Outcome(
        status=_status(card, t_mem, t_grok, acc, diverged=diverged, stopped=stopped),
        t_mem=t_mem,
        t_grok=t_grok,
        acc_at_mem=acc,
        final_train=_last(curve["train_accuracy"]),
        final_test=_last(test),
        max_test=float(test.max(initial=0)),
        relapse_share=float(low.mean()) if len(low) else 0.0,
        relapsed=bool((low[1:] & low[:-1]).any()),
        slingshots=0
        if mem is None
        else slingshots(curve["train_loss"][mem:], curve["last_layer_norm"][mem:]),
        zero_loss_share=float(zero.max(initial=0)),
        softmax_collapse=bool((zero > 0.5).any()),
        plateau=grok is None and _plateau(card, test),
        tail_evaluations=len(tail),
        steps_run=int(_last(steps)),
    )


def _last(values: NDArray[np.float64] | NDArray[np.int_]) -> float:
    return float(values[-1]) if len(values) else 0.0


def _status(
    card: TaskCard, t_mem: int | None, t_grok: int | None, acc: float | None, *, diverged: bool, stopped: bool
) -> Status:
    if t_grok is not None:
        half = card.chance + 0.5 * (card.test_threshold - card.chance)
        late = t_mem is not None and acc is not None and acc <= half and t_grok >= 2 * t_mem
        return "grokked" if late else "direct"
    if diverged:
        return "diverged"
    if stopped:
        return "stopped"
    return "not_memorized" if t_mem is None else "censored"


def slingshots(loss: NDArray[np.float64], last_norm: NDArray[np.float64]) -> int:
    """Count spikes of the train loss above 10x its running minimum that come with a jump of the last layer.

    A spike is a maximal stretch of such evaluations; the jump is more than 5 % between the evaluation before
    the stretch and any of it (after Thilak et al. 2022, arXiv:2206.04817).
    """
    floor = np.minimum.accumulate(loss)
    high = np.concatenate([[False], loss[1:] > 10 * floor[:-1], [False]])
    edges = np.flatnonzero(high[1:] != high[:-1])
    count = 0
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        before = last_norm[start]
        window = last_norm[start + 1 : stop + 1]
        count += bool((np.abs(window - before) > 0.05 * before).any())
    return count


def _plateau(card: TaskCard, test: NDArray[np.float64]) -> bool:
    """Semi-grokking: the last quarter lies between chance + .1 and the threshold and moves < .04 in it."""
    last = test[-max(len(test) // 4, 2) :]
    if len(test) < 8:
        return False
    slope = np.polyfit(np.linspace(0, 0.25, len(last)), last, 1)[0]  # per whole budget
    between = card.chance + 0.1 < last.mean() < card.test_threshold
    return bool(between and abs(slope) * 0.1 < 0.01)
