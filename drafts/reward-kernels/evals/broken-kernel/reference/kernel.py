"""Share of distinct n-grams of each completion; None for fewer than n tokens. Exact: n-grams are compared, not hashes."""

import numpy as np
from numba import njit

MIX = np.uint64(0x9E3779B97F4A7C15)


@njit(nogil=True)
def distinct(ids, offsets, n, out):
    longest = 0
    for i in range(offsets.size - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    bits = 4
    while (1 << bits) < 2 * longest:
        bits += 1
    table = np.zeros(1 << bits, np.int64)  # position + 1 of an n-gram, 0 is empty
    for i in range(offsets.size - 1):
        table[:] = 0
        found = 0
        for at in range(offsets[i], offsets[i + 1] - n + 1):
            h = np.uint64(n)
            for k in range(n):
                h = (h ^ np.uint64(ids[at + k])) * MIX
                h ^= h >> np.uint64(29)
            slot = np.int64((h * MIX) >> np.uint64(64 - bits))
            while table[slot] != 0 and not same(ids, table[slot] - 1, at, n):
                slot = (slot + 1) & ((1 << bits) - 1)
            found += table[slot] == 0
            table[slot] = at + 1
        total = offsets[i + 1] - offsets[i] - n + 1
        out[i] = found / total if total > 0 else np.nan


@njit(nogil=True)
def same(ids, a, b, n):
    equal = 0
    while equal < n and ids[a + equal] == ids[b + equal]:
        equal += 1
    return equal == n


def distinct_share(completion_ids, n=3, **_):
    offsets = np.zeros(len(completion_ids) + 1, np.int64)
    offsets[1:] = np.cumsum([len(row) for row in completion_ids])
    ids = np.array([i for row in completion_ids for i in row], np.uint64)
    out = np.zeros(len(completion_ids))
    distinct(ids, offsets, n, out)
    return [None if np.isnan(value) else value for value in out.tolist()]
