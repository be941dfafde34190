"""Usage: python check.py ANSWER_DIR. Exit 0 if build is at least three times cheaper with the same codes and recall."""

import resource
import sys

import faiss
import numpy as np


def spent():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def recall(index, queries, truth):
    found = index.search(queries, 10)[1]
    return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, truth, strict=True)]))


def plain(rows):
    """The same index with the constructor, which costs no polysemous training."""
    index = faiss.IndexIVFPQ(faiss.IndexFlatL2(32), 32, 32, 4, 8)
    index.train(rows)
    index.add(rows)
    index.nprobe = 32
    return index


def fault(build):
    rng = np.random.default_rng(0)
    rows, queries = rng.standard_normal((4000, 32), "f4"), rng.standard_normal((200, 32), "f4")
    truth = faiss.knn(queries, rows, 10)[1]
    start = spent()
    standard = plain(rows)
    cheap = spent() - start
    start = spent()
    index = build(rows)
    cost = spent() - start
    if not isinstance(index, faiss.IndexIVFPQ) or (index.nlist, index.code_size, index.ntotal) != (
        32,
        4,
        4000,
    ):
        return "lists, code size or rows differ from IVF32,PQ4"
    if cost > 3 * cheap + 2:
        return f"build took {cost:.1f} CPU seconds; {cheap:.1f} are enough"
    wanted, got = recall(standard, queries, truth), recall(index, queries, truth)
    return "" if got > wanted - 0.02 else f"recall {got:.3f}, was {wanted:.3f}"


def main():
    sys.path.insert(0, sys.argv[1])
    from solution import build

    text = fault(build)
    print(text or "ok")
    return int(bool(text))


if __name__ == "__main__":
    sys.exit(main())
