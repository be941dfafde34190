from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from airskills.grokking.config import TaskCard
from airskills.grokking.monitor import NEVER, Monitor
from airskills.grokking.outcome import first_held, judge, slingshots

CARD = TaskCard(
    id="t", domain="algorithmic", classes=10, budget=1_000, every=10
)  # half way: .1 + .5 * .85 = .525


def curve(train: Any, test: Any, **more: Any) -> Any:
    count = len(train)
    base = {
        "step": np.arange(1, count + 1) * 10.0,
        "train_accuracy": np.array(train, float),
        "test_accuracy": np.array(test, float),
        "train_loss": np.ones(count),
        "last_layer_norm": np.ones(count),
        "zero_loss_share": np.zeros(count),
    }
    return base | {k: np.array(v, float) for k, v in more.items()}


def test_a_threshold_must_hold_for_three_evaluations() -> None:
    assert first_held(np.array([0, 1, 1, 0, 1, 1, 1, 0]), 0.99) == 4
    assert first_held(np.array([1, 1]), 0.99) is None


def test_late_generalization_from_low_accuracy_is_grokked() -> None:
    # memorized at 20 (test .5 <= .525), generalized at 50 >= 2 * 20
    outcome = judge(CARD, curve([0, 1, 1, 1, 1, 1, 1], [0, 0.5, 0.6, 0.7, 1, 1, 1]))

    assert (outcome.status, outcome.t_mem, outcome.t_grok, outcome.delay) == ("grokked", 20, 50, 30)


@pytest.mark.parametrize(
    ("train", "test", "status"),
    [
        ([0, 1, 1, 1, 1, 1, 1], [0, 0.53, 0.6, 0.7, 1, 1, 1], "direct"),  # above half way when memorized
        ([0, 1, 1, 1, 1, 1], [0, 0.5, 1, 1, 1, 1], "direct"),  # 30 < 2 * 20
        ([0, 0.9, 0.9, 0.9], [0, 1, 1, 1], "direct"),  # generalized and never memorized to .99
        ([0, 1, 1, 1], [0, 0, 0, 0.9], "censored"),
        ([0, 0.9, 0.9, 1], [0, 0, 0, 0], "not_memorized"),
    ],
)
def test_status_rules(train: Any, test: Any, status: Any) -> None:
    assert judge(CARD, curve(train, test)).status == status


def test_a_method_that_generalizes_at_once_stays_in_the_table() -> None:
    assert judge(CARD, curve([1, 1, 1], [1, 1, 1])).generalized


def test_divergence_and_stopping_count_only_without_generalization() -> None:
    failed, good = curve([0, 0, 0], [0, 0, 0]), curve([1, 1, 1, 1, 1], [0, 0, 1, 1, 1])

    assert judge(CARD, failed, diverged=True).status == "diverged"
    assert judge(CARD, failed, stopped=True).status == "stopped"
    assert judge(CARD, good, diverged=True).status == "grokked"


def test_relapse_needs_two_low_evaluations_in_a_row() -> None:
    # threshold .95, relapse below .85; the tail is what follows the three evaluations that decided t_grok
    once = judge(CARD, curve([1] * 7, [1, 1, 1, 0.8, 1, 0.8, 1]))
    twice = judge(CARD, curve([1] * 7, [1, 1, 1, 0.8, 0.8, 1, 1]))

    assert (once.relapsed, once.relapse_share, once.tail_evaluations) == (False, 0.5, 4)
    assert (twice.relapsed, twice.relapse_share) == (True, 0.5)


def test_slingshot_is_a_loss_spike_with_a_jump_of_the_last_layer() -> None:
    loss = np.array([1, 0.01, 0.2, 0.3, 0.01, 0.2, 0.01])
    # first spike (.2, .3 > 10 * .01): norm 1 -> 1.2 counts; second spike: norm 1.2 -> 1.21 does not
    assert slingshots(loss, np.array([1, 1, 1.1, 1.2, 1.2, 1.21, 1.2])) == 1


def test_collapse_is_more_than_half_of_the_rows_without_loss() -> None:
    outcome = judge(CARD, curve([1, 1], [0, 0], zero_loss_share=[0.2, 0.51]))

    assert outcome.softmax_collapse
    assert outcome.zero_loss_share == 0.51


def test_plateau_between_chance_and_threshold() -> None:
    assert judge(CARD, curve([1] * 12, [0.6] * 12)).plateau
    assert not judge(CARD, curve([1] * 12, np.linspace(0.1, 0.9, 12))).plateau
    assert not judge(CARD, curve([1] * 12, [0.1] * 12)).plateau


def test_an_empty_curve_is_judged_too() -> None:
    assert judge(CARD, curve([], []), diverged=True).status == "diverged"


LEVELS = st.lists(
    st.tuples(st.sampled_from([0, 0.9, 0.99, 1]), st.sampled_from([0, 0.9, 0.95, 1])), max_size=30
)


@given(LEVELS)
def test_the_monitor_sees_the_same_times_as_the_verdict(points: Any) -> None:
    monitor = Monitor.start(1)
    for i, (train, test) in enumerate(points, 1):
        monitor.update(
            CARD,
            10 * i,
            torch.tensor([train], dtype=torch.float64),
            torch.tensor([test], dtype=torch.float64),
        )
    outcome = judge(CARD, curve([p[0] for p in points], [p[1] for p in points]))

    assert int(monitor.t_mem) == (outcome.t_mem or NEVER)
    assert int(monitor.t_grok) == (outcome.t_grok or NEVER)


def test_a_run_goes_on_after_t_grok() -> None:
    monitor = Monitor.start(3)
    monitor.t_grok = torch.tensor([100, 1_000, NEVER])

    assert monitor.finished(299).tolist() == [False, False, False]
    assert monitor.finished(300).tolist() == [True, False, False]
    assert monitor.finished(1_500).tolist() == [True, True, False]
