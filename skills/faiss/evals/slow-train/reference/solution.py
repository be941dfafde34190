import faiss


def build(rows):
    index = faiss.index_factory(rows.shape[1], "IVF32,PQ4np")
    index.train(rows)
    index.add(rows)
    index.nprobe = 32
    return index
