import numpy as np
from sentence_transformers.util.quantization import quantize_embeddings, semantic_search_faiss


def build(embeddings):
    ranges = np.vstack([embeddings.min(axis=0), embeddings.max(axis=0)])
    return {"codes": quantize_embeddings(embeddings, "uint8", ranges=ranges), "ranges": ranges}


def search(store, queries, k):
    hits = semantic_search_faiss(
        queries,
        corpus_embeddings=store["codes"],
        corpus_precision="uint8",
        ranges=store["ranges"],
        top_k=k,
        rescore=True,
        rescore_multiplier=4,
    )[0]
    return np.array([[hit["corpus_id"] for hit in row] for row in hits])
