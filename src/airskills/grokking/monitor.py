"""The rules of `outcome` online: constant memory per run, for stopping runs and for live views."""

from dataclasses import dataclass

import torch
from torch import Tensor

from airskills.grokking.config import TaskCard
from airskills.grokking.outcome import HOLD

NEVER = -1
TAIL = 200  # steps at least that a run goes on after t_grok, so that a relapse is seen


@dataclass(slots=True)
class Monitor:
    """Times of all runs so far, [runs] int64 each; `NEVER` where not reached."""

    t_mem: Tensor
    t_grok: Tensor
    held_train: Tensor
    held_test: Tensor

    @classmethod
    def start(cls, runs: int) -> "Monitor":
        """Nothing seen yet."""
        never = torch.full((runs,), NEVER)
        none = torch.zeros(runs, dtype=torch.int64)
        return cls(never.clone(), never.clone(), none.clone(), none.clone())

    def update(self, card: TaskCard, step: int, train: Tensor, test: Tensor) -> None:
        """Take the accuracies of one evaluation, [runs] each."""
        self.held_train = (self.held_train + 1) * (train.cpu().double() >= card.train_threshold)
        self.held_test = (self.held_test + 1) * (test.cpu().double() >= card.test_threshold)
        onset = step - (HOLD - 1) * card.every
        self.t_mem[(self.t_mem == NEVER) & (self.held_train >= HOLD)] = onset
        self.t_grok[(self.t_grok == NEVER) & (self.held_test >= HOLD)] = onset

    def finished(self, step: int) -> Tensor:
        """Runs whose tail after t_grok is long enough: max(200, t_grok / 2) steps, [runs] bool."""
        tail = torch.clamp(self.t_grok // 2, min=TAIL)
        return (self.t_grok != NEVER) & (step >= self.t_grok + tail)

    def runs(self, keep: Tensor) -> "Monitor":
        """Keep some runs."""
        return Monitor(self.t_mem[keep], self.t_grok[keep], self.held_train[keep], self.held_test[keep])
