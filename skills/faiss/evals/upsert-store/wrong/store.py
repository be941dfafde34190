import faiss
import numpy as np


class Store:
    def __init__(self, dim):
        self.index = faiss.IndexIDMap2(faiss.IndexFlatIP(dim))

    def upsert(self, ids, rows):
        rows = np.ascontiguousarray(rows, dtype="float32")
        faiss.normalize_L2(rows)
        ids = np.asarray(ids).astype("int64")
        self.index.remove_ids(ids)
        self.index.add_with_ids(rows, ids)

    def delete(self, ids):
        self.index.remove_ids(np.asarray(ids).astype("int64"))

    def search(self, queries, k):
        queries = np.ascontiguousarray(queries, dtype="float32")
        faiss.normalize_L2(queries)
        scores, ids = self.index.search(queries, k)
        return [[(int(i), float(s)) for i, s in zip(a, b) if i != -1] for a, b in zip(ids, scores)]

    def save(self, path):
        faiss.write_index(self.index, str(path))

    @classmethod
    def load(cls, path):
        store = cls(1)
        store.index = faiss.read_index(str(path))
        return store
