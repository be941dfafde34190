from typing import Any

import numpy as np
import pytest

from airskills.grokking import stopping, tasks
from airskills.grokking.config import Method, RunSpec, TaskCard
from airskills.grokking.errors import GrokkingError
from airskills.grokking.outcome import judge
from airskills.grokking.train import RunResult, Trainer

CARD = TaskCard(id="t", domain="algorithmic", classes=10, budget=1_000)
STEPS = np.arange(10.0, 1_010, 10)


def result(groks: Any, *, rate: Any, decay: Any = 1.0, t_grok: Any = 600) -> Any:
    """A made run: memorized at 100; the weight norm and the train loss fall as step^rate."""
    curve = {
        "step": STEPS,
        "train_accuracy": (STEPS >= 100).astype(float),
        "test_accuracy": ((t_grok <= STEPS) & groks).astype(float),
        "train_loss": STEPS**rate,
        "test_loss": np.full(len(STEPS), 5.0),
        "weight_norm": 10 * STEPS ** (rate / 2),
        "last_layer_norm": np.ones(len(STEPS)),
        "zero_loss_share": np.zeros(len(STEPS)),
    }
    spec = RunSpec(task="t", method=Method(lr=0.01, weight_decay=decay), seed=0)
    return RunResult(spec, judge(CARD, curve), curve, (), 0.0)


FALLING = [result(groks=True, rate=r) for r in (-0.6, -0.7, -0.8)]
FLAT = [result(groks=False, rate=r) for r in (0.0, 0.05, 0.1)]


def test_slope_of_a_power_law_is_its_exponent() -> None:
    assert stopping.slope(FALLING[0].curve, "train_loss", 400) == pytest.approx(-0.6)


def test_features_do_not_look_at_the_held_out_rows() -> None:
    one, two = result(groks=True, rate=-0.5), result(groks=False, rate=-0.5)

    assert np.array_equal(stopping.features(one, 200), stopping.features(two, 200))


def test_features_do_not_look_ahead() -> None:
    run = result(groks=True, rate=-0.5)
    later = run.curve | {"train_loss": np.where(STEPS > 200, 99.0, run.curve["train_loss"])}
    changed = RunResult(run.spec, run.outcome, later, (), 0.0)

    assert np.array_equal(stopping.features(run, 200), stopping.features(changed, 200))


def test_a_fitted_rule_separates_and_stops_at_twice_t_mem() -> None:
    model = stopping.fit(FALLING + FLAT)
    stops = [stopping.futility_step(model, run) for run in FALLING + FLAT]

    assert stops == [None, None, None, 200, 200, 200]


def test_a_rule_needs_both_kinds_of_runs() -> None:
    with pytest.raises(GrokkingError, match="3 of 3 runs that memorized generalized"):
        stopping.fit(FALLING)


def test_price_by_hand() -> None:
    # Runs of 1,000 steps (none grokked) and of 1,000 (grokked at 600), stopped at 200 and 300: 1,500 of 2,000 saved,
    # and the one that would have generalized is killed.
    runs = [FLAT[0], FALLING[0]]
    cost = stopping.price(runs, [200, 300])

    assert (cost.saved, cost.killed.value, cost.stopped) == (0.75, 1.0, 2)
    assert stopping.price(runs, [None, 700]).killed.value == 0.0


def test_patience_on_test_loss_kills_a_run_that_groks() -> None:
    (run,) = Trainer(tasks.get("add-31"), specs(100, decay=1.0, budget=600)).train()
    stop = stopping.patience_step(run.curve, 50)

    assert run.outcome.status == "grokked"
    assert stop is not None
    assert run.outcome.t_grok is not None
    assert stop < run.outcome.t_grok


def test_patience_waits_for_the_whole_patience() -> None:
    curve = {"step": STEPS[:5], "test_loss": np.array([3.0, 2.0, 2.5, 2.5, 2.5])}

    assert stopping.patience_step(curve, 20) == 40
    assert stopping.patience_step(curve, 40) is None


def test_the_rival_needs_no_training() -> None:
    assert stopping.lr_decay(FLAT[0]) == pytest.approx(np.log(0.01))


def specs(*seeds: Any, decay: Any, budget: Any) -> Any:
    return [
        RunSpec(task="add-31", method=Method(lr=0.03, weight_decay=decay), seed=s, budget=budget)
        for s in seeds
    ]


def test_the_callback_stops_hopeless_runs_and_spares_the_others() -> None:
    task = tasks.get("add-31")
    model = stopping.fit(
        Trainer(task, specs(0, 1, decay=1.0, budget=600) + specs(0, 1, decay=0.0, budget=600)).train()
    )
    runs = specs(100, decay=1.0, budget=600) + specs(100, decay=0.0, budget=600)
    good, hopeless = Trainer(task, runs).train([stopping.StopFutile(model)])

    assert good.outcome.generalized
    assert hopeless.outcome.status == "stopped"
    assert hopeless.outcome.steps_run < 300
