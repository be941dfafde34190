# /// script
# requires-python = ">=3.11"
# dependencies = ["qdrant-client==1.20.0", "qdrant-edge-py==0.9.0", "numpy==2.4.6"]
# ///
"""Filters and fusion in local mode, recall of quantized vectors in the real engine (Edge), on the same vectors.

Notes have a noisy dense vector and two noisy words; fused search must find more than each alone. Then 600 vectors are
indexed by the engine, plain, in int8 and in binary. Run it as `python hybrid_and_recall.py [SEED]`; it ends in assertions.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import qdrant_edge as edge
from qdrant_client import QdrantClient, models

NOTES, WIDTH, WORDS = 600, 32, 60


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def words(draw: np.random.Generator, topic: int) -> models.SparseVector:
    """Two words: mostly the topic's own, sometimes another's."""
    chosen = {topic % WORDS if draw.random() < 0.8 else int(draw.integers(WORDS)), WORDS + topic // WORDS}
    return models.SparseVector(indices=sorted(chosen), values=[1.0] * len(chosen))


def notes(draw: np.random.Generator, topics: np.ndarray) -> QdrantClient:
    """One note for each topic: vectors dense and words, a year and items as payload."""
    client = QdrantClient(":memory:")
    client.create_collection(
        "notes",
        vectors_config={"dense": models.VectorParams(size=WIDTH, distance=models.Distance.COSINE)},
        sparse_vectors_config={"words": models.SparseVectorParams(modifier=models.Modifier.IDF)},
    )
    points = [
        models.PointStruct(
            id=n,
            vector={"dense": vector, "words": words(draw, n)},
            payload={"year": 2020 + n % 5, "items": [{"c": "red", "z": n % 3}, {"c": "blue", "z": 1}]},
        )
        for n, vector in enumerate(topics.tolist())
    ]
    client.upsert("notes", points)
    return client


def first_hits(client: QdrantClient, draw: np.random.Generator, topics: np.ndarray) -> dict[str, float]:
    """Share of 100 questions whose note comes first: dense, words, fused."""
    right = dict.fromkeys(("dense", "words", "fused"), 0)
    asked = draw.choice(NOTES, 100, replace=False)
    noisy = unit(topics[asked] + 0.3 * draw.standard_normal((100, WIDTH)))
    for note, vector in zip(asked.tolist(), noisy.tolist(), strict=True):
        searches = {
            "dense": models.Prefetch(query=vector, using="dense", limit=50),
            "words": models.Prefetch(query=words(draw, note), using="words", limit=50),
        }
        rrf = models.RrfQuery(rrf=models.Rrf(k=60))
        for name, prefetch in [*((n, [s]) for n, s in searches.items()), ("fused", list(searches.values()))]:
            found = client.query_points("notes", prefetch=prefetch, query=rrf, limit=1).points
            right[name] += bool(found) and found[0].id == note
    return {name: count / 100 for name, count in right.items()}


def filtered(client: QdrantClient) -> tuple[int, int]:
    """Notes with a red item of z 1: by two conditions, and by one nested condition."""
    color = models.MatchValue(value="red")
    number = models.MatchValue(value=1)
    apart = [
        models.FieldCondition(key="items[].c", match=color),
        models.FieldCondition(key="items[].z", match=number),
    ]
    both = [models.FieldCondition(key="c", match=color), models.FieldCondition(key="z", match=number)]
    nested = models.NestedCondition(nested=models.Nested(key="items", filter=models.Filter(must=both)))
    loose = client.count("notes", count_filter=models.Filter(must=apart)).count
    return loose, client.count("notes", count_filter=models.Filter(must=[nested])).count


def indexed(folder: Path, corpus: np.ndarray, quantization: object) -> edge.EdgeShard:
    """A shard of the engine, its graph built, closed and loaded again."""
    config = edge.EdgeConfig(
        vectors={"": edge.EdgeVectorParams(size=WIDTH, distance=edge.Distance.Cosine)},
        hnsw_config=edge.HnswIndexConfig(
            m=8, ef_construct=32, full_scan_threshold=10, max_indexing_threads=1
        ),
        quantization_config=quantization,
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=1, default_segment_number=1),
    )
    shard = edge.EdgeShard.create(str(folder), config)
    points = [edge.Point(id=n, vector=vector, payload={}) for n, vector in enumerate(corpus.tolist())]
    shard.update(edge.UpdateOperation.upsert_points(points))
    shard.optimize()
    shard.close()
    return edge.EdgeShard.load(str(folder))


def recall(shard: edge.EdgeShard, queries: list[list[float]], **settings: object) -> float:
    """Share of the exact ten that a search finds."""

    def ten(query: list[float], params: edge.SearchParams) -> set[int]:
        request = edge.QueryRequest(limit=10, query=edge.Query.Nearest(query), params=params)
        return {point.id for point in shard.query(request)}

    exact = [ten(query, edge.SearchParams(exact=True)) for query in queries]
    found = [ten(query, edge.SearchParams(**settings)) for query in queries]
    return float(np.mean([len(a & b) / 10 for a, b in zip(found, exact, strict=True)]))


def recalls(corpus: np.ndarray, queries: list[list[float]]) -> dict[str, float]:
    """Recall of plain, int8 and binary vectors, quantized ones also with four times as many candidates."""
    more = edge.QuantizationSearchParams(rescore=True, oversampling=4.0)
    kinds = {
        "int8": edge.ScalarQuantizationConfig(type=edge.ScalarType.Int8),
        "binary": edge.BinaryQuantizationConfig(),
    }
    got = {}
    with tempfile.TemporaryDirectory() as name:
        got["plain"] = recall(indexed(Path(name) / "plain", corpus, None), queries)
        for kind, quantization in kinds.items():
            shard = indexed(Path(name) / kind, corpus, quantization)
            got[kind] = recall(shard, queries)
            got[f"{kind}, oversampling 4"] = recall(shard, queries, quantization=more)
    return got


def main(seed: int) -> None:
    """Search both ways, and hold the figures against their bounds."""
    draw = np.random.default_rng(seed)
    topics = unit(draw.standard_normal((NOTES, WIDTH)) * np.linspace(2, 0.2, WIDTH))
    client = notes(draw, topics)
    hits = first_hits(client, draw, topics)
    loose, nested = filtered(client)
    got = recalls(topics, unit(draw.standard_normal((50, WIDTH)) * np.linspace(2, 0.2, WIDTH)).tolist())
    print("right note first:", ", ".join(f"{name} {share:.2f}" for name, share in hits.items()))
    print(f"red with z 1: {loose} by two conditions, {nested} nested")
    print("recall@10:", ", ".join(f"{name} {share:.2f}" for name, share in got.items()))
    assert hits["fused"] > max(hits["dense"], hits["words"])
    assert (loose, nested) == (NOTES, NOTES // 3)
    assert got["plain"] > 0.95
    assert got["int8, oversampling 4"] > 0.9
    assert got["binary"] < 0.7 < got["int8"]
    assert got["binary, oversampling 4"] > got["binary"]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
