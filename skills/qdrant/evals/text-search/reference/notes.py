from qdrant_client import models


def prepare(client):
    """An index of the payload text that scores by BM25."""
    scoring = models.TextScoringParams(type=models.TextScoringType.BM25)
    client.create_payload_index("notes", "body", models.TextIndexParams(type="text", scoring=scoring))


def search(client, text, code, limit):
    """Notes by BM25 of their body, whose code begins with `code`."""
    return client.query_points(
        "notes",
        query=models.TextQuery(text=text),
        using="body",
        query_filter=models.Filter(
            must=[models.FieldCondition(key="code", match=models.MatchPrefix(prefix=code))]
        ),
        limit=limit,
    ).points
