from qdrant_client import models


def search(client, vector, brand, limit):
    """Things known to be for sale, by score plus 0.1 for the wished brand."""
    for_sale = models.Filter(
        must=[models.FieldCondition(key="state", match=models.MatchExcept(**{"except": ["sold out"]}))]
    )
    wish = models.FieldCondition(key="brand", match=models.MatchValue(value=brand))
    boost = models.SumExpression(sum=["$score", models.MultExpression(mult=[0.1, wish])])
    return client.query_points(
        "shop",
        prefetch=models.Prefetch(query=vector, filter=for_sale, limit=1000),
        query=models.FormulaQuery(formula=boost),
        limit=limit,
    ).points
