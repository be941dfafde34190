"""Configuration of a training run.

```yaml
method: grpo
model: path/to/model
dataset: prompts.jsonl
output: runs/first
rewards:
  rewards:
    - reward: MathAnswer
advantage: leave_one_out
lora: {r: 8}
trainer:
  learning_rate: 1.0e-5
  num_generations: 8
```
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from airskills.rl import config_file
from airskills.rl.config_file import Strict
from airskills.rl.spec import RewardSpec

Method = Literal["sft", "dpo", "grpo", "rloo"]
Advantage = Literal["trainer", "leave_one_out", "gdpo"]


class Lora(Strict):
    """Low-rank adapters through PEFT.

    Attributes:
        r: rank.
        alpha: scale of the update, over `r`.
        dropout: of the adapter's input.
        target_modules: names, or `all-linear`.
    """

    r: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    target_modules: str | list[str] = "all-linear"


class RunConfig(Strict):
    """Everything that can change a run.

    Attributes:
        method: which trainer of TRL.
        model: folder or hub name.
        dataset: JSON or JSON lines file, or a folder or hub name that `datasets.load_dataset` takes.
        output: folder of the run.
        seed: of model adapters, sampling and data order.
        rewards: for `grpo` and `rloo`.
        advantage: `trainer` leaves it to TRL; the others are in `airskills.rl.advantages`.
        lora: train adapters instead of all weights.
        stop_on_collapse: stop when groups have had no spread of rewards for a while.
        trainer: options of TRL's own config of the method.
    """

    method: Method
    model: str
    dataset: str
    output: str = "run"
    seed: int = 0
    rewards: RewardSpec | None = None
    advantage: Advantage = "trainer"
    lora: Lora | None = None
    stop_on_collapse: bool = False
    trainer: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def from_yaml(cls, path: str | Path) -> RunConfig:
        """Read a file.

        Raises:
            SpecError: with the line of the first problem. Options under `trainer` are checked by `rl.trl.check`.
        """
        return config_file.build(cls, config_file.read(path))

    @model_validator(mode="after")
    def _method_fits(self) -> Self:
        online = self.method in ("grpo", "rloo")
        if online and self.rewards is None:
            raise ValueError(f"{self.method} needs rewards")
        if not online and self.rewards is not None:
            raise ValueError(f"{self.method} takes no rewards")
        if self.advantage != "trainer" and self.method != "grpo":
            raise ValueError(f"advantage {self.advantage!r} needs method grpo, not {self.method}")
        return self
