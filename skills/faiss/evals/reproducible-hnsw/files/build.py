"""Build the graph index of a release. Worked on faiss-cpu 1.15.0; dies on 1.15.1."""

import faiss


def build(batches, threads):
    """Serialized HNSW index (uint8 array) of the rows of all batches, in order."""
    faiss.omp_set_num_threads(1)  # the only way to the same file twice
    index = None
    for rows in batches:
        if index is None:
            index = faiss.IndexHNSWFlat(rows.shape[1], 16)
            index.retain_locks = True
            index.hnsw.efConstruction = 80
        index.add(rows)
    return faiss.serialize_index(index)
