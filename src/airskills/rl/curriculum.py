"""Which prompts to train on next: those the policy sometimes solves, rather than always or never.

A group whose completions all succeed, or all fail, has no spread of rewards and gives no gradient; the expected
spread is largest at a success rate of one half. Prompts are drawn in proportion to `p (1 - p) + floor`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils.data import Sampler

from airskills.rl.errors import RlError


class CurriculumError(RlError, ValueError):
    """A curriculum that cannot be drawn from."""


@dataclass
class Curriculum:
    """Success rate of each prompt, as far as it is known.

    Attributes:
        solved: total reward from which a completion counts as a success.
        floor: weight that every prompt keeps, so that nothing is forgotten; at most 0.25 is drawn on top of it.
        memory: share of the former rate that a new group leaves standing.
        rates: by prompt; a prompt not seen yet is drawn as if its rate were one half.
    """

    solved: float
    floor: float = 0.02
    memory: float = 0.5
    rates: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (self.floor > 0 and 0 <= self.memory < 1):
            raise CurriculumError(
                f"floor {self.floor} must be above 0, and memory {self.memory} at least 0 and below 1"
            )

    def record(self, prompts: Sequence[Any], totals: Sequence[float]) -> None:
        """Take the total rewards of completions; NaN, where no reward applied, does not count."""
        groups: dict[str, list[bool]] = {}
        for prompt, total in zip(prompts, totals, strict=True):
            if total == total:  # noqa: PLR0124 - NaN is the value unequal to itself
                groups.setdefault(_key(prompt), []).append(total >= self.solved)
        for key, successes in groups.items():
            rate = sum(successes) / len(successes)
            known = self.rates.get(key, rate)
            self.rates[key] = self.memory * known + (1 - self.memory) * rate

    def weight(self, prompt: Any) -> float:
        """How much a prompt is drawn, relative to others."""
        rate = self.rates.get(_key(prompt), 0.5)
        return rate * (1 - rate) + self.floor


class CurriculumSampler(Sampler[int]):
    """Indices in the layout that TRL's trainers need, drawn batch by batch with the weights of the moment.

    Equal on all processes, given equal seeds and records. A data loader that reads ahead draws as many batches ahead.
    """

    def __init__(
        self,
        curriculum: Curriculum,
        prompts: Sequence[Any],
        *,
        per_batch: int,
        group_size: int,
        repeats: int,
        seed: int,
    ) -> None:
        """Lay out `per_batch` different prompts, each `group_size` times in a row, the whole `repeats` times.

        Raises:
            CurriculumError: for fewer prompts than a batch takes.
        """
        if len(prompts) < per_batch:
            raise CurriculumError(f"A batch takes {per_batch} different prompts; there are {len(prompts)}")
        self.curriculum, self.prompts = curriculum, list(prompts)
        self.per_batch, self.group_size, self.repeats = per_batch, group_size, repeats
        self._generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return len(self.prompts) // self.per_batch * self.per_batch * self.group_size * self.repeats

    def __iter__(self) -> Iterator[int]:
        for _ in range(len(self.prompts) // self.per_batch):
            batch = self._draw()
            for _ in range(self.repeats):
                for i in batch:
                    yield from [i] * self.group_size

    def _draw(self) -> list[int]:
        weights = torch.tensor(
            [self.curriculum.weight(prompt) for prompt in self.prompts], dtype=torch.float64
        )
        drawn: list[int] = torch.multinomial(weights, self.per_batch, generator=self._generator).tolist()
        return drawn


def _key(prompt: Any) -> str:
    return prompt if isinstance(prompt, str) else json.dumps(prompt, sort_keys=True, default=str)
