from qdrant_client import models


def prepare(client):
    """A full-text index."""
    client.create_payload_index(
        "notes", "body", models.TextIndexParams(type="text", tokenizer=models.TokenizerType.WORD, lowercase=True)
    )


def search(client, text, code, limit):
    """Notes whose body holds the words and whose code begins with `code`."""
    return client.query_points(
        "notes",
        query_filter=models.Filter(
            must=[
                models.FieldCondition(key="body", match=models.MatchTextAny(text_any=text)),
                models.FieldCondition(key="code", match=models.MatchText(text=code)),
            ]
        ),
        limit=limit,
    ).points
