"""Register fitted estimators in the format that loads without pickle."""

import mlflow


def register(model, name):
    """Log a fitted estimator as skops, register it, and give its version the alias champion."""
    info = mlflow.sklearn.log_model(
        model, name="model", registered_model_name=name, serialization_format="skops"
    )
    version = info.registered_model_version
    mlflow.MlflowClient().set_registered_model_alias(name, "champion", version)
    return int(version)
