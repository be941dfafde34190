# /// script
# requires-python = ">=3.11"
# dependencies = ["mlflow==3.17.2", "scikit-learn==1.9.1", "skops==0.16.0", "numpy==2.4.6"]
# ///
"""A real tracking server on loopback over SQLite: runs, a registered model loaded by its alias, and traces.

The better of two models is served by its alias although the other one was registered last; twelve traced predictions
are found again with their spans. Run it as `python track_and_serve.py [SEED]`; it ends in assertions.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # no processes for scheduled scorers
    "MLFLOW_TRACE_USE_ISOLATED_RANDOM_ID_GENERATOR": "true",  # else a seeded random makes equal trace ids
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
os.environ |= QUIET


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """Start the server while the caller goes on importing; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        *(
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--workers",
            "1",
        ),
        *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]
    with (folder / "server.log").open("w", encoding="utf-8") as log:
        started = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        started.terminate()
        started.wait()


def wait(address: str, seconds: float = 180) -> None:
    """Return once the server answers."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{address}/health", timeout=1)
            return
        time.sleep(0.1)
    raise TimeoutError(f"{address} did not answer within {seconds} s")


def data(seed: int) -> tuple[Any, Any]:
    """400 rows of four columns; the label depends on two of them, with noise."""
    import numpy as np

    generator = np.random.default_rng(seed)
    x = generator.normal(size=(400, 4))
    return x, (x[:, 0] * x[:, 1] + generator.normal(scale=0.2, size=400) > 0).astype(int)


def train(name: str, model: Any, x: Any, y: Any) -> tuple[float, Any]:
    """One run: parameters, a curve, the accuracy, and the model, registered as a new version."""
    import mlflow
    from skops.io import dumps, get_untrusted_types

    with mlflow.start_run(run_name=name):
        mlflow.log_params({"estimator": type(model).__name__, "rows": 300})
        for rows in (100, 200, 300):
            accuracy = model.fit(x[:rows], y[:rows]).score(x[300:], y[300:])
            mlflow.log_metric("accuracy", accuracy, step=rows)
        info = mlflow.sklearn.log_model(
            model,
            name="model",
            registered_model_name="product-sign",
            skops_trusted_types=get_untrusted_types(data=dumps(model)),
            pip_requirements=["scikit-learn==1.9.1", "skops==0.16.0"],
        )
    return accuracy, info


def main(seed: int) -> None:
    """Track two models, serve the better one by its alias, trace its predictions, and look everything up again."""
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as address:
        import mlflow
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.linear_model import LogisticRegression

        mlflow.utils.logging_utils.disable_logging()
        logging.disable(logging.WARNING)
        wait(address)
        mlflow.set_tracking_uri(address)
        experiment = mlflow.set_experiment("signs")
        x, y = data(seed)
        forest, info = train("forest", RandomForestClassifier(n_estimators=20, random_state=seed), x, y)
        client = mlflow.MlflowClient()
        client.set_registered_model_alias("product-sign", "champion", info.registered_model_version)
        line, last = train("line", LogisticRegression(), x, y)

        served = mlflow.sklearn.load_model("models:/product-sign@champion")

        @mlflow.trace
        def predict(number: int) -> int:
            random.seed(seed)
            with mlflow.start_span("model", span_type="CHAIN") as span:
                span.set_inputs(x[number].tolist())
                return int(served.predict(x[number : number + 1])[0])

        answers = [predict(number) for number in range(300, 312)]
        traces = mlflow.search_traces(return_type="list", flush=True)
        runs = mlflow.search_runs(order_by=["metrics.accuracy DESC"])
        curve = client.get_metric_history(runs["run_id"][0], "accuracy")
        newest = mlflow.sklearn.load_model("models:/product-sign/latest")
        mlflow.tracing.reset()  # else the generator of ids complains at exit

    assert experiment.artifact_location.startswith("mlflow-artifacts:/")
    assert forest > line + 0.2, (forest, line)
    assert list(runs["params.estimator"]) == ["RandomForestClassifier", "LogisticRegression"]
    assert [point.step for point in curve] == [100, 200, 300]
    assert int(last.registered_model_version) == 2
    assert type(served).__name__ == "RandomForestClassifier"
    assert type(newest).__name__ == "LogisticRegression"  # what "latest" would have served
    assert [len(trace.data.spans) for trace in traces] == [2] * 12
    recorded = sorted(span.outputs for trace in traces for span in trace.data.spans if span.parent_id is None)
    assert recorded == sorted(answers)
    print(
        f"champion {forest:.2f}, newest {line:.2f}; {len(runs)} runs, {len(traces)} traces of 2 spans over {address}"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
