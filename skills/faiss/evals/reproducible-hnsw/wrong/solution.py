import faiss


def build(batches, threads):
    faiss.omp_set_num_threads(threads)
    index = None
    for rows in batches:
        if index is None:
            index = faiss.IndexHNSWFlat(rows.shape[1], 16)
            index.hnsw.efConstruction = 80
        index.add(rows)
    return faiss.serialize_index(index)
