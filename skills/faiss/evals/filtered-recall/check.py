"""Usage: python check.py ANSWER_DIR. Exit 0 if solution.search filters strictly and keeps each index's settings."""

import sys

import faiss
import numpy as np

SETTINGS = {
    "IVF64,Flat": "nprobe=64",
    "IVF64,PQ16x4fs,RFlat": "nprobe=64,k_factor_rf=32",
    "IDMap2,HNSW32": "efSearch=400",
    "L2norm,IVF64,Flat": "nprobe=64",
}


def build(factory, rows, ids):
    index = faiss.index_factory(rows.shape[1], factory)
    index.train(rows)
    if "IDMap" in factory:
        index.add_with_ids(rows, ids)
    else:
        index.add(rows)
    faiss.ParameterSpace().set_index_parameters(index, SETTINGS[factory])
    return index


def fault(search, factory):
    rng = np.random.default_rng(0)
    rows, queries = rng.standard_normal((4000, 32), "f4"), rng.standard_normal((60, 32), "f4")
    if "L2norm" in factory:
        for part in (rows, queries):
            faiss.normalize_L2(part)
    ids = np.arange(4000) + (10**6 if "IDMap" in factory else 0)
    places = rng.permutation(4000)[:400]
    found = search(build(factory, rows, ids), queries, 10, ids[places])
    truth = ids[places][faiss.knn(queries, rows[places], 10)[1]]
    if not np.isin(found[found >= 0], ids[places]).all():
        return f"{factory}: ids outside the allow-list"
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, truth, strict=True)])
    return "" if recall >= 0.95 else f"{factory}: recall {recall:.2f} among the allowed, need 0.95"


def main():
    sys.path.insert(0, sys.argv[1])
    from solution import search

    faults = [text for text in (fault(search, factory) for factory in SETTINGS) if text]
    print(faults[0] if faults else "ok")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
