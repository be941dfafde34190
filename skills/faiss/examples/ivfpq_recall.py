# /// script
# requires-python = ">=3.11"
# dependencies = ["faiss-cpu==1.15.1", "numpy==2.4.6"]
# ///
"""IVF-PQ against exact search: recall rises with nprobe, re-ranking lifts it, a reload keeps it.

Run: python ivfpq_recall.py [--seed 0]
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Ids = NDArray[np.int64]
ROWS, QUERIES, WIDTH, K = 20_000, 300, 32, 10
PROBES = (1, 2, 4, 8, 16, 64)


def make_rows(seed: int) -> tuple[Rows, Rows]:
    """Base and query rows around 200 common centers, float32, shapes (ROWS, WIDTH) and (QUERIES, WIDTH)."""
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((200, WIDTH))
    label = rng.integers(0, 200, ROWS + QUERIES)
    rows = (centers[label] + 0.6 * rng.standard_normal((ROWS + QUERIES, WIDTH))).astype("float32")
    return rows[:ROWS], rows[ROWS:]


def recall(found: Ids, truth: Ids) -> float:
    """Share of the true neighbors that were found."""
    hits = sum(len(set(a) & set(b)) for a, b in zip(found.tolist(), truth.tolist(), strict=True))
    return hits / truth.size


def trained(factory: str, base: Rows) -> Any:
    """Index of the base rows, trained on half of them."""
    index = faiss.index_factory(WIDTH, factory)
    index.train(base[::2])
    index.add(base)
    return index


def answers(index: Any, setting: str, queries: Rows) -> Ids:
    """Ids found with a ParameterSpace setting."""
    faiss.ParameterSpace().set_index_parameters(index, setting)
    return np.asarray(index.search(queries, K)[1], dtype=np.int64)


def main(argv: list[str] | None = None) -> int:
    """Measure, save, reload, assert."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    base, queries = make_rows(parser.parse_args(argv).seed)
    truth = np.asarray(faiss.knn(queries, base, K)[1], dtype=np.int64)

    refined = trained("IVF64,PQ8np,RFlat", base)  # np: no polysemous training, same recall, much sooner
    plain = faiss.downcast_index(refined.base_index)  # the same codes without re-ranking
    curve = [recall(answers(plain, f"nprobe={probe}", queries), truth) for probe in PROBES]
    lifted = [recall(answers(refined, f"nprobe={probe},k_factor_rf=8", queries), truth) for probe in PROBES]
    for probe, low, high in zip(PROBES, curve, lifted, strict=True):
        sys.stdout.write(f"nprobe {probe:3d}: recall@10 {low:.3f}, re-ranked {high:.3f}\n")

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "refined.faiss")
        faiss.write_index(refined, path)
        again = faiss.read_index(path)
        kept = np.array_equal(
            again.search(queries, K)[1], refined.search(queries, K)[1]
        )  # settings travel too
    size = len(faiss.serialize_index(plain)) / (4 * base.size)
    sys.stdout.write(f"IVF64,PQ8 is {size:.0%} of the raw rows; reload equal: {kept}\n")

    assert all(later >= earlier - 0.01 for earlier, later in itertools.pairwise(curve))
    assert curve[-1] > curve[0] + 0.02
    assert lifted[-1] > curve[-1] + 0.2
    assert lifted[-1] > 0.85
    assert size < 0.2
    assert kept
    return 0


if __name__ == "__main__":
    sys.exit(main())
