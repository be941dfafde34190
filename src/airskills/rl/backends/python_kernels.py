"""The oracle: every kernel in plain Python, as close to its definition as it can be written."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Any

from airskills.rl.backends import Kernel
from airskills.rl.batch import Float64, Int64, UInt32


def unique_ngrams(ids: UInt32, offsets: Int64, n: int, out: Float64) -> None:
    """Number of different n-grams of each row; 0 where the row is shorter than `n`."""
    for i, row in enumerate(_rows(ids, offsets)):
        out[i] = len(set(_ngrams(row, n)))


def token_entropy(ids: UInt32, offsets: Int64, out: Float64) -> None:
    """Shannon entropy, in nats, of the tokens within each row; 0 for an empty row."""
    for i, row in enumerate(_rows(ids, offsets)):
        shares = [count / len(row) for count in Counter(row).values()]
        out[i] = -math.fsum(share * math.log(share) for share in shares) if shares else 0.0


def pattern_count(ids: UInt32, offsets: Int64, patterns: UInt32, starts: Int64, out: Float64) -> None:
    """How often any of the patterns begins at a token of each row; occurrences may overlap."""
    wanted = [tuple(pattern) for pattern in _rows(patterns, starts)]
    for i, row in enumerate(_rows(ids, offsets)):
        out[i] = sum(tuple(row[at : at + len(p)]) == p for at in range(len(row)) for p in wanted)


def self_bleu(ids: UInt32, offsets: Int64, group_size: int, max_n: int, out: Float64) -> None:
    """BLEU (0 to 1) of each row against the other rows of its group; see `rewards.SelfBleu` for the definition."""
    rows = _rows(ids, offsets)
    for start in range(0, len(rows), group_size):
        group = rows[start : start + group_size]
        for i, row in enumerate(group):
            out[start + i] = _bleu(row, group[:i] + group[i + 1 :], max_n)


def gae(rewards: Float64, values: Float64, mask: Any, gamma: float, lam: float, out: Float64) -> None:
    """Generalized advantage estimation over `[B, T]`; a masked position gets 0 and passes the state through."""
    for i in range(rewards.shape[0]):
        advantage = next_value = 0.0
        for t in reversed(range(rewards.shape[1])):
            if not mask[i, t]:
                out[i, t] = 0.0
                continue
            delta = rewards[i, t] + gamma * next_value - values[i, t]
            advantage = delta + gamma * lam * advantage
            next_value = values[i, t]
            out[i, t] = advantage


def _rows(ids: UInt32, offsets: Int64) -> list[list[int]]:
    return [ids[a:b].tolist() for a, b in pairwise(offsets.tolist())]


def _ngrams(row: list[int], n: int) -> list[tuple[int, ...]]:
    return list(zip(*(row[i:] for i in range(n)), strict=False))


def _bleu(row: list[int], references: list[list[int]], max_n: int) -> float:
    log_precision, orders, smooth, matches = 0.0, 0, 1.0, 0
    for n in range(1, max_n + 1):
        counts = Counter(_ngrams(row, n))
        total = sum(counts.values())
        if total == 0:
            break
        others = [Counter(_ngrams(reference, n)) for reference in references]
        matched = sum(min(c, max((o[gram] for o in others), default=0)) for gram, c in counts.items())
        matches += matched
        if matched == 0:
            smooth *= 2.0
        log_precision += math.log((matched or 1.0 / smooth) / total)
        orders += 1
    if matches == 0:
        return 0.0
    closest = min((abs(len(r) - len(row)), len(r)) for r in references)[1]
    brevity = min(0.0, 1.0 - closest / len(row))
    return math.exp(brevity + log_precision / orders)


KERNELS: dict[str, Kernel] = {
    "unique_ngrams": unique_ngrams,
    "token_entropy": token_entropy,
    "pattern_count": pattern_count,
    "self_bleu": self_bleu,
    "gae": gae,
}
