"""The search on a real local Ray of two workers: `uv pip install --group cluster`."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from airskills.grokking import benchmark, search
from airskills.grokking.cli import group

OPTIONS = ["tune", "--task", "add-31", "--method", "adamw", "--budget", "60", "--workers", "2", "--ray"]


@pytest.mark.slow
def test_a_search_on_two_ray_workers_fills_the_same_study_and_goes_on_where_it_was(
    tmp_path: Any, monkeypatch: Any
) -> None:
    pytest.importorskip("ray", reason="needs ray: uv pip install --group cluster")
    monkeypatch.setenv("RAY_worker_niceness", "0")  # 15 by default: starved on a busy machine
    for trials in (3, 5):
        command = [*OPTIONS, "--trials", str(trials), "--out", str(tmp_path)]
        outcome = CliRunner().invoke(group, command, catch_exceptions=False)
        assert outcome.exit_code == 0, outcome.output
    tuned = json.loads((tmp_path / "tuned.json").read_text())
    complete = search.complete(search.open_study(tmp_path / "add-31" / "adamw", "add-31/adamw"))
    best = min(complete, key=lambda trial: trial.value or 0.0)

    assert (
        len(complete) == len({trial.params["lr"] for trial in complete}) == tuned["tuned"][0]["trials"] == 5
    )
    assert tuned["tuned"][0]["settings"]["lr"] == best.params["lr"]
    assert all(trial.user_attrs["cpu_s"] > 0 for trial in complete)
    assert {s.method.lr for s in benchmark.specs("standard", tuned) if s.row == "tuned"} == {
        best.params["lr"]
    }


def test_a_missing_ray_is_named_with_what_to_install(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("airskills.grokking.cli.find_spec", lambda _: None)
    outcome = CliRunner().invoke(group, [*OPTIONS, "--out", str(tmp_path)])

    assert outcome.exit_code == 2
    assert "airskills[grokking-ray]" in outcome.output
    assert not list(tmp_path.iterdir())
