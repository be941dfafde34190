from qdrant_client import models


def search(client, collection, vector, words, limit):
    """Dense and sparse search fused at k = 60; the sparse list has weight 3."""
    return client.query_points(
        collection,
        prefetch=[
            models.Prefetch(query=vector, using="dense", limit=100),
            models.Prefetch(query=words, using="words", limit=100),
        ],
        query=models.RrfQuery(rrf=models.Rrf(k=60, weights=[1.0, 3.0])),
        limit=limit,
    ).points
