"""The table is whole and right, no mirror is split, and the sizes are those asked for."""

import importlib.util
import sys
from pathlib import Path

import numpy as np


def load(folder: Path):
    """Import data.py from a folder."""
    spec = importlib.util.spec_from_file_location("data", folder / "data.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def faults(module, operation: str, p: int, fraction: float) -> list[str]:
    """Faults of one operation over two seeds."""
    found, sizes = [], set()
    for seed in (0, 1):
        train, labels, test, held = module.make(operation, p, fraction, seed)
        again = module.make(operation, p, fraction, seed)
        if not all(np.array_equal(x, y) for x, y in zip((train, labels, test, held), again, strict=True)):
            found.append("two calls with one seed differ")
        seen, rest = {tuple(map(int, x)) for x in train}, {tuple(map(int, x)) for x in test}
        if len(seen | rest) != p * p or seen & rest:
            found.append(f"{len(seen | rest)} of {p * p} rows are there")
        if any((b, a) in seen for a, b in rest):
            found.append(
                f"{sum((b, a) in seen for a, b in rest)} of {len(rest)} held-out pairs have their mirror in train"
            )
        if abs(len(train) / (p * p) - fraction) > 0.03:
            found.append(f"{len(train) / (p * p):.2f} of the table is train, not {fraction}")
        rule = module.OPERATIONS[operation]
        if any(
            rule(int(a), int(b), p) != y
            for (a, b), y in zip(np.concatenate([train, test]), np.concatenate([labels, held]), strict=True)
        ):
            found.append("labels are wrong")
        sizes.add((len(train), len(test)))
    if len(sizes) > 1:
        found.append(f"sizes change with the seed: {sorted(sizes)}; runs of several seeds cannot be stacked")
    return [f"{operation}: {fault}" for fault in found]


def main() -> int:
    """Exit 0 when the commutative operations are split without a leak."""
    module = load(Path(sys.argv[1]))
    found = [f for operation in ("add", "multiply", "squares") for f in faults(module, operation, 31, 0.6)]
    print("; ".join(found) or "no mirror is split")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
