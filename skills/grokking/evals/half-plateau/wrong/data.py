"""Tables of binary operations for grokking runs."""

import numpy as np

OPERATIONS = {
    "add": lambda a, b, p: (a + b) % p,
    "multiply": lambda a, b, p: (a * b) % p,
    "subtract": lambda a, b, p: (a - b) % p,
    "squares": lambda a, b, p: (a * a + b * b) % p,
}


def make(operation: str, p: int, fraction: float, seed: int):
    """Return (train_x, train_y, test_x, test_y); pairs with a > b are left out, so that no mirror exists."""
    rng = np.random.default_rng(seed)
    pairs = np.array([(a, b) for a in range(p) for b in range(a, p)])
    results = np.array([OPERATIONS[operation](a, b, p) for a, b in pairs])
    order = rng.permutation(len(pairs))
    cut = int(fraction * len(pairs))
    train, test = order[:cut], order[cut:]
    return pairs[train], results[train], pairs[test], results[test]
