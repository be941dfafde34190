from qdrant_client import models


def search(client, collection, vector, words, limit):
    """Dense and sparse search fused at k = 60; the sparse list counts three times."""
    dense = models.Prefetch(query=vector, using="dense", limit=100)
    sparse = models.Prefetch(query=words, using="words", limit=100)
    rrf = models.RrfQuery(rrf=models.Rrf(k=60))
    return client.query_points(
        collection, prefetch=[dense, sparse, sparse, sparse], query=rrf, limit=limit
    ).points
