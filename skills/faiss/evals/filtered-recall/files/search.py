"""Filtered search over whatever index the team built (faiss-cpu 1.15.1)."""

import faiss
import numpy as np


def search(index, queries, k, allowed=None):
    """Ids of the k nearest rows, shape (queries, k); only ids in `allowed` when it is given."""
    if allowed is None:
        return index.search(queries, k)[1]
    selector = faiss.IDSelectorBatch(np.asarray(allowed, dtype="int64"))
    ivf = faiss.try_extract_index_ivf(index)
    params = faiss.SearchParametersIVF(sel=selector) if ivf else faiss.SearchParametersHNSW(sel=selector)
    return index.search(queries, k, params=params)[1]
