"""Sixteen functions of our search library; each does what its docstring says, on some releases of faiss-cpu."""

import faiss
import numpy as np


def eden(x):
    """Four-bit EDEN codes without training."""
    index = faiss.index_factory(x.shape[1], "EDEN4")
    index.add(x)
    return index


def graph_of_codes(x):
    """A graph over four-bit RaBitQ codes."""
    index = faiss.index_factory(x.shape[1], "HNSW32,RaBitQ4")
    index.train(x)
    index.add(x)
    return index


def fast_means(x):
    """The ordinary k-means class with its fast variant."""
    means = faiss.Kmeans(x.shape[1], 16, use_super_kmeans=True)
    means.train(x)
    return means.centroids


def careful_means(x):
    """K-means with k-means++ seeds."""
    means = faiss.Kmeans(x.shape[1], 16, init_method=faiss.ClusteringInitMethod_KMEANS_PLUS_PLUS)
    means.train(x)
    return means.centroids


def many_bits(x):
    """RaBitQ codes of four bits a dimension."""
    index = faiss.index_factory(x.shape[1], "RaBitQ4")
    index.train(x)
    index.add(x)
    return index


def packed_bit(x):
    """One-bit RaBitQ codes in lists, packed for SIMD."""
    index = faiss.index_factory(x.shape[1], "IVF16,RaBitQfs")
    index.train(x)
    index.add(x)
    return index


def turbo(x):
    """TurboQuant codes, the variant for any vectors."""
    index = faiss.index_factory(x.shape[1], "IVF16,SQtq4")
    index.train(x)
    index.add(x)
    return index


def turned(x):
    """A Hadamard rotation in front of exact search."""
    index = faiss.index_factory(x.shape[1], "HR,Flat")
    index.train(x)
    index.add(x)
    return index


def city_block(x):
    """Rows at an L1 distance below 10 from the first one."""
    index = faiss.IndexFlat(x.shape[1], faiss.METRIC_L1)
    index.add(x)
    return index.range_search(x[:1], 10.0)


def within(x):
    """Rows of a re-ranked index; none of the returned distances is 0.5 or more."""
    index = faiss.index_factory(x.shape[1], "SQ4,RFlat")
    index.train(x)
    index.add(x)
    return index.range_search(x[:1], 0.5)


def same_file(x):
    """The same bytes for any number of threads (2, 3 or 4)."""
    graph = faiss.IndexHNSWFlat(x.shape[1], 16)
    graph.add(x)
    return faiss.serialize_index(graph)


def is_panorama(index):
    """Whether an HNSW index uses the Panorama layout."""
    return bool(index.hnsw.is_panorama)


def keep_locks(index):
    """Keep the locks of an HNSW index between two calls of add."""
    index.retain_locks = True


def train_half(index, x):
    """Train on float32 rows, the type given by position."""
    index.train(x, faiss.Float32)


def pointers():
    """The method that takes raw pointers and a type, by its camel-case name."""
    return faiss.IndexFlatL2.addEx


def kernels():
    """The AVX2 build of the bindings."""
    import faiss.swigfaiss_avx2 as module

    return module
