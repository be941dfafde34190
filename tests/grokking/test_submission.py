import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from airskills.grokking import report, submission
from airskills.grokking.cli import group
from airskills.grokking.errors import GrokkingError

STANDARD = Path(__file__).parents[2] / "benchmarks" / "results" / "grokking_standard.json"


@pytest.fixture(scope="module")
def committed() -> Any:
    return report.load(STANDARD)


@pytest.fixture
def result(committed: Any) -> Any:
    return deepcopy(committed)


def test_our_own_results_are_whole_and_fair(result: Any) -> None:
    assert submission.faults(result) == []


def with_settings(result: Any) -> None:
    result["runs"][0]["settings"]["lr"] = 0.5


def without_a_run(result: Any) -> None:
    del result["runs"][0]


def with_more_trials(result: Any) -> None:
    for entry in result["tuning"]["tuned"]:
        entry["trials"] = 64


def with_a_reporting_seed(result: Any) -> None:
    result["tuning"]["seeds"] = [0, 100]


def with_another_card(result: Any) -> None:
    result["tasks"][0]["card"] = "0" * 12


def with_an_old_version(result: Any) -> None:
    result["benchmark_version"] = "0.9"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (with_settings, "its settings are not those"),
        (without_a_run, "1 runs are missing"),
        (with_more_trials, "64 trials, where 16"),
        (with_a_reporting_seed, "Tuned on seed 100"),
        (with_another_card, "do not change a task"),
        (with_an_old_version, "Benchmark version 0.9"),
    ],
)
def test_what_is_wrong_with_a_submission_is_said(result: Any, change: Any, said: Any) -> None:
    change(result)

    assert said in submission.faults(result)[0]


def test_results_that_were_not_tuned_are_refused(result: Any) -> None:
    assert "No method was tuned" in submission.faults(result | {"tuning": None})[0]
    with pytest.raises(GrokkingError, match="Tier 'smoke' cannot be submitted"):
        submission.faults(result | {"tier": "smoke"})


@pytest.mark.parametrize(
    ("one", "two", "good"),
    [(100, 120, True), (100, 121, False), (1_000, 1_100, True), (100, None, False), (None, None, True)],
)
def test_times_agree_within_a_tenth_or_two_evaluations(one: Any, two: Any, good: Any) -> None:
    assert submission.agree(one, two, every=10) is good


def test_a_run_made_again_agrees_and_an_invented_time_does_not(result: Any) -> None:
    run = next(r for r in result["runs"] if r["task"] == "add-31" and r["t_grok"] and r["row"] == "tuned")

    assert submission.repeat(run).agrees
    assert not submission.repeat(run | {"t_grok": 10}).agrees


def test_the_command_names_each_fault_and_fails(result: Any, tmp_path: Any) -> None:
    good = CliRunner().invoke(group, ["verify", str(STANDARD), "--repeat", "0"])
    with_an_old_version(result)
    (tmp_path / "r.json").write_text(json.dumps(result))
    bad = CliRunner().invoke(group, ["verify", str(tmp_path / "r.json"), "--repeat", "0"])

    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert "whole and fair" in good.output
    assert "Benchmark version 0.9" in bad.output
