"""Share of distinct n-grams of each completion, for a TRL reward. Literals are unsigned now."""

import numpy as np
from numba import njit


@njit(nogil=True)
def distinct(ids, offsets, n, out):
    longest = 0
    for i in range(offsets.size - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    size = 1
    while size < longest:
        size *= 2
    table = np.zeros(size, np.uint64)
    for i in range(offsets.size - 1):
        table[:] = 0
        found = 0
        for at in range(offsets[i], offsets[i + 1] - n + 1):
            h = np.uint64(14695981039346656037)
            for k in range(n):
                h = h * np.uint64(31) + ids[at + k]
            slot = np.int64(h % np.uint64(size))
            while table[slot] != 0 and table[slot] != np.uint64(h):
                slot = (slot + 1) % size
            if table[slot] == 0:
                found += 1
                table[slot] = np.uint64(h)
        total = offsets[i + 1] - offsets[i] - n + 1
        out[i] = found / total if total > 0 else 0.0


def distinct_share(completion_ids, n=3, **kwargs):
    lengths = [len(row) for row in completion_ids]
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    ids = np.array([i for row in completion_ids for i in row], np.uint64)
    out = np.zeros(len(completion_ids))
    distinct(ids, offsets, n, out)
    return out.tolist()
