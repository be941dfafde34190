"""The scripts of the skill mlflow: planted calls are named, sound ones are not, a real server is asked."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SKILL = Path(__file__).resolve().parent.parent / "skills" / "mlflow"
# What open-mmlab/mmengine PR #1698 repairs: the default of a framework is a folder of runs.
THREAD = """
import os
import mlflow
mlflow.set_tracking_uri(uri='file://' + os.path.abspath('mlruns'))
mlflow.set_tracking_uri(f"file://{os.getcwd()}/mlruns")
mlflow.set_tracking_uri("./mlruns")
"""


def run(script: str, *args: str) -> tuple[int, Any, str]:
    """Exit status, parsed standard output and standard error of a script with --json."""
    command = [sys.executable, str(SKILL / "scripts" / f"{script}.py"), *args, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        (THREAD, ["file-store", "file-store"]),
        (
            "import mlflow\nmlflow.set_tracking_uri('sqlite:///a.db')\nmlflow.set_tracking_uri('http://h:5000')",
            [],
        ),
        ("import mlflow as m\nm.pytorch.log_model(net, name='n')", ["pytorch-example"]),
        ("import mlflow\nmlflow.pytorch.log_model(net, name='n', input_example=rows)", []),
        ("import mlflow\nmlflow.pytorch.log_model(net, name='n', export_model=True)", ["export-model"]),
        ("from mlflow.sklearn import log_model\nlog_model(forest, name='n')", ["skops"]),
        (
            "import mlflow\nmlflow.sklearn.log_model(f, artifact_path='n', skops_trusted_types=[])",
            ["artifact-path"],
        ),
        ("import mlflow\nmlflow.sklearn.autolog()", ["autolog-pickle"]),
        ("import mlflow\nmlflow.sklearn.autolog(serialization_format='skops')", []),
        ("import mlflow\nmlflow.pyfunc.load_model(f'models:/{name}/latest')", ["latest"]),
        ("import mlflow\nmlflow.pyfunc.load_model(model_uri='models:/m/Production')", ["stage"]),
        ("import mlflow\nmlflow.pyfunc.load_model('models:/m@champion')", []),
        ("import mlflow\nmlflow.search_traces(experiment_ids=['1'])", ["experiment-ids", "flush"]),
        ("import mlflow\nmlflow.search_traces(flush=True)", []),
        ("client.transition_model_version_stage('m', 1, 'Production')", ["stage"]),
        ("client.list_artifacts(run_id)", ["run-artifacts"]),
        ("import os\nos.listdir('x')\nother.log_model(net)", []),
        ("import random, mlflow\n@mlflow.trace\ndef f(): random.seed(0)", ["seed"]),
        ("import random\nrandom.seed(0)", []),
    ],
)
def test_calls_that_break_on_317_are_named_and_sound_ones_are_not(
    source: str, codes: list[str], tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text(source, encoding="utf-8")
    status, out, err = run("check_calls", str(tmp_path))
    assert [one["code"] for one in out["findings"]] == codes
    assert status == (1 if codes else 0)
    assert not err


def test_a_source_that_does_not_parse_ends_with_status_2_and_its_name(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def", encoding="utf-8")
    status, out, err = run("check_calls", str(tmp_path))
    assert (status, out) == (2, None)
    assert "broken.py" in err


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A real server with an experiment whose files go to the clients' disks."""
    spec = importlib.util.spec_from_file_location("mlflow_fixtures", SKILL / "evals" / "fixtures.py")
    assert spec is not None
    assert spec.loader is not None
    fixtures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fixtures)
    with fixtures.server("--allowed-hosts", "127.0.0.1:*,mlflow.example.com") as address:
        client = fixtures.mlflow.MlflowClient(address)
        client.create_experiment("local", artifact_location="file:///somewhere/mlruns")
        client.create_experiment("proxied")
        yield address


@pytest.mark.full
def test_a_server_is_asked_for_refused_names_local_files_and_its_version(address: str) -> None:
    names = ("--host", "mlflow.example.com", "--host", "mlflow.example.com:5000")
    status, out, err = run("check_server", address, *names, "--client", "3.18.0")
    found = [(one["code"], one["what"]) for one in out["findings"]]
    assert (status, err) == (1, "")
    assert [code for code, _ in found] == ["version", "host", "local-files"]
    assert "mlflow.example.com:5000 are refused" in found[1][1]
    assert "'local'" in found[2][1]


def test_an_address_where_nothing_listens_ends_with_status_2() -> None:
    status, out, err = run("check_server", "http://127.0.0.1:9")
    assert (status, out) == (2, None)
    assert "no tracking server" in err
