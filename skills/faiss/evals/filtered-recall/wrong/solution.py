import faiss
import numpy as np


def search(index, queries, k, allowed=None):
    if allowed is None:
        return index.search(queries, k)[1]
    selector = faiss.IDSelectorBatch(np.asarray(allowed, dtype="int64"))
    ivf = faiss.try_extract_index_ivf(index)
    if isinstance(index, faiss.IndexRefine):
        base = faiss.SearchParametersIVF(nprobe=ivf.nprobe)
        params = faiss.IndexRefineSearchParameters(k_factor=index.k_factor, base_index_params=base, sel=selector)
    elif ivf:
        params = faiss.SearchParametersIVF(nprobe=ivf.nprobe, sel=selector)
    else:
        params = faiss.SearchParametersHNSW(sel=selector)
    return index.search(queries, k, params=params)[1]
