"""Token rewards end to end, from Python lists to a list of floats, against TRL and a reward on strings.

`python benchmarks/rl_rewards.py [--write]`: every contender runs in turn in one process on one thread, and only the
ratios within a round count; the figure is the median over rounds. `--write` stores them under `results/`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from trl.rewards.other_rewards import get_repetition_penalty_reward

from airskills.rl import backends
from airskills.rl.rewards import DistinctN, PatternMatch, RepetitionPenalty, SoftOverlong
from measured import conditions, write

SHAPES = [(1024, 512), (4096, 512), (1024, 2048), (4096, 2048)]
PACKAGES = ["numpy", "numba", "trl"]
Rows = list[list[int]]


def batch(rows: int, longest: int) -> Rows:
    """Zipf-like ids below 128k, lengths uniform in longest/2 to longest."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(longest // 2, longest + 1, rows)
    return [rng.zipf(1.2, length).clip(0, 128_000).tolist() for length in lengths]


def words_reward(texts: list[str], n: int = 3) -> list[float]:
    """Repetition penalty as open-r1 defines it: on lower-cased words of the text, a set of tuples per text."""
    scores = []
    for text in texts:
        words = text.lower().split()
        if len(words) < n:
            scores.append(0.0)
            continue
        seen, total = set(), 0
        for gram in zip(*(words[i:] for i in range(n)), strict=False):
            seen.add(gram)
            total += 1
        scores.append(-(1 - len(seen) / total))
    return scores


def seconds(call: Callable[[], Any]) -> float:
    """Processor time of one call, on one thread: whoever else wants the processor does not count."""
    start = time.process_time()
    call()
    return time.process_time() - start


def compare(contenders: dict[str, Callable[[], Any]], ours: str, rounds: int) -> dict[str, Any]:
    """Run all in turn, `rounds` times; the ratio of each to `ours` in the same round, and the best time of each."""
    times = [{name: seconds(call) for name, call in contenders.items()} for _ in range(rounds)]
    ratios = {
        name: statistics.median(t[name] / t[ours] for t in times) for name in contenders if name != ours
    }
    return {
        "times_slower_than_ours": {name: round(ratio, 2) for name, ratio in ratios.items()},
        "best_ms": {name: round(min(t[name] for t in times) * 1e3, 2) for name in contenders},
    }


def repetition(rows: Rows, rounds: int) -> dict[str, Any]:
    """Repetition penalty, n = 3."""
    texts = [" ".join(map(str, row)) for row in rows]
    peer = get_repetition_penalty_reward(3, -1.0)
    ours, oracle = RepetitionPenalty(3), RepetitionPenalty(3, backend="python")
    if not peer(completion_ids=rows) == ours(rows) == oracle(rows):
        raise SystemExit("The contenders disagree")
    contenders: dict[str, Callable[[], Any]] = {
        "numba": lambda: ours(rows),
        "trl": lambda: peer(completion_ids=rows),
        "open_r1_like": lambda: words_reward(texts),
        "plain_python": lambda: oracle(rows),
    }
    return compare(contenders, "numba", rounds)


def four_rewards(rows: Rows, rounds: int) -> dict[str, Any]:
    """Repetition, distinct-1, pattern and soft overlong on one list, ingested once, against plain Python."""

    def run(backend: str) -> list[list[float | None]]:
        rewards = [
            RepetitionPenalty(3, backend=backend),
            DistinctN(1, backend=backend),
            PatternMatch([[3, 1, 2]], backend=backend),
            SoftOverlong(2048, 512, backend=backend),
        ]
        step = [list(row) for row in rows[:1]] + rows[1:]  # a new list, as each training step has
        return [reward(completion_ids=step, trainer_state=None) for reward in rewards]

    run("numba")
    return compare({"numba": lambda: run("numba"), "plain_python": lambda: run("python")}, "numba", rounds)


def main() -> None:
    """Print one line per shape; store the figures if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    ran = conditions(PACKAGES)
    figures: dict[str, Any] = {"repetition_penalty": {}, "four_rewards": {}}
    for shape in SHAPES:
        rows, name = batch(*shape), "{}x{}".format(*shape)
        figures["repetition_penalty"][name] = repetition(rows, options.rounds)
        print(name, figures["repetition_penalty"][name])
    figures["four_rewards"]["1024x512"] = four_rewards(batch(1024, 512), min(3, options.rounds))
    print("four", figures["four_rewards"])
    if options.write:
        store(figures, ran)


def store(figures: dict[str, Any], ran: dict[str, Any]) -> None:
    """Write the figures with what they were measured on."""
    states = {name: backend.available() or "available" for name, backend in backends.registered().items()}
    write(str(Path(__file__).parent / "results" / "rl_rewards.json"), {**ran, "backends": states, **figures})


if __name__ == "__main__":
    main()
