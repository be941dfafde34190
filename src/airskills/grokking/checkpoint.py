"""Checkpoints: a batch saved to one file and continued to the bit.

Random numbers are functions of (seed, purpose, step), so the file holds tensors and counters only; it is read
with torch's safe loader.
"""

import pickle
from pathlib import Path
from typing import Any

import torch

from airskills.grokking.errors import GrokkingError
from airskills.grokking.monitor import Monitor
from airskills.grokking.train import Trainer

FORMAT = 1


def save(trainer: Trainer, path: Path) -> None:
    """Write to a temporary file and rename: a kill or a full disk leaves the old checkpoint whole.

    Raises:
        GrokkingError: if the file cannot be written; training can go on.
    """
    monitor = trainer.monitor
    content = {
        "format": FORMAT,
        "digests": _digests(trainer),
        "counters": [trainer.step, trainer.epoch, trainer.offset],
        "runs": list(trainer.runs),
        "param": trainer.param,
        "grad": trainer.grad,
        "monitor": [monitor.t_mem, monitor.t_grok, monitor.held_train, monitor.held_test],
        "groups": [(part.start, part.stop, group.knobs, group.state) for part, group in trainer.groups],
        "log": trainer.log,
        "events": trainer.events,
        "cpu": trainer.cpu,
        "ended": trainer.ended,
    }
    temporary = path.with_suffix(".partial")
    try:
        torch.save(content, temporary)
        temporary.replace(path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        raise GrokkingError(
            f"{path}: cannot write the checkpoint ({error}); free space and save again"
        ) from error


def restore(trainer: Trainer, path: Path) -> None:
    """Continue where the file left off, on any device; `trainer` must have been made from the same task and specs.

    Raises:
        GrokkingError: if the file is unreadable or of other runs.
    """
    content = _read(path)
    if content.get("format") != FORMAT or content["digests"] != _digests(trainer):
        raise GrokkingError(
            f"{path}: checkpoint of other runs or of another format; start anew or pass those runs"
        )
    trainer.keep(_mask(trainer, content["runs"]))
    trainer.step, trainer.epoch, trainer.offset = content["counters"]
    trainer.param, trainer.grad = content["param"].to(trainer.device), content["grad"].to(trainer.device)
    trainer.monitor = Monitor(*content["monitor"])
    for (_, group), (_, _, knobs, state) in zip(trainer.groups, content["groups"], strict=True):
        group.knobs, group.state = _to(knobs, trainer.device), _to(state, trainer.device)
    trainer.log, trainer.events = content["log"], content["events"]
    trainer.cpu, trainer.ended = content["cpu"], content["ended"]


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise GrokkingError(
            f"{path}: not a readable checkpoint ({error}); delete it and start anew"
        ) from error
    return content


def _to(tensors: dict[str, torch.Tensor], device: torch.device) -> dict[str, torch.Tensor]:
    return {name: tensor.to(device) for name, tensor in tensors.items()}


def _digests(trainer: Trainer) -> list[str]:
    return [trainer.task.card.digest(), *(spec.digest() for spec in trainer.specs)]


def _mask(trainer: Trainer, runs: list[int]) -> torch.Tensor:
    return torch.tensor([run in runs for run in trainer.runs])
