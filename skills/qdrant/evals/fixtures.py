"""A collection in local mode and a shard of the real engine for the facts, blocks and checks of this skill."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
import qdrant_edge as edge
from qdrant_client import QdrantClient, models

WORDS = ["red shoe", "blue shoe", "green hat"]


def things() -> QdrantClient:
    """Nine points in local mode: n 0 to 8, s the same as text, t two words (not in point 8), and two items each."""
    client = QdrantClient(":memory:")
    client.create_collection(
        "things", vectors_config=models.VectorParams(size=2, distance=models.Distance.DOT)
    )
    points = [
        models.PointStruct(
            id=n,
            vector=[1.0, float(n)],
            payload={"n": n, "s": str(n), "items": [{"c": "red", "z": 1}, {"c": "blue", "z": 2}]}
            | ({"t": WORDS[n % 3]} if n < 8 else {}),
        )
        for n in range(9)
    ]
    client.upsert("things", points)
    return client


def ids(client: QdrantClient, **conditions: Any) -> list[int]:
    """Which of the nine points a filter lets through."""
    records, _ = client.scroll("things", scroll_filter=models.Filter(**conditions), limit=100)
    return [record.id for record in records]


def hybrid() -> QdrantClient:
    """Forty points in local mode with a dense vector d, nearest to [1, 0] first, and a sparse one s."""
    client = QdrantClient(":memory:")
    client.create_collection(
        "hybrid",
        vectors_config={"d": models.VectorParams(size=2, distance=models.Distance.COSINE)},
        sparse_vectors_config={"s": models.SparseVectorParams()},
    )
    angles = np.arange(40) / 30
    client.upsert(
        "hybrid",
        [
            models.PointStruct(
                id=n,
                vector={
                    "d": [float(np.cos(angle)), float(np.sin(angle))],
                    "s": models.SparseVector(indices=[1], values=[float(40 - abs(n - 2))]),
                },
            )
            for n, angle in enumerate(angles)
        ],
    )
    return client


def fused(client: QdrantClient, query: Any, dense: int = 20, sparse: int = 20) -> list[tuple[int, float]]:
    """Ids and scores of a dense and a sparse search, fused."""
    found = client.query_points(
        "hybrid",
        prefetch=[
            models.Prefetch(query=[1.0, 0.0], using="d", limit=dense),
            models.Prefetch(query=models.SparseVector(indices=[1], values=[1.0]), using="s", limit=sparse),
        ],
        query=query,
        limit=40,
    )
    return [(point.id, point.score) for point in found.points]


def vectors(rows: int, width: int = 32, seed: int = 0) -> np.ndarray:
    """Unit vectors whose dimensions differ in spread."""
    made = np.random.default_rng(seed).standard_normal((rows, width)) * np.linspace(2, 0.2, width) + 0.3
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def shard(corpus: np.ndarray, quantization: Any = None) -> edge.EdgeShard:
    """A shard of the engine with an HNSW graph over all rows of the corpus."""
    config = edge.EdgeConfig(
        vectors={"": edge.EdgeVectorParams(size=corpus.shape[1], distance=edge.Distance.Cosine)},
        hnsw_config=edge.HnswIndexConfig(
            m=8, ef_construct=32, full_scan_threshold=10, max_indexing_threads=1
        ),
        quantization_config=quantization,
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=1, default_segment_number=1),
    )
    made = edge.EdgeShard.create(tempfile.mkdtemp(), config)
    points = [edge.Point(id=n, vector=row, payload={"n": n}) for n, row in enumerate(corpus.tolist())]
    made.update(edge.UpdateOperation.upsert_points(points))
    made.optimize()
    return made


def recall(made: edge.EdgeShard, queries: np.ndarray, **params: Any) -> float:
    """Share of the exact ten nearest that a search with these parameters finds."""

    def ten(query: list[float], settings: edge.SearchParams) -> set[int]:
        request = edge.QueryRequest(limit=10, query=edge.Query.Nearest(query), params=settings)
        return {point.id for point in made.query(request)}

    pairs = [
        (ten(q, edge.SearchParams(**params)), ten(q, edge.SearchParams(exact=True))) for q in queries.tolist()
    ]
    return float(np.mean([len(found & exact) / 10 for found, exact in pairs]))
