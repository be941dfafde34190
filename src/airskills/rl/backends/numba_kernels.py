"""The kernels compiled by numba: same results as `python_kernels`, to the last bit for counts.

Tables are open-addressing with linear probing and a power-of-two size of at least four times the row: few probes, and each ends.
No `fastmath` and no `prange`: results do not depend on threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

from airskills.rl.backends import Kernel
from airskills.rl.batch import Float64, Int64, UInt32

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing: multiply, keep the upper bits
Compiled = TypeVar("Compiled", bound=Callable[..., Any])
EPOCH_BITS = 10  # rows between two clearings of the table, as a power of two


def jit(function: Compiled) -> Compiled:
    """Compile for nopython mode, releasing the GIL; the machine code is kept on disk."""
    return cast("Compiled", njit(nogil=True, cache=True)(function))


@jit
def _table_bits(longest: int) -> int:
    bits = 4
    while (1 << bits) < 4 * longest:
        bits += 1
    return bits


@jit
def _longest(offsets: Int64) -> int:
    longest = 0
    for i in range(offsets.size - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    return longest


@jit
def _roomy_table_bits(longest: int) -> int:
    """16 slots to an n-gram while the table fits into 256 KiB of cache: next to no collisions, half the time."""
    bits = _table_bits(longest)
    while bits < 15 and (1 << bits) < 16 * longest:
        bits += 1
    return bits


@jit
def _id_bits(ids: UInt32, offsets: Int64) -> int:
    """Width of the widest id; bits are collected with "or", which vectorizes."""
    used = np.uint32(0)
    batch = ids[offsets[0] : offsets[-1]]
    for at in range(batch.size):
        used |= batch[at]
    bits = 1
    while (np.uint64(used) >> np.uint64(bits)) != np.uint64(0):
        bits += 1
    return bits


@jit
def unique_ngrams(ids: UInt32, offsets: Int64, n: int, out: Float64) -> None:
    """Packed into one integer where `n` ids and an epoch fit into 64 bits; 17-bit ids do up to n = 3."""
    if n * _id_bits(ids, offsets) + EPOCH_BITS <= 64:
        _unique_packed(ids, offsets, n, out)
    else:
        _unique_general(ids, offsets, n, out)


@jit
def _unique_packed(ids: UInt32, offsets: Int64, n: int, out: Float64) -> None:
    """An n-gram is one integer; the row number above it makes entries of former rows count as empty."""
    width = np.uint64(_id_bits(ids, offsets))
    span = np.uint64(n) * width
    low = (np.uint64(1) << span) - np.uint64(1)
    bits = _roomy_table_bits(_longest(offsets))
    down, wrap = np.uint64(64 - bits), np.uint64((1 << bits) - 1)
    table = np.zeros(1 << bits, np.uint64)
    epoch = np.uint64(0)
    for i in range(offsets.size - 1):
        epoch += np.uint64(1)
        if epoch >> np.uint64(EPOCH_BITS) != np.uint64(0):
            table[:] = np.uint64(0)
            epoch = np.uint64(1)
        gram, unique, base = np.uint64(0), 0, epoch << span
        row = ids[offsets[i] : offsets[i + 1]]
        for at in range(min(n - 1, row.size)):
            gram = ((gram << width) | np.uint64(row[at])) & low
        for at in range(n - 1, row.size):
            gram = ((gram << width) | np.uint64(row[at])) & low
            key = base | gram
            slot = (key * GOLDEN) >> down
            while table[slot] >= base and table[slot] != key:
                slot = (slot + np.uint64(1)) & wrap
            unique += table[slot] != key
            table[slot] = key
        out[i] = unique


@jit
def _same(ids: UInt32, a: int, b: int, n: int) -> bool:
    for k in range(n):  # noqa: SIM110 - compiled
        if ids[a + k] != ids[b + k]:
            return False
    return True


@jit
def _slot_of(ids: UInt32, at: int, n: int, table: Int64, bits: int) -> Any:
    """Slot that holds this n-gram, or the empty one where it belongs; a table holds positions + 1, 0 is empty."""
    h = np.uint64(n)
    for k in range(n):
        h = (h ^ np.uint64(ids[at + k])) * GOLDEN
        h ^= h >> np.uint64(29)
    slot = np.int64((h * GOLDEN) >> np.uint64(64 - bits))
    wrap = (1 << bits) - 1
    while table[slot] != 0 and not _same(ids, table[slot] - 1, at, n):
        slot = (slot + 1) & wrap
    return slot


@jit
def _unique_general(ids: UInt32, offsets: Int64, n: int, out: Float64) -> None:
    bits = _table_bits(_longest(offsets))
    table = np.zeros(1 << bits, np.int64)
    for i in range(offsets.size - 1):
        table[:] = 0
        unique = 0
        for at in range(offsets[i], offsets[i + 1] - n + 1):
            slot = _slot_of(ids, at, n, table, bits)
            unique += table[slot] == 0
            table[slot] = at + 1
        out[i] = unique


@jit
def token_entropy(ids: UInt32, offsets: Int64, out: Float64) -> None:
    """Count per table slot; only used slots are cleared, in order of first occurrence."""
    bits = _table_bits(_longest(offsets))
    table = np.zeros(1 << bits, np.int64)
    counts = np.zeros(1 << bits, np.int64)
    used = np.empty(1 << bits, np.int64)
    for i in range(offsets.size - 1):
        filled, length = 0, offsets[i + 1] - offsets[i]
        for at in range(offsets[i], offsets[i + 1]):
            slot = _slot_of(ids, at, 1, table, bits)
            if table[slot] == 0:
                table[slot] = at + 1
                used[filled] = slot
                filled += 1
            counts[slot] += 1
        entropy = 0.0
        for k in range(filled):
            share = counts[used[k]] / length
            entropy -= share * math.log(share)
            table[used[k]] = 0
            counts[used[k]] = 0
        out[i] = entropy


@jit
def pattern_count(ids: UInt32, offsets: Int64, patterns: UInt32, starts: Int64, out: Float64) -> None:
    """Patterns are chained by a hash of their first token, so that a token compares with few of them."""
    bits = _table_bits(starts.size)
    down = np.uint64(64 - bits)
    head = np.full(1 << bits, -1, np.int64)
    after = np.empty(starts.size, np.int64)
    for p in range(starts.size - 1):
        slot = (np.uint64(patterns[starts[p]]) * GOLDEN) >> down
        after[p] = head[slot]
        head[slot] = p
    for i in range(offsets.size - 1):
        found = 0
        for at in range(offsets[i], offsets[i + 1]):
            p = head[(np.uint64(ids[at]) * GOLDEN) >> down]
            while p >= 0:
                found += _begins(ids, at, offsets[i + 1], patterns, starts[p], starts[p + 1])
                p = after[p]
        out[i] = found


@jit
def _begins(ids: UInt32, at: int, end: int, patterns: UInt32, start: int, stop: int) -> bool:
    if at + stop - start > end:
        return False
    for k in range(stop - start):  # noqa: SIM110 - compiled
        if ids[at + k] != patterns[start + k]:
            return False
    return True


@jit
def self_bleu(ids: UInt32, offsets: Int64, group_size: int, max_n: int, out: Float64) -> None:
    """Linear in the tokens of a group, whatever its size."""
    rows = offsets.size - 1
    for start in range(0, rows, group_size):
        stop = min(start + group_size, rows)
        matched = np.zeros((stop - start, max_n), np.int64)
        for n in range(1, max_n + 1):
            _clipped_matches(ids, offsets[start : stop + 1], n, matched[:, n - 1])
        for i in range(stop - start):
            out[start + i] = _bleu(offsets[start : stop + 1], i, matched[i])


@jit
def _clipped_matches(ids: UInt32, offsets: Int64, n: int, matched: Int64) -> None:
    """Two passes: number the n-grams and keep their two largest counts by row, then clip each row's counts."""
    grams = np.empty(offsets[-1] - offsets[0], np.int64)
    distinct = _number(ids, offsets, n, grams)
    count = np.zeros(distinct, np.int64)
    largest, second, owner = np.zeros(distinct, np.int64), np.zeros(distinct, np.int64), np.full(distinct, -1)
    for i in range(offsets.size - 1):
        a, b = offsets[i] - offsets[0], offsets[i + 1] - offsets[0] - n + 1
        for at in range(a, b):
            count[grams[at]] += 1
        for at in range(a, b):
            g = grams[at]
            if count[g] > largest[g]:
                second[g], largest[g], owner[g] = largest[g], count[g], i
            elif count[g] > second[g]:
                second[g] = count[g]
            count[g] = 0  # a repeated gram then compares 0, which changes nothing
    for i in range(offsets.size - 1):
        a, b = offsets[i] - offsets[0], offsets[i + 1] - offsets[0] - n + 1
        for at in range(a, b):
            g = grams[at]
            others = second[g] if owner[g] == i else largest[g]
            matched[i] += count[g] < others
            count[g] += 1
        for at in range(a, b):
            count[grams[at]] = 0


@jit
def _number(ids: UInt32, offsets: Int64, n: int, grams: Int64) -> int:
    bits = _table_bits(offsets[-1] - offsets[0])
    table = np.zeros(1 << bits, np.int64)
    numbers = np.empty(1 << bits, np.int64)
    distinct = 0
    for i in range(offsets.size - 1):
        for at in range(offsets[i], offsets[i + 1] - n + 1):
            slot = _slot_of(ids, at, n, table, bits)
            if table[slot] == 0:
                table[slot] = at + 1
                numbers[slot] = distinct
                distinct += 1
            grams[at - offsets[0]] = numbers[slot]
    return distinct


@jit
def _bleu(offsets: Int64, i: int, matched: Int64) -> float:
    length = offsets[i + 1] - offsets[i]
    if matched.sum() == 0:
        return 0.0
    log_precision, orders, smooth = 0.0, 0, 1.0
    for k in range(min(matched.size, length)):
        if matched[k] == 0:
            smooth *= 2.0
        log_precision += math.log(max(matched[k], 1.0 / smooth) / (length - k))
        orders += 1
    closest, gap = 0, -1
    for j in range(offsets.size - 1):
        other = offsets[j + 1] - offsets[j]
        near = abs(other - length)
        if j != i and (gap < 0 or near < gap or (near == gap and other < closest)):
            closest, gap = other, near
    return math.exp(min(0.0, 1.0 - closest / length) + log_precision / orders)


@jit
def gae(rewards: Float64, values: Float64, mask: Any, gamma: float, lam: float, out: Float64) -> None:
    """One backward pass per row over `[B, T]`."""
    for i in range(rewards.shape[0]):
        advantage = 0.0
        next_value = 0.0
        for t in range(rewards.shape[1] - 1, -1, -1):
            if mask[i, t]:
                delta = rewards[i, t] + gamma * next_value - values[i, t]
                advantage = delta + gamma * lam * advantage
                next_value = values[i, t]
                out[i, t] = advantage
            else:
                out[i, t] = 0.0


KERNELS: dict[str, Kernel] = {
    "unique_ngrams": unique_ngrams,
    "token_entropy": token_entropy,
    "pattern_count": pattern_count,
    "self_bleu": self_bleu,
    "gae": gae,
}
