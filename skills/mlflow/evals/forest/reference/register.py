"""Register fitted estimators in the format that loads without pickle."""

import mlflow
from skops.io import dumps, get_untrusted_types


def register(model, name):
    """Log a fitted estimator as skops, register it, and give its version the alias champion."""
    trusted = get_untrusted_types(data=dumps(model))
    info = mlflow.sklearn.log_model(
        model,
        name="model",
        registered_model_name=name,
        serialization_format="skops",
        skops_trusted_types=trusted,
    )
    version = info.registered_model_version
    mlflow.MlflowClient().set_registered_model_alias(name, "champion", version)
    return int(version)
