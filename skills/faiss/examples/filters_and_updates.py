# /// script
# requires-python = ">=3.11"
# dependencies = ["faiss-cpu==1.15.1", "numpy==2.4.6"]
# ///
"""A small store with own ids: cosine search, update, delete, filter, save; each against exact search.

Run: python filters_and_updates.py [--seed 0]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Ids = NDArray[np.int64]
ROWS, WIDTH, LISTS, K = 8_000, 32, 32, 10


def unit(rows: Rows) -> Rows:
    """Normalized copy; faiss.normalize_L2 alone would change the caller's array."""
    copy = np.array(rows, dtype="float32", order="C")
    if not np.isfinite(copy).all():
        message = f"{int((~np.isfinite(copy).all(axis=1)).sum())} rows hold NaN or Inf: they would be lost"
        raise ValueError(message)
    faiss.normalize_L2(copy)
    return copy


def make_store(sample: Rows) -> Any:
    """Empty IVF store for cosine, trained, ready for removal by id."""
    store = faiss.index_factory(WIDTH, f"IVF{LISTS},Flat", faiss.METRIC_INNER_PRODUCT)
    store.train(unit(sample))
    store.set_direct_map_type(faiss.DirectMap.Hashtable)
    return store


def upsert(store: Any, ids: Ids, rows: Rows) -> None:
    """Replace the rows of these ids, or add them."""
    store.remove_ids(ids)
    store.add_with_ids(unit(rows), ids)


def search(store: Any, queries: Rows, allowed: Ids | None = None) -> list[list[int]]:
    """Ids of the nearest rows among the allowed, without the -1 of missing answers."""
    params = faiss.SearchParametersIVF(nprobe=LISTS)  # a fresh object starts at nprobe 1
    if allowed is not None:
        params.sel = faiss.IDSelectorBatch(allowed)
    found = store.search(unit(queries), K, params=params)[1]
    return [[int(i) for i in row if i >= 0] for row in found]


def exact(table: dict[int, Rows], queries: Rows, allowed: set[int]) -> list[set[int]]:
    """The same by a plain matrix product."""
    ids = np.array(sorted(allowed & set(table)))
    scores = unit(queries) @ unit(np.stack([table[int(i)] for i in ids])).T
    return [set(ids[row].tolist()) for row in np.argsort(-scores, axis=1)[:, :K]]


def main(argv: list[str] | None = None) -> int:
    """Build, change, filter, reload, assert."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    rng = np.random.default_rng(parser.parse_args(argv).seed)
    rows = (rng.standard_normal((ROWS, WIDTH)) * rng.uniform(0.2, 5, (ROWS, 1))).astype("float32")
    ids = 10**9 + 7 * np.arange(ROWS)
    store = make_store(rows)
    upsert(store, ids, rows)
    table = dict(zip(ids.tolist(), rows, strict=True))

    fresh = rng.standard_normal((500, WIDTH)).astype("float32")
    upsert(store, ids[:500], fresh)
    table.update(zip(ids[:500].tolist(), fresh, strict=True))
    store.remove_ids(ids[500:1000])
    for gone in ids[500:1000].tolist():
        del table[gone]

    queries = rng.standard_normal((50, WIDTH)).astype("float32")
    allowed = ids[::40]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.faiss"
        faiss.write_index(store, f"{path}.new")
        Path(f"{path}.new").replace(path)
        store = faiss.read_index(str(path))
    every = search(store, queries)
    some = search(store, queries, allowed)
    sys.stdout.write(
        f"{store.ntotal} vectors after 500 updates and 500 deletions; {len(allowed)} ids allowed\n"
    )

    assert store.ntotal == len(table) == ROWS - 500
    assert [set(row) for row in every] == exact(table, queries, set(table))
    assert [set(row) for row in some] == exact(table, queries, set(allowed.tolist()))
    assert len(search(store, queries[:1], allowed[:3])[0]) == 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
