from qdrant_client import models


def search(client, vector, brand, limit):
    """Things that are not sold out; those of the wished brand first among equals."""
    return client.query_points(
        "shop",
        query=vector,
        query_filter=models.Filter(
            must_not=[models.FieldCondition(key="state", match=models.MatchValue(value="sold out"))],
            should=[models.FieldCondition(key="brand", match=models.MatchValue(value=brand))],
        ),
        limit=limit,
    ).points
