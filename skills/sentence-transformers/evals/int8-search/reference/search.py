"""8-bit codes of unit vectors, searched with float queries."""

import numpy as np
from sentence_transformers.util.quantization import quantize_embeddings


def build(embeddings):
    """Codes and the step of each dimension."""
    ranges = np.vstack([embeddings.min(axis=0), embeddings.max(axis=0)])
    return {
        "codes": quantize_embeddings(embeddings, "int8", ranges=ranges),
        "steps": (ranges[1] - ranges[0]) / 255,
    }


def search(store, queries, k):
    """Numbers of the k nearest rows; the constant part of the inner product does not change their order."""
    scores = (queries * store["steps"]).astype(np.float32) @ store["codes"].T.astype(np.float32)
    return np.argsort(-scores, axis=1)[:, :k]
