"""Callbacks for TRL's trainers: watch a run, keep its entropy and divergence, stop it when it has collapsed.

They read the metrics that the trainer logs, so `logging_steps` is how often they act.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from airskills.rl.errors import RlError


class CallbackError(RlError, ValueError):
    """A callback that cannot act on this run."""


@dataclass
class Window:
    """What happened since the last log.

    Attributes:
        steps: optimizer steps.
        step_s: seconds in them.
        rewards_s: seconds in rewards.
    """

    steps: int = 0
    step_s: float = 0.0
    rewards_s: float = 0.0


class TrainingMonitor(TrainerCallback):
    """One record per log: step time, share of it spent in rewards, tokens per second, and the trainer's metrics.

    `airskills.rl.trl.GRPOTrainer` reports its rewards by itself; with another trainer wrap each call of a reward in
    `with monitor.rewards():`. The first record includes warm-up.

    Attributes:
        path: JSON lines file, appended to; `None` to keep records in memory only.
        tensorboard: folder of event files, or `None`.
        records: all records of this process.
    """

    def __init__(self, path: str | Path | None = None, *, tensorboard: str | Path | None = None) -> None:
        self.path = Path(path) if path else None
        self.records: list[dict[str, float]] = []
        self._window = Window()
        self._started = 0.0
        self._tokens = 0.0
        self._writer = (
            import_module("torch.utils.tensorboard").SummaryWriter(str(tensorboard)) if tensorboard else None
        )

    @contextmanager
    def rewards(self) -> Iterator[None]:
        """Count the time within as spent in rewards."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._window.rewards_s += time.perf_counter() - start

    def on_step_begin(self, *_args: Any, **_kwargs: Any) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def on_step_end(self, *_args: Any, **_kwargs: Any) -> None:
        """Stop the clock."""
        self._window.steps += 1
        self._window.step_s += time.perf_counter() - self._started

    def on_log(self, *positional: Any, logs: dict[str, Any] | None = None, **_kwargs: Any) -> None:
        """Write a record, on the first process."""
        state = positional[1]  # arguments, state, control
        if not self._window.steps or not logs or not state.is_world_process_zero:
            return
        record = {"step": float(state.global_step), **self._times(logs), **_numbers(logs)}
        self._window = Window()
        self.records.append(record)
        if self.path:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        if self._writer:
            for key, value in record.items():
                self._writer.add_scalar(f"monitor/{key}", value, state.global_step)

    def on_train_end(self, *_args: Any, **_kwargs: Any) -> None:
        """Close the event file."""
        if self._writer:
            self._writer.close()

    def _times(self, logs: dict[str, Any]) -> dict[str, float]:
        window, tokens = self._window, float(logs.get("num_tokens") or 0.0)
        fresh, self._tokens = tokens - self._tokens, tokens
        return {
            "step_s": window.step_s / window.steps,
            "rewards_s": window.rewards_s / window.steps,
            "rewards_share": window.rewards_s / max(window.step_s, 1e-9),
            "tokens_per_s": fresh / max(window.step_s, 1e-9),
        }


class EntropyGuard(TrainerCallback):
    """Raise the trainer's entropy coefficient while entropy is below the target, lower it while it is above.

    A policy that has lost its entropy gives equal completions, equal rewards, and no gradient: it does not recover
    by itself. At each log the coefficient is multiplied or divided by `factor`, within `lowest` and `highest`.

    Attributes:
        trainer: a `GRPOTrainer` or `RLOOTrainer` with an entropy bonus.
        target: nats per token.
    """

    def __init__(
        self, trainer: Any, *, target: float, factor: float = 1.5, lowest: float = 1e-3, highest: float = 0.5
    ) -> None:
        if not getattr(trainer, "_entropy_bonus_enabled", False):
            raise CallbackError(
                "The trainer has no entropy bonus", help="Set entropy_coef above 0 in its config"
            )
        if factor <= 1 or not 0 < lowest <= highest:
            raise CallbackError(
                f"factor {factor} must be above 1, and 0 < lowest {lowest} <= highest {highest}"
            )
        self.trainer, self.target, self.factor, self.lowest, self.highest = (
            trainer,
            target,
            factor,
            lowest,
            highest,
        )

    def on_log(self, *_args: Any, logs: dict[str, Any] | None = None, **_kwargs: Any) -> None:
        """Move the coefficient."""
        entropy = _numbers(logs).get("entropy")
        if entropy is None:
            return
        moved = self.trainer.entropy_coef * (self.factor if entropy < self.target else 1 / self.factor)
        self.trainer.entropy_coef = min(max(moved, self.lowest), self.highest)


class AdaptiveKL(TrainerCallback):
    r"""Keep the divergence from the reference at a target by moving `beta`.

    $\beta \leftarrow \beta\,(1 + K\,\text{clip}(kl / target - 1, -0.2, 0.2))$, Ziegler et al. 2019,
    https://arxiv.org/abs/1909.08593, section 2.2.

    Attributes:
        trainer: with a `beta` above 0.
        target: value of the logged `kl`.
        gain: `K`.
    """

    def __init__(self, trainer: Any, *, target: float, gain: float = 0.1) -> None:
        if not trainer.beta:
            raise CallbackError(
                "The trainer has no reference: beta is 0", help="Set beta above 0 in its config"
            )
        if target <= 0:
            raise CallbackError(f"target is {target}; it must be positive")
        self.trainer, self.target, self.gain = trainer, target, gain

    def on_log(self, *_args: Any, logs: dict[str, Any] | None = None, **_kwargs: Any) -> None:
        """Move `beta`."""
        kl = _numbers(logs).get("kl")
        if kl is not None:
            error = min(max(kl / self.target - 1, -0.2), 0.2)
            self.trainer.beta *= 1 + self.gain * error


class StopOnCollapse(TrainerCallback):
    """Stop when nearly all groups have had equal rewards, hence no gradient, for `patience` logs.

    A task that is solved looks the same; `solved` tells them apart.

    Attributes:
        share: of groups without spread, from which a log counts.
        patience: logs in a row.
        solved: mean reward from which the run counts as finished, not collapsed.
        reason: why the run was stopped, or an empty string.
    """

    def __init__(self, *, share: float = 0.95, patience: int = 5, solved: float = float("inf")) -> None:
        self.share, self.patience, self.solved = share, patience, solved
        self.reason = ""
        self._count = 0

    def on_log(self, *positional: Any, logs: dict[str, Any] | None = None, **_kwargs: Any) -> None:
        """Count, and stop."""
        _, state, control = positional[:3]
        numbers = _numbers(logs)
        if "frac_reward_zero_std" not in numbers:
            return
        self._count = self._count + 1 if numbers["frac_reward_zero_std"] >= self.share else 0
        if self._count >= self.patience:
            outcome = "solved" if numbers.get("reward", 0.0) >= self.solved else "collapsed"
            self.reason = (
                f"{outcome}: {self._count} logs without spread of rewards at step {state.global_step}"
            )
            control.should_training_stop = True


def _numbers(logs: dict[str, Any] | None) -> dict[str, float]:
    """Return the finite numbers among the logs: TRL logs NaN or nothing where no reward applies."""
    numbers = {key: float(value) for key, value in (logs or {}).items() if isinstance(value, int | float)}
    return {key: value for key, value in numbers.items() if abs(value) < float("inf")}
