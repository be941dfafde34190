"""A fresh SQLite store in no time, small models, and a real server on loopback, for the blocks and facts of this skill."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
warnings.simplefilter("ignore")

# They read the variables above; what mlflow imports on first use is imported here, once for all blocks and facts.
import mlflow.pytorch  # noqa: E402
import mlflow.sklearn  # noqa: E402
import mlflow.store.model_registry.sqlalchemy_store  # noqa: E402
import mlflow.store.tracking.sqlalchemy_store  # noqa: E402
import mlflow.tracing.processor.mlflow_v3  # noqa: E402
import numpy as np  # noqa: E402
import skops.io  # noqa: E402, F401
import sqlalchemy  # noqa: E402
import sqlalchemy.dialects.sqlite  # noqa: E402
import torch._dynamo  # noqa: E402
import torch._functorch.aot_autograd  # noqa: E402
import torch.export  # noqa: E402
from mlflow.store.db.base_sql_model import Base  # noqa: E402
from mlflow.store.db.utils import _get_latest_schema_revision  # noqa: E402
from sklearn.ensemble import RandomForestClassifier  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402

mlflow.utils.logging_utils.disable_logging()
logging.getLogger("alembic").setLevel(logging.ERROR)
PLAIN: dict[str, Any] = {"pip_requirements": ["mlflow"]}  # without it every log_model imports for seconds
PROJECT = '[project]\nname = "x"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = []\n'
LOCK = (
    'version = 1\nrevision = 2\nrequires-python = ">=3.11"\n\n'
    '[[package]]\nname = "x"\nversion = "0"\nsource = { virtual = "." }\n'
)


def database(path: Path) -> str:
    """URI of a new SQLite store: the tables as they are, without the forty migrations."""
    for table in Base.metadata.tables.values():
        table.indexes = {index for index in table.indexes if len(index.columns)}
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(
            sqlalchemy.text("INSERT INTO alembic_version VALUES (:head)"),
            {"head": _get_latest_schema_revision()},
        )
    engine.dispose()
    return f"sqlite:///{path}"


def store(experiment: str = "e") -> str:
    """Point mlflow at a new store with one experiment, whose id is returned."""
    folder = Path(tempfile.mkdtemp())
    mlflow.set_tracking_uri(database(folder / "mlflow.db"))
    artifacts = mlflow.create_experiment(experiment, artifact_location=(folder / "artifacts").as_uri())
    mlflow.set_experiment(experiment_id=artifacts)
    return artifacts


def known_requirements() -> None:
    """Let log_model take one requirement, where autolog gives no way to; finding them starts a process for long."""
    mlflow.models.infer_pip_requirements = lambda *_, **__: ["mlflow"]


def rows(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Three columns and the sign of the first."""
    x = np.random.default_rng(0).normal(size=(count, 3))
    return x, (x[:, 0] > 0).astype(int)


def forest() -> Any:
    """A fitted forest of three trees."""
    return RandomForestClassifier(n_estimators=3, random_state=0).fit(*rows())


def line() -> Any:
    """A fitted logistic regression."""
    return LogisticRegression().fit(*rows())


def net(*, training: bool = False) -> Any:
    """A network with dropout."""
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1))
    return layers.train(training)


@contextlib.contextmanager
def server(*flags: str) -> Iterator[str]:
    """Address of a real tracking server on loopback over a new SQLite store."""
    folder = Path(tempfile.mkdtemp())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "mlflow", "server", "--port", port, "--workers", "1"]
    stores = [
        "--backend-store-uri",
        database(folder / "mlflow.db"),
        "--artifacts-destination",
        str(folder / "a"),
    ]
    with (folder / "log").open("w") as log:
        started = subprocess.Popen([*command, *stores, *flags], stdout=log, stderr=log)
    try:
        yield wait(f"http://127.0.0.1:{port}", started)
    finally:
        started.terminate()
        started.wait()


def wait(address: str, started: subprocess.Popen[bytes], seconds: float = 120) -> str:
    """The address, once /health answers."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit and started.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{address}/health", timeout=1)
            return address
        time.sleep(0.1)
    raise RuntimeError(f"no server at {address}")


def answer(folder: str, name: str) -> Any:
    """The module `name` of an answer's folder."""
    sys.path.insert(0, folder)
    return importlib.import_module(name)
