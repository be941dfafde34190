from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from airskills.grokking import checkpoint, tasks
from airskills.grokking.config import Method, RunSpec, Surge
from airskills.grokking.errors import GrokkingError
from airskills.grokking.models import TokenMLP
from airskills.grokking.train import Trainer
from grokking_methods import METHODS, SMALL


def specs(*methods: Any, seeds: Any = (0, 1), budget: Any = 30, task: Any = "add-31") -> Any:
    return [RunSpec(task=task, method=m, seed=s, budget=budget) for m in methods for s in seeds]


def test_all_methods_in_one_batch_equal_runs_one_by_one() -> None:
    # Float rounding differs between batch sizes, and optimizers divide by small numbers: 20 steps agree to 1e-3.
    runs = specs(*METHODS.values(), seeds=(0,), budget=20)
    together = Trainer(SMALL, runs).train()
    for spec, result in zip(runs, together, strict=True):
        (alone,) = Trainer(SMALL, [spec]).train()
        assert result.spec == spec
        assert np.allclose(result.curve["train_loss"], alone.curve["train_loss"], rtol=1e-3)
        assert np.allclose(result.curve["weight_norm"], alone.curve["weight_norm"], rtol=1e-3)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_resumed_batch_equals_the_unbroken_one_to_the_bit(tmp_path: Any, method: Any) -> None:
    whole = Trainer(SMALL, specs(method))
    whole.train()
    first = Trainer(SMALL, specs(method))
    first.train(until=10)
    checkpoint.save(first, tmp_path / "batch.pt")
    second = Trainer(SMALL, specs(method))
    checkpoint.restore(second, tmp_path / "batch.pt")
    second.train()

    assert torch.equal(second.param, whole.param)
    assert second.log == whole.log


@pytest.mark.parametrize("name", ["message-31", "parity-20", "digits-mse"])
def test_resume_is_exact_with_noise_and_minibatches(tmp_path: Any, name: Any) -> None:
    task, budget = tasks.get(name), 2 * tasks.get(name).card.every
    runs = specs(task.card.reference, budget=budget, task=name)
    whole = Trainer(task, runs)
    whole.train()
    first = Trainer(task, runs)
    first.train(until=7)
    checkpoint.save(first, tmp_path / "batch.pt")
    second = Trainer(task, runs)
    checkpoint.restore(second, tmp_path / "batch.pt")
    second.train()

    assert torch.equal(second.param, whole.param)


def test_a_checkpoint_of_other_runs_is_refused(tmp_path: Any) -> None:
    checkpoint.save(Trainer(SMALL, specs(METHODS["adamw"])), tmp_path / "batch.pt")

    with pytest.raises(GrokkingError, match="other runs"):
        checkpoint.restore(Trainer(SMALL, specs(METHODS["sgd"])), tmp_path / "batch.pt")


def test_a_broken_checkpoint_and_a_missing_folder_are_named(tmp_path: Any) -> None:
    (tmp_path / "batch.pt").write_bytes(b"not a checkpoint")

    with pytest.raises(GrokkingError, match=r"batch\.pt: not a readable checkpoint"):
        checkpoint.restore(Trainer(SMALL, specs(METHODS["adamw"])), tmp_path / "batch.pt")
    with pytest.raises(GrokkingError, match="cannot write the checkpoint"):
        checkpoint.save(Trainer(SMALL, specs(METHODS["adamw"])), tmp_path / "none" / "batch.pt")


def test_a_diverging_run_is_reported_and_does_not_touch_its_neighbor() -> None:
    wild = Method(optimizer="sgd", lr=1e20)
    bad, good = Trainer(SMALL, specs(wild, METHODS["sgd"], seeds=(0,))).train()
    (alone,) = Trainer(SMALL, specs(METHODS["sgd"], seeds=(0,))).train()

    assert bad.outcome.status == "diverged"
    assert bad.outcome.steps_run == 10
    assert good.outcome.steps_run == 30
    assert np.allclose(good.curve["train_loss"], alone.curve["train_loss"], rtol=1e-4)


def test_a_callback_stops_runs_and_the_others_go_on() -> None:
    class Stop:
        def on_evaluation(self, _trainer: Any, seen: Any) -> Any:
            return torch.tensor([run == 0 and seen.step == 20 for run in seen.runs])

    stopped, other = Trainer(SMALL, specs(METHODS["adamw"])).train([Stop()])

    assert (stopped.outcome.status, stopped.outcome.steps_run) == ("stopped", 20)
    assert other.outcome.steps_run == 30


def test_grokking_in_one_batch_with_its_controls() -> None:
    ref, none = SMALL.card.reference, SMALL.card.reference.model_copy(update={"weight_decay": 0.0})
    results = Trainer(SMALL, specs(ref, none, seeds=(100, 101), budget=600)).train()
    outcomes: Any = [r.outcome for r in results]

    assert [o.status for o in outcomes] == ["grokked", "grokked", "censored", "censored"]
    assert all(100 <= o.t_grok <= 600 for o in outcomes[:2])
    assert all(o.max_test < 0.2 for o in outcomes[2:])
    assert all(o.tail_evaluations > 0 for o in outcomes[:2])


def test_random_labels_are_memorized_and_never_generalized() -> None:
    results = Trainer(
        tasks.get("random-31"), specs(SMALL.card.reference, budget=300, task="random-31")
    ).train()

    assert all(r.outcome.status == "censored" and r.outcome.max_test < 0.15 for r in results)


def test_batch_sizes_follow_the_schedule_and_rows_are_not_repeated_in_an_epoch() -> None:
    card = SMALL.card.model_copy(update={"batch": ((1, 100), (3, 200))})
    trainer = Trainer(replace(SMALL, card=card), specs(METHODS["adamw"], seeds=(0,)))
    sizes, seen = [], []
    for _ in range(5):
        trainer.step += 1
        batch = trainer._batch()
        sizes.append(batch.targets.shape[1])
        seen += [tuple(pair) for pair in batch.inputs[0].tolist()]

    assert sizes == [100, 100, 200, 200, 200]
    assert len(set(seen[:600])) == 600


def test_extra_signals_are_recorded() -> None:
    names = (
        "effective_rank",
        "gradient_weight_cosine",
        "fourier_gini",
        "activation_entropy",
        "logit_scale",
        "f1",
    )
    results = Trainer(SMALL, specs(METHODS["adamw"]), extra=names).train()

    assert all(
        np.isfinite(results[0].curve[name]).all() and len(results[0].curve[name]) == 3 for name in names
    )


def test_surge_events_are_listed_per_run() -> None:
    (result,) = Trainer(SMALL, specs(METHODS["surge"], seeds=(0,))).train()

    assert result.events == (8, 16, 24)


def test_a_triggered_surge_waits_for_memorization() -> None:
    surge = Surge(interval=5, collapse="none", trigger="memorized")
    fast, slow = (Method(lr=lr, weight_decay=1.0, surge=surge) for lr in (0.05, 1e-5))
    first, second = Trainer(SMALL, specs(fast, slow, seeds=(0,), budget=100)).train()

    assert first.events
    assert first.outcome.t_mem is not None
    assert first.events[0] > first.outcome.t_mem
    assert second.events == ()


@pytest.mark.parametrize(
    ("runs", "extra", "said"),
    [
        ([], (), "No runs given"),
        (specs(METHODS["adamw"], task="random-31"), (), "One batch trains one task"),
        (specs(METHODS["adamw"]), ("entropy",), "Unknown signals entropy; there are: gradient_norm"),
    ],
)
def test_impossible_batches_are_refused(runs: Any, extra: Any, said: Any) -> None:
    with pytest.raises(GrokkingError, match=said):
        Trainer(SMALL, runs, extra=extra)


def test_stablemax_needs_a_softmax() -> None:
    with pytest.raises(GrokkingError, match="StableMax replaces a softmax"):
        Trainer(tasks.get("digits-mse"), specs(METHODS["stablemax"], task="digits-mse"))


def test_the_same_specs_give_the_same_curves() -> None:
    task = replace(SMALL, network=TokenMLP(vocabulary=31, slots=2, classes=31, embedding=8, width=8))

    assert Trainer(task, specs(METHODS["noise"])).train()[1].curve["train_loss"].tolist() == (
        Trainer(task, specs(METHODS["noise"])).train()[1].curve["train_loss"].tolist()
    )
