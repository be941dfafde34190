from pathlib import Path

import faiss
import numpy as np


def signed(ids):
    return np.asarray(ids, dtype="uint64").view("int64")


def unit(rows):
    copy = np.array(rows, dtype="float32", order="C", ndmin=2)
    if not np.isfinite(copy).all():
        raise ValueError("rows hold NaN or Inf")
    faiss.normalize_L2(copy)
    return copy


class Store:
    def __init__(self, dim):
        self.index = faiss.index_factory(dim, "IDMap2,Flat", faiss.METRIC_INNER_PRODUCT)

    def upsert(self, ids, rows):
        rows, ids = unit(rows), signed(ids)
        self.index.remove_ids(ids)
        self.index.add_with_ids(rows, ids)

    def delete(self, ids):
        self.index.remove_ids(signed(ids))

    def search(self, queries, k):
        queries = unit(queries)
        k = min(k, self.index.ntotal)
        if k == 0:
            return [[] for _ in queries]
        scores, ids = self.index.search(queries, k)
        return [
            [(int(i), float(s)) for i, s in zip(row.view("uint64"), line, strict=True)]
            for row, line in zip(ids, scores, strict=True)
        ]

    def save(self, path):
        faiss.write_index(self.index, f"{path}.new")
        Path(f"{path}.new").replace(path)

    @classmethod
    def load(cls, path):
        store = cls.__new__(cls)
        store.index = faiss.read_index(str(path))
        return store
