# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy==2.4.6"]
# ///
"""Measure what float16, int8 and binary vectors keep of the exact nearest neighbours, on vectors of your own.

Scores are inner products; int8 follows `quantize_embeddings` of sentence-transformers 6.2 (ranges, rounded down, clipped).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

EXAMPLE = """example:
  python quantized_recall.py corpus.npy queries.npy --top 10
  python quantized_recall.py corpus.npy --json      (1,000 rows of the corpus are the queries; each finds itself)

exit status: 0 measured, 2 a file cannot be read or shapes do not fit.
"""
DEEP = 20  # how many times `top` a binary list is rescored by int8


@dataclass(frozen=True)
class Measured:
    """One way to keep vectors."""

    way: str
    bytes_per_vector: float
    recall: float


def int8(vectors: np.ndarray, ranges: np.ndarray) -> np.ndarray:
    """Codes from -128 to 127."""
    steps = np.where(ranges[1] == ranges[0], 1, (ranges[1] - ranges[0]) / 255)
    return (np.clip(np.floor((vectors - ranges[0]) / steps), 0, 255) - 128).astype(np.float32)


def nearest(scores: np.ndarray, top: int) -> np.ndarray:
    """Numbers of the `top` largest of each row."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :top]


def binary(corpus: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Minus the Hamming distance of the signs."""
    return np.where(queries > 0, 1, -1).astype(np.float32) @ np.where(corpus > 0, 1, -1).astype(np.float32).T


def rescored(first: np.ndarray, second: np.ndarray, top: int) -> np.ndarray:
    """The `top` by second among the best DEEP * top by first."""
    pool = nearest(first, DEEP * top)
    order = nearest(np.take_along_axis(second, pool, axis=1), top)
    return np.take_along_axis(pool, order, axis=1)


def measure(corpus: np.ndarray, queries: np.ndarray, top: int) -> list[Measured]:
    """Recall of each way, the most bytes first."""
    width = corpus.shape[1]
    exact = nearest(queries @ corpus.T, top)
    ranges = np.vstack([corpus.min(axis=0), corpus.max(axis=0)])
    largest = np.full(width, np.abs(corpus).max())
    even = np.vstack([-largest, largest])
    steps = (ranges[1] - ranges[0]) / 255
    scaled = (queries * steps) @ int8(corpus, ranges).T
    signs = binary(corpus, queries)
    half = corpus.astype(np.float16).astype(np.float32)
    ways: list[tuple[str, float, Callable[[], np.ndarray]]] = [
        ("float16", 2 * width, lambda: nearest(queries @ half.T, top)),
        ("int8, steps in the float query", width, lambda: nearest(scaled, top)),
        ("int8 x int8, one symmetric range", width, lambda: nearest(int8(queries, even) @ int8(corpus, even).T, top)),
        ("int8 x int8, ranges per dimension", width, lambda: nearest(int8(queries, ranges) @ int8(corpus, ranges).T, top)),
        (f"binary, {DEEP} x top rescored by int8", width * 9 / 8, lambda: rescored(signs, scaled, top)),
        (f"binary, {DEEP} x top rescored by the float query on signs", width / 8,
         lambda: rescored(signs, queries @ np.where(corpus > 0, 1, -1).T, top)),
        ("binary", width / 8, lambda: nearest(signs, top)),
    ]  # fmt: skip
    return [Measured(way, size, overlap(find(), exact)) for way, size, find in ways]


def overlap(found: np.ndarray, exact: np.ndarray) -> float:
    """Mean share of the exact neighbours that was found."""
    return float(np.mean([np.isin(true, got).mean() for got, true in zip(found, exact, strict=True)]))


def load(path: Path) -> np.ndarray:
    """Vectors as float32.

    Raises:
        ValueError: Not a two-dimensional array of numbers.
    """
    vectors = np.load(path, allow_pickle=False)
    if vectors.ndim != 2 or not len(vectors) or vectors.dtype.kind != "f":
        message = f"{path} holds {vectors.dtype} of shape {vectors.shape}; floats of shape (rows, dimensions) are needed"
        raise ValueError(message)
    return vectors.astype(np.float32)


def pair(corpus: Path, queries: Path | None, top: int) -> tuple[np.ndarray, np.ndarray]:
    """Both sides; without queries up to 1,000 rows of the corpus.

    Raises:
        ValueError: Not vectors, or of different width, or fewer than `top`.
    """
    known = load(corpus)
    asked = load(queries) if queries else known[:: max(1, len(known) // 1000)][:1000]
    if known.shape[1] != asked.shape[1] or not 0 < top <= len(known):
        message = f"shapes {known.shape} and {asked.shape} with --top {top} do not fit"
        raise ValueError(message)
    return known, asked


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path, help=".npy, floats (rows, dimensions)")
    parser.add_argument("queries", type=Path, nargs="?", help=".npy; without it rows of the corpus")
    parser.add_argument("--top", type=int, default=10, help="neighbours that count")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    try:
        corpus, queries = pair(args.corpus, args.queries, args.top)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    norms = np.linalg.norm(corpus, axis=1)
    unit = bool(np.allclose(norms, 1, atol=1e-2))
    made = measure(corpus, queries, args.top)
    if args.json:
        print(json.dumps({"rows": len(corpus), "unit_vectors": unit, "ways": [asdict(one) for one in made]}))
        return 0
    print(
        f"{len(corpus)} vectors of {corpus.shape[1]} dimensions, norms {norms.min():.2f} to {norms.max():.2f}"
    )
    if not unit:
        print("not unit vectors: the inner product is not cosine (normalize_embeddings=True)")
    for one in made:
        print(f"{one.recall:.3f} recall@{args.top}  {one.bytes_per_vector:8.0f} bytes  {one.way}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
