"""Usage: python check.py ANSWER_DIR. Exit 0 if build uses the threads and gives one file for any split."""

import sys

import faiss
import numpy as np

SEEN = []


def watch():
    plain = faiss.IndexHNSW.add

    def add(self, x, *args, **kwargs):
        SEEN.append((faiss.omp_get_max_threads(), len(x)))
        return plain(self, x, *args, **kwargs)

    faiss.IndexHNSW.add = add


def fault(build):
    rows = np.random.default_rng(0).standard_normal((2400, 16), "f4")
    images = {}
    for threads in (1, 3):
        for size in (2400, 600):
            SEEN.clear()
            batches = (rows[start : start + size] for start in range(0, len(rows), size))
            images[threads, size] = np.asarray(build(batches, threads))
            if any(used != threads for used, count in SEEN if count > 100):
                return f"add ran with {SEEN[0][0]} threads, {threads} were given"
    if any(not np.array_equal(image, images[1, 2400]) for image in images.values()):
        return "the file depends on the number of threads or on the size of the batches"
    index = faiss.deserialize_index(images[3, 600])
    if index.ntotal != 2400 or index.hnsw.efConstruction != 80:
        return "rows or efConstruction were lost"
    found = index.search(rows, 1)[1].ravel()
    return "" if (found == np.arange(2400)).mean() > 0.95 else "rows do not find themselves"


def main():
    watch()
    sys.path.insert(0, sys.argv[1])
    from solution import build

    text = fault(build)
    print(text or "ok")
    return int(bool(text))


if __name__ == "__main__":
    sys.exit(main())
