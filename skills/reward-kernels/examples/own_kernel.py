# /// script
# requires-python = ">=3.11"
# dependencies = ["airskills[rl]==0.1.0", "numba==0.68.1", "numpy==2.4.6"]
# ///
"""A reward with a kernel of its own: a penalty for the longest run of one token.

Kernel in numba on flat arrays, oracle in plain Python, equality on the rows that break kernels, a picklable reward
with TRL's signature, and the time of both from the same Python lists.
"""

from __future__ import annotations

import argparse
import pickle
import statistics
import time
from collections.abc import Callable
from itertools import groupby
from typing import Any

import numpy as np
from numba import njit

from airskills.rl.batch import ingest


@njit(nogil=True, cache=True)
def longest_run(ids: Any, offsets: Any, out: Any) -> None:
    """Length of the longest run of equal tokens of each row."""
    for i in range(offsets.size - 1):
        longest, run = 0, 0
        for at in range(offsets[i], offsets[i + 1]):
            run = run + 1 if at > offsets[i] and ids[at] == ids[at - 1] else 1
            longest = max(longest, run)
        out[i] = longest


def oracle(rows: list[list[int]]) -> list[int]:
    """The same, as one would say it."""
    return [max((len(list(run)) for _, run in groupby(row)), default=0) for row in rows]


class RunPenalty:
    """0 up to `free` equal tokens in a row, then -1 for each further ten, at least -1."""

    __name__ = "run_penalty"

    def __init__(self, free: int = 3) -> None:
        self.free = free

    def __call__(self, completion_ids: Any, **columns: Any) -> list[float]:
        """One number per completion; in a trainer all rewards of a step share one ingestion."""
        batch = ingest(completion_ids, share="trainer_state" in columns)
        out = np.empty(len(batch))
        longest_run(batch.ids, batch.offsets, out)
        penalties: list[float] = (-np.clip((out - self.free) / 10, 0, 1) + 0.0).tolist()
        return penalties


def seconds(call: Callable[[], object]) -> float:
    """Wall time of a call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    """Prove, then time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    rng = np.random.default_rng(parser.parse_args().seed)
    hostile = [[], [7], [7, 7], [2**32 - 1] * 3, [0, 1] * 50, [5] * 40 + [6], [1] + [2] * 9]
    random = [rng.integers(0, 3, n).tolist() for n in rng.integers(0, 60, 200)]
    for rows in (hostile, random, []):
        batch = ingest(rows)
        out = np.empty(len(batch))
        longest_run(batch.ids, batch.offsets, out)
        assert out.tolist() == oracle(rows)
    reward = pickle.loads(pickle.dumps(RunPenalty()))
    assert reward(completion_ids=hostile) == [0.0, 0.0, 0.0, 0.0, 0.0, -1.0, -0.6]
    rows = [rng.zipf(1.2, 512).clip(0, 128_000).tolist() for _ in range(256)]
    ratio = statistics.median(
        seconds(lambda: oracle(rows)) / seconds(lambda: reward(completion_ids=rows)) for _ in range(7)
    )
    print(f"{ratio:.0f} times as fast as the oracle, equal on {len(hostile) + len(random)} rows")
    assert ratio > 5


if __name__ == "__main__":
    main()
