"""Several rewards as one configuration: weights, schedules, clipping, gates, and how they are added up.

```yaml
rewards:
  - reward: MathAnswer
  - reward: TagFormat
    name: form
    weight: 0.2
  - reward: RepetitionPenalty
    args: {ngram_size: 4}
    clip: [-0.5, 0]
    schedule: {to: 0.5, end_step: 200}
gates:
  - {reward: form, at_least: 1, closes: [math_answer]}
aggregation: normalize_then_sum
```
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from airskills.rl import config_file, rewards
from airskills.rl.batch import Float64
from airskills.rl.config_file import Strict
from airskills.rl.errors import RewardColumnError, RlError

Aggregation = Literal["sum_then_normalize", "normalize_then_sum"]
Reward = Callable[..., Any]


class Schedule(Strict):
    """A weight that moves linearly with the trainer's step, and stays where it arrives.

    Attributes:
        start: weight up to `start_step`.
        to: weight from `end_step` on.
        start_step: optimizer step.
        end_step: optimizer step.
    """

    start: float = 0.0
    to: float
    start_step: int = Field(default=0, ge=0)
    end_step: int = Field(ge=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end_step <= self.start_step:
            raise ValueError(f"end_step is {self.end_step}; it must be after start_step ({self.start_step})")
        return self

    def at(self, step: int) -> float:
        """Weight at a step."""
        share = (step - self.start_step) / (self.end_step - self.start_step)
        return self.start + (self.to - self.start) * min(max(share, 0.0), 1.0)


class Item(Strict):
    """One reward of a spec.

    Attributes:
        reward: a name in `airskills.rl.rewards`, or the dotted path of a class or of a ready callable.
        args: what the class is constructed with.
        name: key in logs and gates; the reward's own name if not given.
        weight: factor of this reward in the sum.
        schedule: takes the place of the weight.
        clip: smallest and largest value, before gates and weights.
    """

    reward: str
    args: dict[str, Any] = Field(default_factory=dict)
    name: str = ""
    weight: float = 1.0
    schedule: Schedule | None = None
    clip: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.clip and self.clip[0] > self.clip[1]:
            raise ValueError(f"clip is {list(self.clip)}; the first number must not be the larger one")
        if self.schedule and "weight" in self.model_fields_set:
            raise ValueError("weight and schedule are both given; a schedule takes the place of the weight")
        _ = self.function
        return self

    @cached_property
    def function(self) -> Reward:
        """The reward itself."""
        found = _resolve(self.reward)
        if isinstance(found, type):
            return _construct(found, self.args)
        if self.args:
            raise ValueError(f"{self.reward} is a ready object and takes no args")
        if not callable(found):  # pydantic turns a ValueError, not a TypeError, into a problem with a line
            raise ValueError(  # noqa: TRY004 - as above
                f"{self.reward} is a {type(found).__name__}, not a reward"
            )
        return found  # type: ignore[no-any-return]  # any callable is a reward

    @property
    def key(self) -> str:
        """Name in logs and gates."""
        return self.name or str(getattr(self.function, "__name__", type(self.function).__name__))

    def weight_at(self, step: int) -> float:
        """Weight at an optimizer step."""
        return self.schedule.at(step) if self.schedule else self.weight

    def clipped(self, values: Float64) -> Float64:
        """Values within `clip`; NaN stays."""
        return np.clip(values, *self.clip) if self.clip else values


class Gate(Strict):
    """Where one reward is below a limit, others count as 0. A row where it does not apply passes.

    Attributes:
        reward: name of the deciding reward.
        at_least: its smallest value that opens the gate.
        closes: names of the rewards set to 0; all others if not given.
    """

    reward: str
    at_least: float
    closes: list[str] | None = None


class RewardSpec(Strict):
    """Rewards with weights, schedules, clipping and gates.

    Attributes:
        rewards: one or more.
        gates: applied together, on the clipped values.
        aggregation: `sum_then_normalize` adds weighted rewards and leaves normalizing to the advantage;
            `normalize_then_sum` first normalizes each reward within its group (GDPO).
    """

    rewards: list[Item] = Field(min_length=1)
    gates: list[Gate] = Field(default_factory=list)
    aggregation: Aggregation = "sum_then_normalize"

    @classmethod
    def from_yaml(cls, path: str | Path) -> RewardSpec:
        """Read a file.

        Raises:
            SpecError: with the line of the first problem.
        """
        return config_file.build(cls, config_file.read(path))

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        keys = self.keys
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise ValueError(f"Two rewards are called {min(twice)!r}; give one of them a name")
        for gate in self.gates:
            for key in (gate.reward, *(gate.closes or ())):
                if key not in keys:
                    raise ValueError(f"A gate names {key!r}. {config_file.suggestion(key, keys)}")
        return self

    @property
    def keys(self) -> list[str]:
        """Name of each reward."""
        return [item.key for item in self.rewards]

    @property
    def functions(self) -> list[Reward]:
        """The rewards themselves."""
        return [item.function for item in self.rewards]

    def weights(self, step: int = 0) -> list[float]:
        """`[K]`, weight of each reward at an optimizer step."""
        return [item.weight_at(step) for item in self.rewards]

    def gated(self, values: Float64) -> Float64:
        """Clip, then close gates.

        Args:
            values: `[B, K]`, NaN where a reward does not apply.

        Returns:
            `[B, K]`, NaN where it was NaN.
        """
        columns = zip(self.rewards, values.T, strict=True)
        clipped = np.stack([item.clipped(column) for item, column in columns], axis=1)
        result = clipped.copy()
        for gate in self.gates:
            on = self.keys.index(gate.reward)
            closed = clipped[:, on] < gate.at_least
            others = [
                k
                for k, key in enumerate(self.keys)
                if k != on and (gate.closes is None or key in gate.closes)
            ]
            for k in others:
                result[closed & ~np.isnan(result[:, k]), k] = 0.0
        return result

    def total(self, values: Float64, step: int = 0) -> Float64:
        """Weighted sum of the gated rewards, as TRL adds them up.

        Args:
            values: `[B, K]`, NaN where a reward does not apply.
            step: optimizer step, for schedules.

        Returns:
            `[B]`, NaN where no reward applies.
        """
        gated = self.gated(values)
        total: Float64 = np.nansum(gated * np.asarray(self.weights(step)), axis=1)
        return np.where(np.isnan(gated).all(axis=1), np.nan, total)


class CompositeReward:
    """A whole spec as one reward, for any trainer: every row gets the total.

    Each reward's mean is logged under its name. `normalize_then_sum` needs the rewards one by one and therefore
    `airskills.rl.trl.GRPOTrainer(reward_spec=...)`.
    """

    __name__ = "composite"

    def __init__(self, spec: RewardSpec) -> None:
        if spec.aggregation != "sum_then_normalize":
            raise RlError(
                f"One reward cannot aggregate by {spec.aggregation!r}",
                help="Pass reward_spec= to airskills.rl.trl.GRPOTrainer",
            )
        self.spec = spec

    def __call__(self, completions: Any, **columns: Any) -> list[float | None]:
        """Score with every reward and add up."""
        values = np.stack(
            [evaluate(item.function, completions, columns) for item in self.spec.rewards], axis=1
        )
        self._log(values, columns.get("log_metric"))
        step = getattr(columns.get("trainer_state"), "global_step", 0)
        return rewards.tokens.as_rewards(self.spec.total(values, step))

    def _log(self, values: Float64, log_metric: Callable[[str, float], None] | None) -> None:
        for key, column in zip(self.spec.keys, values.T, strict=True):
            applies = column[~np.isnan(column)]
            if log_metric and applies.size:
                log_metric(key, float(applies.mean()))


def evaluate(reward: Reward, completions: Any, columns: dict[str, Any]) -> Float64:
    """Call a reward and check what it returns.

    Returns:
        `[B]`, NaN for `None`.

    Raises:
        RewardColumnError: for another number of values than completions, or an infinite one.
    """
    name = getattr(reward, "__name__", type(reward).__name__)
    scores = list(reward(completions=completions, **columns))
    if len(scores) != len(completions):
        raise RewardColumnError(
            f"Reward {name!r} returned {len(scores)} values for {len(completions)} completions"
        )
    values = np.array([np.nan if score is None else float(score) for score in scores], np.float64)
    if np.isinf(values).any():
        row = int(np.isinf(values).argmax())
        raise RewardColumnError(
            f"Reward {name!r} returned {values[row]} for completion {row}", help="Clip it"
        )
    return values


def _resolve(path: str) -> Any:
    module, _, name = path.rpartition(".")
    if not module:
        known = [name for name in rewards.__all__ if name[0].isupper()]
        if path not in known:
            raise ValueError(f"No reward is called {path!r}. {config_file.suggestion(path, known)}")
        return getattr(rewards, path)
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{path} cannot be imported: {error}") from error


def _construct(reward: type, args: dict[str, Any]) -> Reward:
    try:
        made: Reward = reward(**args)
    except (TypeError, RlError) as error:
        raise ValueError(f"{reward.__name__}({args}) cannot be made: {error}") from error
    return made
