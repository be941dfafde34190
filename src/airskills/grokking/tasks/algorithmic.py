"""Tables of binary operations, permutation composition and sparse parity.

Sources: Power et al. 2022 (arXiv:2201.02177) for the operations; Barak et al. 2022
(arXiv:2207.08799) for sparse parity.
"""

from collections.abc import Callable
from itertools import permutations, product

import numpy as np
import torch

from airskills.grokking.data import Data, build, split_groups
from airskills.grokking.errors import GrokkingError

OPERATIONS: dict[str, Callable[[int, int, int], int]] = {
    "add": lambda a, b, p: (a + b) % p,
    "subtract": lambda a, b, p: (a - b) % p,
    "multiply": lambda a, b, p: a * b % p,
    "divide": lambda a, b, p: a * pow(b, -1, p) % p,
    "squares": lambda a, b, p: (a * a + b * b) % p,
    "quadratic": lambda a, b, p: (a * a + a * b + b * b) % p,
    "cubic": lambda a, b, p: (a**3 + a * b) % p,
}


def modular(seed: int, *, operation: str, modulus: int, fraction: float, random_labels: bool = False) -> Data:
    """Table of `a op b (mod p)`: tokens (a, b), target the result.

    Both orders of a pair are always in the same part. `random_labels` is the negative control: the same rows
    with uniform labels, which can be memorized and never generalized.

    Raises:
        GrokkingError: for an unknown operation, a division modulo a composite number or an impossible split.
    """
    if operation not in OPERATIONS:
        raise GrokkingError(f"Unknown operation {operation!r}; there are: {', '.join(sorted(OPERATIONS))}")
    if operation == "divide" and any(modulus % d == 0 for d in range(2, int(modulus**0.5) + 1)):
        raise GrokkingError(f"Division needs a prime modulus; {modulus} is not prime")
    low = 1 if operation == "divide" else 0
    pairs = [(a, b) for a, b in product(range(modulus), range(low, modulus))]
    rule = OPERATIONS[operation]
    return table(seed, pairs, [rule(a, b, modulus) for a, b in pairs], fraction, random_labels=random_labels)


def composition(seed: int, *, degree: int, fraction: float) -> Data:
    """Composition in the symmetric group: tokens number permutations in lexicographic order.

    The target of (a, b) is "first b, then a": (a b)(i) = a(b(i)).
    """
    elements = list(permutations(range(degree)))
    number = {element: i for i, element in enumerate(elements)}
    pairs = list(product(range(len(elements)), range(len(elements))))
    results = [number[tuple(elements[a][i] for i in elements[b])] for a, b in pairs]
    return table(seed, pairs, results, fraction)


def table(
    seed: int,
    pairs: list[tuple[int, int]],
    results: list[int],
    fraction: float,
    *,
    random_labels: bool = False,
) -> Data:
    """Split any table of a binary operation over unordered pairs."""
    rng = np.random.default_rng([seed, 1])
    train, held = split_groups([(min(p), max(p)) for p in pairs], fraction, rng)
    targets = torch.tensor(results)
    if random_labels:
        targets = torch.from_numpy(rng.integers(0, int(targets.max()) + 1, len(results)))
    return build(torch.tensor(pairs), targets, train, held, rng)


def parity(seed: int, *, bits: int, relevant: int, train: int, held: int) -> Data:
    """Sparse parity: +-1 vectors of `bits` entries, the target is whether `relevant` of them multiply to -1.

    Raises:
        GrokkingError: if there are fewer distinct vectors than rows, or more relevant bits than bits.
    """
    if not 0 < relevant <= bits or train + held > 2**bits:
        raise GrokkingError(
            f"{train + held} distinct rows of {bits} bits with {relevant} relevant ones do not exist: "
            f"there are {2**bits} vectors"
        )
    rng = np.random.default_rng([seed, 1])
    chosen = rng.choice(bits, relevant, replace=False)
    seen: dict[bytes, np.ndarray] = {}
    while len(seen) < train + held:
        for row in rng.integers(0, 2, (train + held, bits)) * 2 - 1:
            seen.setdefault(row.tobytes(), row)
    rows = np.stack(list(seen.values())[: train + held])
    targets = torch.from_numpy((rows[:, chosen].prod(axis=1) < 0).astype(np.int64))
    inputs = torch.from_numpy(rows.astype(np.float32))
    return build(inputs, targets, np.arange(train), np.arange(train, train + held), rng)
