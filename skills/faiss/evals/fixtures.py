"""Rows and indexes for the facts of this skill; its blocks make their own."""

from __future__ import annotations

import faiss
import numpy as np


def rows(count: int = 4000, width: int = 32, seed: int = 0) -> np.ndarray:
    """Gaussian float32 rows."""
    return np.random.default_rng(seed).standard_normal((count, width), dtype="float32")


def filled(factory: str, x: np.ndarray, metric: int = faiss.METRIC_L2) -> faiss.Index:
    """Index of the rows x, trained on them."""
    index = faiss.index_factory(x.shape[1], factory, metric)
    index.train(x)
    index.add(x)
    return index


def overlap(found: np.ndarray, truth: np.ndarray) -> float:
    """Share of each row of truth that found holds."""
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found, truth, strict=True)]))
