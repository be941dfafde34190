"""Usage: python check.py ANSWER_DIR. Exit 0 if store.Store keeps ids, inputs and updates right."""

import sys
import tempfile
from pathlib import Path

import numpy as np


def inputs_untouched(store_type):
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((20, 8), "f4") * 3
    rows.flags.writeable = False
    before = rows.copy()
    store = store_type(8)
    store.upsert(np.arange(20, dtype="uint64"), rows)
    store.search(rows[:2], 3)
    return "" if np.array_equal(rows, before) else "the caller's rows were changed"


def ids_survive(store_type):
    rng = np.random.default_rng(1)
    ids = rng.integers(0, 2**64, 50, dtype="uint64", endpoint=False)
    rows = rng.standard_normal((50, 8))
    store = store_type(8)
    store.upsert(ids, rows)
    best = [row[0][0] for row in store.search(rows, 1) if row]
    return "" if best == ids.tolist() else "an unsigned 64-bit id did not come back as it was given"


def updates_replace(store_type):
    rng = np.random.default_rng(2)
    ids = np.array([5, 2**63 + 7, 9], dtype="uint64")
    rows = rng.standard_normal((3, 8))
    store = store_type(8)
    store.upsert(ids, rows)
    store.upsert(ids[:2], -rows[:2])
    store.delete(ids[2:])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        store.save(path)
        store = store_type.load(path)
    found = store.search(-rows[:1], 10)[0]
    if sorted(i for i, _ in found) != sorted(ids[:2].tolist()):
        return f"after updates and a deletion expected 2 ids, got {[i for i, _ in found]}"
    return "" if abs(found[0][1] - 1) < 1e-4 else "the score is not the cosine of the new row"


def rejects_nan(store_type):
    store = store_type(4)
    store.upsert(np.array([1], dtype="uint64"), np.ones((1, 4)))
    try:
        store.upsert(np.array([1, 2], dtype="uint64"), np.array([[1, 2, 3, 4], [np.nan, 0, 0, 0]]))
    except ValueError:
        found = store.search(np.ones((1, 4)), 5)[0]
        return (
            ""
            if [i for i, _ in found] == [1] and abs(found[0][1] - 1) < 1e-4
            else "a rejected batch left traces"
        )
    return "a row with NaN was accepted"


def main():
    sys.path.insert(0, sys.argv[1])
    from store import Store

    for test in (inputs_untouched, ids_survive, updates_replace, rejects_nan):
        fault = test(Store)
        if fault:
            print(fault)
            return 1
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
