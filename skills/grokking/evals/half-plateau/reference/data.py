"""Tables of binary operations for grokking runs."""

import numpy as np

OPERATIONS = {
    "add": lambda a, b, p: (a + b) % p,
    "multiply": lambda a, b, p: (a * b) % p,
    "subtract": lambda a, b, p: (a - b) % p,
    "squares": lambda a, b, p: (a * a + b * b) % p,
}


def make(operation: str, p: int, fraction: float, seed: int):
    """Return (train_x, train_y, test_x, test_y): int64 arrays [rows, 2] and [rows] of the whole table.

    Both orders of a pair are in one part, and the diagonal is split by itself, so sizes do not vary with the seed.
    """
    rng = np.random.default_rng(seed)
    above = [(a, b) for a in range(p) for b in range(a + 1, p)]
    parts: list[list[tuple[int, int]]] = [[], []]
    for group in (above, [(a, a) for a in range(p)]):
        order = rng.permutation(len(group))
        cut = round(fraction * len(group))
        for part, chosen in zip(parts, (order[:cut], order[cut:]), strict=True):
            part += [pair for i in chosen for pair in {group[i], group[i][::-1]}]
    found = []
    for part in parts:
        pairs = np.array(part)
        found += [pairs, np.array([OPERATIONS[operation](a, b, p) for a, b in pairs])]
    return tuple(found)
