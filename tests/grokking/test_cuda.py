"""The engine on a GPU: the trajectories of a CPU, checkpoints that cross devices, and curves that repeat."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from airskills.grokking import checkpoint, tasks
from airskills.grokking.config import Method, RunSpec, Surge
from airskills.grokking.draws import Draw
from airskills.grokking.models import GraphAttention, Transformer
from airskills.grokking.signals import EXTRA
from airskills.grokking.train import Trainer
from grokking_methods import METHODS, SMALL

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU"),
]
DEVICE = "cuda"
PAIRS: dict[str, Any] = {"vocabulary": 31, "slots": 2, "classes": 31}


def specs(*methods: Any, seeds: Any = (0, 1), budget: Any = 20, task: Any = "add-31") -> Any:
    return [RunSpec(task=task, method=m, seed=s, budget=budget) for m in methods for s in seeds]


def agree(here: Any, there: Any) -> None:
    """Loss and weights after 20 steps, as two batch sizes on one device agree."""
    for name in ("train_loss", "test_loss", "weight_norm"):
        assert np.allclose(here.curve[name], there.curve[name], rtol=1e-3), name


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_method_trains_as_on_a_cpu(method: Any) -> None:
    for here, there in zip(
        Trainer(SMALL, specs(method), device=DEVICE).train(),
        Trainer(SMALL, specs(method)).train(),
        strict=True,
    ):
        agree(here, there)
        assert here.events == there.events


def test_all_methods_train_in_one_batch() -> None:
    runs = specs(*METHODS.values())
    for here, there in zip(
        Trainer(SMALL, runs, device=DEVICE).train(), Trainer(SMALL, runs).train(), strict=True
    ):
        assert here.spec == there.spec
        agree(here, there)


@pytest.mark.parametrize("name", ["message-31", "parity-20", "digits-mse", "random-31"])
def test_a_task_trains_as_on_a_cpu(name: Any) -> None:
    task = tasks.get(name)
    runs = specs(task.card.reference, budget=task.card.every, task=name)
    agree(Trainer(task, runs, device=DEVICE).train()[1], Trainer(task, runs).train()[1])


@pytest.mark.parametrize(
    "network",
    [Transformer(**PAIRS), Transformer(**PAIRS, kind="modern", layers=2), GraphAttention(**PAIRS)],
    ids=["plain", "modern", "attention"],
)
def test_a_network_trains_as_on_a_cpu(network: Any) -> None:
    task = replace(SMALL, network=network)
    runs = specs(Method(lr=1e-3), budget=10)
    agree(Trainer(task, runs, device=DEVICE).train()[1], Trainer(task, runs).train()[1])


@pytest.mark.parametrize("collapse", ["magnitude", "rank", "random", "gradient_norm", "activation", "none"])
def test_every_collapse_runs(collapse: Any) -> None:
    method = Method(lr=0.01, surge=Surge(interval=8, collapse=collapse))
    here, there = (Trainer(SMALL, specs(method), device=device).train()[0] for device in (DEVICE, "cpu"))

    assert here.events == there.events == (8, 16)
    assert np.allclose(here.curve["train_loss"], there.curve["train_loss"], rtol=1e-2)


def test_extra_signals_are_those_of_a_cpu() -> None:
    here, there = (
        Trainer(SMALL, specs(METHODS["adamw"]), device=device, extra=tuple(EXTRA)).train()[0].curve
        for device in (DEVICE, "cpu")
    )

    for name in EXTRA:
        assert np.allclose(here[name], there[name], rtol=1e-2, atol=1e-3), name


def test_random_numbers_are_those_of_a_cpu() -> None:
    far, near = (Draw((5, 9, 11), 3, torch.device(device)) for device in (DEVICE, "cpu"))

    assert torch.equal(far.normal(2, 7, 16).cpu(), near.normal(2, 7, 16))
    assert torch.equal(far.uniform(4, 33).cpu(), near.uniform(4, 33))


@pytest.mark.parametrize(("before", "after"), [("cpu", DEVICE), (DEVICE, "cpu"), (DEVICE, DEVICE)])
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_checkpoint_goes_on_on_another_device(tmp_path: Any, method: Any, before: Any, after: Any) -> None:
    first = Trainer(SMALL, specs(method), device=before)
    first.train(until=10)
    checkpoint.save(first, tmp_path / "batch.pt")
    second = Trainer(SMALL, specs(method), device=after)
    checkpoint.restore(second, tmp_path / "batch.pt")
    resumed = second.train()

    assert second.param.device.type == after
    for here, whole in zip(resumed, Trainer(SMALL, specs(method)).train(), strict=True):
        agree(here, whole)
        assert here.events == whole.events


@pytest.mark.parametrize("name", ["add-31", "message-31", "parity-20", "digits-mse"])
def test_the_same_specs_give_the_same_weights_to_the_bit(name: Any) -> None:
    task = tasks.get(name)
    runs = specs(task.card.reference, budget=20, task=name, seeds=range(8))
    first, second = (Trainer(task, runs, device=DEVICE) for _ in range(2))
    first.train()
    second.train()

    assert torch.equal(first.param, second.param)


def test_a_run_that_ends_leaves_the_batch() -> None:
    ref, none = SMALL.card.reference, SMALL.card.reference.model_copy(update={"weight_decay": 0.0})
    results = Trainer(SMALL, specs(ref, none, seeds=(100, 101), budget=600), device=DEVICE).train()

    assert [r.outcome.status for r in results] == ["grokked", "grokked", "censored", "censored"]
