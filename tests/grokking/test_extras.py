from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from airskills.grokking import tasks
from airskills.grokking.callbacks import TensorBoard
from airskills.grokking.config import RunSpec
from airskills.grokking.models.module import ModuleNetwork
from airskills.grokking.train import Trainer

SPECS = [RunSpec(task="add-31", method=tasks.get("add-31").card.reference, seed=s, budget=30) for s in (0, 1)]


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(31, 8)
        self.head = nn.Linear(16, 31)

    def forward(self, rows: Any) -> Any:
        return self.head(self.embed(rows).flatten(1).relu())


def test_tensorboard_holds_the_medians_that_the_curves_have(tmp_path: Any) -> None:
    with TensorBoard(tmp_path) as board:
        results = Trainer(tasks.get("add-31"), SPECS).train([board])
    events = EventAccumulator(str(tmp_path)).Reload()
    written = events.Scalars("add-31/train_loss/median")

    assert [event.step for event in written] == [10, 20, 30]
    assert written[-1].value == pytest.approx(
        min(r.curve["train_loss"][-1] for r in results)
    )  # the lower of two
    assert "add-31/weight_norm" in events.Tags()["histograms"]


@pytest.mark.slow
def test_any_module_trains_as_stacked_runs_equal_to_torch_alone() -> None:
    task = tasks.Task(tasks.get("add-31").card, ModuleNetwork(Plain), tasks.get("add-31").make)
    trainer = Trainer(task, SPECS)
    start = {name: t[1].clone() for name, t in trainer.layout.views(trainer.param).items()}
    trainer.train(until=5)
    module, data, method = Plain(), task.make(1), SPECS[1].method
    module.load_state_dict(start)
    optimizer = torch.optim.AdamW(module.parameters(), weight_decay=method.weight_decay, betas=(0.9, 0.98))
    for step in range(1, 6):
        optimizer.param_groups[0]["lr"] = method.lr * step / method.warmup
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(module(data.train.inputs), data.train.targets)
        torch.autograd.backward(loss)
        optimizer.step()
    ours = trainer.layout.views(trainer.param)

    assert all(torch.allclose(ours[name][1], p, atol=1e-5) for name, p in module.named_parameters())


def test_making_a_module_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    ModuleNetwork(Plain).init(torch.Generator().manual_seed(3))

    assert torch.equal(torch.rand(1), expected)


@pytest.fixture
def game() -> Any:
    pytest.importorskip("pettingzoo", reason="needs pettingzoo")
    from airskills.grokking.tasks.message_env import MessageGame  # noqa: PLC0415 - an optional dependency

    return MessageGame(tasks.get("message-31").make(0), 31)


def test_the_game_follows_the_pettingzoo_interface(game: Any) -> None:
    from pettingzoo.test import parallel_api_test  # noqa: PLC0415 - an optional dependency

    parallel_api_test(game, num_cycles=20)


def test_the_message_reaches_the_receiver_and_both_are_paid_for_the_sum(game: Any) -> None:
    game.reset(options={"row": 3})
    a, b = game.state_pair
    seen, reward, ended, *_ = game.step({"sender": np.full(16, 0.5), "receiver": 0})
    _, paid, over, *_ = game.step({"sender": np.zeros(16), "receiver": (a + b) % 31})

    assert seen["receiver"]["message"].tolist() == [0.5] * 16
    assert seen["sender"]["message"].tolist() == [0.0] * 16
    assert (reward["sender"], ended["sender"]) == (0.0, False)
    assert (paid["sender"], paid["receiver"], over["receiver"]) == (1.0, 1.0, True)


@pytest.mark.usefixtures("game")
def test_trained_partners_understand_each_other_and_not_strangers() -> None:
    from airskills.grokking.tasks.message_env import cross_play  # noqa: PLC0415 - an optional dependency

    task: Any = tasks.get("message-31")
    runs = [RunSpec(task="message-31", method=task.card.reference, seed=s, budget=400) for s in (100, 101)]
    trainer = Trainer(task, runs, keep_going=True)
    trainer.train()
    params = trainer.layout.views(trainer.param)
    one, two = ({n: t[i : i + 1] for n, t in params.items()} for i in (0, 1))
    rows = trainer.data.train.runs(torch.tensor([0]))

    assert cross_play(task.network, one, one, rows) > 0.95
    assert cross_play(task.network, two, one, rows) < 0.3
