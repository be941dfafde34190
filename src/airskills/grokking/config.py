"""Frozen settings: everything that can change a result is in one of these, and is hashed.

An unknown key is refused, so a misspelt hyperparameter cannot be silently ignored.
"""

import hashlib
import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Loss = Literal["cross_entropy", "mse", "stablemax"]
Optimizer = Literal["adamw", "sgd", "muon"]
Filter = Literal["none", "ema", "ma"]
Schedule = Literal["constant", "linear", "cosine"]
Collapse = Literal["magnitude", "rank", "random", "gradient_norm", "activation", "none"]


class Frozen(BaseModel):
    """Base of all settings: immutable, hashable, no unknown keys, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def digest(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 of the canonical JSON."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


class Surge(Frozen):
    """Surge-collapse: multiply the learning rate for a while, then damage the weights.

    Every `interval` steps the learning rate is multiplied by `factor` for `length` steps; at the end of the
    surge the collapse happens. `collapse="none"` with `factor=1` is the no-op control, `collapse="random"` the
    random-mask control: a gain has to be a gain over both.
    """

    interval: int = Field(default=100, ge=1)
    length: int = Field(default=10, ge=0, description="steps of raised learning rate before the collapse")
    factor: float = Field(default=1.0, gt=0, description="multiplier of the learning rate during the surge")
    collapse: Collapse = "magnitude"
    share: float = Field(default=0.5, ge=0, lt=1, description="share of entries, directions or units removed")
    refill: float = Field(
        default=0.0, ge=0, description="standard deviation of the noise put where zeros were made"
    )
    threshold: float = Field(default=1e-3, ge=0, description="gradient norm below which a tensor is reset")
    trigger: Literal["schedule", "memorized"] = "schedule"

    @property
    def structure(self) -> tuple[object, ...]:
        """What must be equal for two runs to share one update."""
        return tuple(self.model_dump().values())


class Method(Frozen):
    """An optimizer with all its settings. Numbers may differ between runs of one batch, structure may not."""

    id: str = "adamw"
    optimizer: Optimizer = "adamw"
    lr: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    beta1: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.98, ge=0, lt=1)
    eps: float = Field(default=1e-8, gt=0)
    momentum: float = Field(default=0.95, ge=0, lt=1, description="of SGD and Muon")
    warmup: int = Field(default=10, ge=0)
    schedule: Schedule = "constant"
    stablemax: bool = Field(default=False, description="replace the softmax of the task's loss by StableMax")
    filter: Filter = "none"
    alpha: float = Field(default=0.98, ge=0, lt=1, description="Grokfast-EMA decay")
    lamb: float = Field(default=2.0, ge=0, description="Grokfast amplification")
    window: int = Field(default=100, ge=1, description="Grokfast-MA window, in steps")
    perpendicular: bool = Field(default=False, description="project the gradient off the weights")
    noise: float = Field(default=0.0, ge=0, description="eta of annealed gradient noise")
    init_scale: float = Field(default=1.0, gt=0, description="multiplies every weight at the start")
    surge: Surge | None = None

    @property
    def structure(self) -> tuple[object, ...]:
        """What must be equal for two runs to share one vectorized update."""
        surge = self.surge.structure if self.surge else ()
        window = self.window if self.filter == "ma" else 0
        flags = (self.optimizer, self.schedule, self.warmup, self.stablemax, self.filter, window)
        return (*flags, self.perpendicular, self.noise > 0, surge)


class TaskCard(Frozen):
    """What a task is judged by. Fixed per task, never per run."""

    id: str
    domain: Literal["algorithmic", "language", "vision", "agents"]
    classes: int = Field(ge=2)
    train_threshold: float = Field(default=0.99, gt=0, le=1)
    test_threshold: float = Field(default=0.95, gt=0, le=1)
    budget: int = Field(ge=1, description="steps")
    every: int = Field(
        default=10, ge=1, description="steps between evaluations: the resolution of every time"
    )
    loss: Loss = "cross_entropy"
    batch: tuple[tuple[int, int], ...] = Field(
        default=(), description="(from step, rows); empty is full batch"
    )
    reference: Method = Method()
    groks: bool | None = Field(default=None, description="does the reference setting grok? None: open")

    @property
    def chance(self) -> float:
        """Accuracy of uniform guessing."""
        return 1.0 / self.classes


class RunSpec(Frozen):
    """One run: a task, a method, a seed. The seed fixes data, split, initialization, batches and noise."""

    task: str
    method: Method
    seed: int = Field(ge=0)
    row: Literal["tuned", "default", "control"] = "default"
    budget: int | None = Field(default=None, ge=1, description="steps; the task card's if not given")
