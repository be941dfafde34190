from qdrant_client import models


def search(client, collection, vector, words, limit):
    """Dense and sparse search, fused."""
    return client.query_points(
        collection,
        prefetch=[
            models.Prefetch(query=vector, using="dense"),
            models.Prefetch(query=words, using="words"),
        ],
        query=models.FusionQuery(fusion=models.Fusion.RRF),
        limit=limit,
    ).points
