"""Keep a network in MLflow."""

import mlflow
import numpy as np


def keep(net, row):
    """Log net (row: one input, a float32 numpy vector) and return its model URI."""
    training = net.training
    net.eval()  # the mode is frozen into the stored graph
    try:
        rows = np.stack([row, row])  # one row would freeze the batch size at one
        info = mlflow.pytorch.log_model(net, name="net", input_example=rows)
    finally:
        net.train(training)
    return info.model_uri
