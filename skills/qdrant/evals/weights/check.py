"""Compare the answer's order with one worked out: dense rank and sparse rank of every point, 1 / (60 + rank), sparse times three."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
from qdrant_client import QdrantClient, models

POINTS = 60


def collection(draw: np.random.Generator) -> tuple[QdrantClient, np.ndarray, np.ndarray]:
    """Points whose ranks in both lists are known: a permutation each."""
    client = QdrantClient(":memory:")
    client.create_collection(
        "notes",
        vectors_config={"dense": models.VectorParams(size=2, distance=models.Distance.COSINE)},
        sparse_vectors_config={"words": models.SparseVectorParams()},
    )
    dense, sparse = draw.permutation(POINTS), draw.permutation(POINTS)
    points = [
        models.PointStruct(
            id=n,
            vector={
                "dense": [float(np.cos(dense[n] / 40)), float(np.sin(dense[n] / 40))],
                "words": models.SparseVector(indices=[7], values=[float(POINTS - sparse[n])]),
            },
        )
        for n in range(POINTS)
    ]
    client.upsert("notes", points)
    return client, dense, sparse


def main() -> int:
    """Exit 0 when the first ten are those of the weighted sum, for three sets."""
    spec = importlib.util.spec_from_file_location("fuse", Path(sys.argv[1]) / "fuse.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    worst = 1.0
    for seed in range(3):
        client, dense, sparse = collection(np.random.default_rng(seed))
        scores = 1 / (60 + dense) + 3 / (60 + sparse)
        want = np.argsort(-scores)[:10].tolist()
        words = models.SparseVector(indices=[7], values=[1.0])
        got = [point.id for point in module.search(client, "notes", [1.0, 0.0], words, 10)]
        share = len(set(got) & set(want)) / 10
        print(f"set {seed}: {share:.0%} of the ten, first right: {got[:1] == want[:1]}")
        worst = min(worst, share if got[:1] == want[:1] else 0)
    return 0 if worst >= 0.9 else 1


if __name__ == "__main__":
    sys.exit(main())
