"""Keep a network in MLflow."""

import mlflow


def keep(net, row):
    """Log net (row: one input, a float32 numpy vector) and return its model URI."""
    info = mlflow.pytorch.log_model(net, name="net", input_example=row[None])
    return info.model_uri
