"""Callbacks for `Trainer.train`: anything with `on_evaluation(trainer, seen)` is one."""

from pathlib import Path
from typing import Self

import torch
from torch import Tensor
from torch.utils.tensorboard.writer import SummaryWriter

from airskills.grokking.train import Evaluation, Trainer


class TensorBoard:
    """Writes every signal: its median over the runs going on, and its values as a histogram.

    One event file for a whole batch, because one per seed is unreadable. Use it as a context manager.
    """

    def __init__(self, folder: Path) -> None:
        self.writer = SummaryWriter(str(folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.writer.close()

    def on_evaluation(self, trainer: Trainer, seen: Evaluation) -> Tensor | None:
        """Write one step; stops nothing."""
        for name, values in seen.values.items():
            finite = values[torch.isfinite(values)]
            tag = f"{trainer.task.card.id}/{name}"
            if len(finite):
                self.writer.add_scalar(f"{tag}/median", float(finite.median()), seen.step)
                self.writer.add_histogram(tag, finite, seen.step)
        self.writer.add_scalar(f"{trainer.task.card.id}/runs", len(seen.runs), seen.step)
        return None
