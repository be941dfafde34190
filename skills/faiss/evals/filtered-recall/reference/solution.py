import faiss
import numpy as np


def parameters(index, selector):
    """Search parameters with the filter and with every setting that the index carries."""
    if isinstance(index, faiss.IndexRefine):
        inner = parameters(faiss.downcast_index(index.base_index), selector)
        return faiss.IndexRefineSearchParameters(k_factor=index.k_factor, base_index_params=inner)
    if isinstance(index, faiss.IndexIDMap | faiss.IndexPreTransform):
        return parameters(faiss.downcast_index(index.index), selector)
    if isinstance(index, faiss.IndexIVF):
        return faiss.SearchParametersIVF(nprobe=index.nprobe, sel=selector)
    if isinstance(index, faiss.IndexHNSW):
        return faiss.SearchParametersHNSW(efSearch=index.hnsw.efSearch, sel=selector)
    return faiss.SearchParameters(sel=selector)


def search(index, queries, k, allowed=None):
    """Ids of the k nearest rows, shape (queries, k); only ids in `allowed` when it is given."""
    if allowed is None:
        return index.search(queries, k)[1]
    selector = faiss.IDSelectorBatch(np.asarray(allowed, dtype="int64"))
    return index.search(queries, k, params=parameters(index, selector))[1]
