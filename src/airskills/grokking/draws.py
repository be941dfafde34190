"""Random numbers as a function of (seed, purpose, step), so that no run can disturb another.

No generator state is kept: a resumed run draws the same numbers as an unbroken one, and the draws of a run do
not depend on its neighbors in the batch.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

_MASK = (1 << 64) - 1
CORES = os.cpu_count() or 1
INIT, BATCH, CHANNEL, GRADIENT, COLLAPSE, LOGITS = range(6)  # the purposes: one stream of numbers for each


def mix(*key: int) -> int:
    """Hash integers into 63 bits with the SplitMix64 finalizer (Steele et al. 2014, figure 15)."""
    state = 0
    for part in key:
        state = (state + (part & _MASK) + 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state >> 1


def generator(*key: int) -> torch.Generator:
    """Return a CPU generator that depends on `key` only."""
    return torch.Generator().manual_seed(mix(*key))


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(CORES, thread_name_prefix="draws")


@dataclass(frozen=True, slots=True)
class Draw:
    """The random numbers of one step for a batch of runs."""

    seeds: tuple[int, ...]
    step: int
    device: torch.device

    def normal(self, purpose: int, *shape: int) -> Tensor:
        """Standard normal numbers, [runs, *shape]: run i's depend on its own seed only."""
        return self._fill(torch.Tensor.normal_, purpose, shape)

    def uniform(self, purpose: int, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1), [runs, *shape]."""
        return self._fill(torch.Tensor.uniform_, purpose, shape)

    def _fill(self, fill: Callable[..., object], purpose: int, shape: tuple[int, ...]) -> Tensor:
        """Numbers made on the CPU whatever the device; for a GPU, which has hundreds of runs, by all cores."""
        runs, far = len(self.seeds), self.device.type == "cuda"
        numbers = torch.empty(runs, *shape, pin_memory=far)
        workers = CORES if far else 1

        def share(first: int) -> None:
            for run in range(first, runs, workers):
                fill(numbers[run], generator=generator(self.seeds[run], purpose, self.step))

        list((_threads().map if far else map)(share, range(workers)))
        return numbers.to(self.device, non_blocking=True)

    def part(self, runs: slice) -> "Draw":
        """Return the draws of some of the runs."""
        return Draw(self.seeds[runs], self.step, self.device)
