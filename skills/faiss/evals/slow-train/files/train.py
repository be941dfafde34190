"""Nightly rebuild (faiss-cpu 1.15.1). Most of the time goes into train(), whatever the number of rows."""

import faiss


def build(rows):
    index = faiss.index_factory(rows.shape[1], "IVF32,PQ4")
    index.train(rows)
    index.add(rows)
    index.nprobe = 32
    return index
