"""Measure recall@10 of the answer's search on three kinds of vectors, and what it keeps."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import recall, vectors


def kept(store: Any) -> int:
    """Bytes of all arrays in what build returned."""
    if isinstance(store, np.ndarray):
        return store.nbytes
    if isinstance(store, dict):
        return sum(kept(value) for value in store.values())
    if isinstance(store, (list, tuple)):
        return sum(kept(value) for value in store)
    return kept(vars(store)) if hasattr(store, "__dict__") else 0


def main() -> int:
    """Exit 0 when at least 0.95 of the nearest ten are found everywhere with one byte per dimension."""
    spec = importlib.util.spec_from_file_location("search", Path(sys.argv[1]) / "search.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    worst, most = 1.0, 0.0
    for kind in ("round", "clusters", "unequal"):
        corpus, queries = vectors(kind)
        store = module.build(corpus)
        most = max(most, kept(store) / corpus.size)
        got = recall(np.asarray(module.search(store, queries, 10)).tolist(), corpus, queries)
        print(f"{kind}: recall@10 {got:.3f}")
        worst = min(worst, got)
    print(f"bytes per number: {most:.2f}")
    return 0 if worst >= 0.95 and most < 1.2 else 1


if __name__ == "__main__":
    sys.exit(main())
