import faiss


def build(rows):
    index = faiss.index_factory(rows.shape[1], "IVF32,PQ4")
    index.cp.niter = 5
    index.pq.cp.niter = 5
    index.train(rows[:1500])
    index.add(rows)
    index.nprobe = 32
    return index
