import faiss
import numpy as np


def build(batches, threads):
    rows = np.concatenate(list(batches))  # one add: the file depends on how rows are split, not on threads
    faiss.omp_set_num_threads(threads)
    index = faiss.IndexHNSWFlat(rows.shape[1], 16)
    index.hnsw.efConstruction = 80
    index.add(rows)
    return faiss.serialize_index(index)
