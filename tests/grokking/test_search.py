import json
from math import exp, log
from typing import Any

import pytest
from click.testing import CliRunner

from airskills.grokking import benchmark, methods, search
from airskills.grokking.cli import group
from airskills.grokking.errors import GrokkingError


def tune(out: Any, trials: Any, method: Any = "adamw") -> Any:
    return search.tune("add-31", method, out, trials=trials, seeds=(0,), budget=60)


def test_the_objective_counts_failures_with_the_whole_horizon() -> None:
    assert exp(search.objective([200, None], 1_000)) == pytest.approx(600)
    assert search.objective([None, None], 1_000) == log(1_000)


def test_every_method_is_searched_in_the_same_box_of_lr_and_decay() -> None:
    boxes = {name: search.space(name) for name in methods.METHODS}

    assert len({repr((box["lr"], box["weight_decay"])) for box in boxes.values()}) == 1
    assert "alpha" in boxes["grokfast_ema"]
    assert "beta2" not in boxes["perpendicular_sgd"]


def test_a_search_goes_on_where_it_was(tmp_path: Any) -> None:
    first = tune(tmp_path, 4)
    again = tune(tmp_path, 4)
    more = tune(tmp_path, 10)

    assert (first.trials, again.trials, more.trials) == (4, 4, 10)
    assert again.settings == first.settings
    assert more.rmst <= first.rmst
    assert more.settings.id == "adamw"
    assert set(more.importance) <= {"lr", "weight_decay", "beta2"}


def test_a_continued_search_does_not_repeat_its_first_settings(tmp_path: Any) -> None:
    tune(tmp_path, 2)
    tune(tmp_path, 4)
    study = search.open_study(tmp_path, "add-31/adamw")
    rates = {trial.params["lr"] for trial in study.trials}

    assert len(rates) == 4


def test_tuning_never_touches_reporting_seeds() -> None:
    assert max(search.SEEDS) < benchmark.FIRST_SEED


def test_a_best_value_on_the_border_is_named() -> None:
    low, _ = methods.LR

    assert search.border({"lr": low * 1.01, "weight_decay": 3.0}) == ("lr", "weight_decay")
    assert search.border({"lr": 0.02, "weight_decay": 1.0}) == ()


def test_a_study_of_another_file_type_is_named(tmp_path: Any) -> None:
    (tmp_path / "study.db").write_text("this is not a database " * 100)

    with pytest.raises(GrokkingError, match=r"study\.db: cannot open the study"):
        tune(tmp_path, 1)


def test_tuned_settings_of_the_command_are_read_by_the_benchmark(tmp_path: Any) -> None:
    options = ["--task", "add-31", "--method", "adamw", "--method", "muon", "--trials", "2", "--budget", "20"]
    outcome = CliRunner().invoke(group, ["tune", *options, "--workers", "1", "--out", str(tmp_path)])
    tuned = json.loads((tmp_path / "tuned.json").read_text())
    rows = [s for s in benchmark.specs("standard", tuned) if s.row == "tuned"]

    assert outcome.exit_code == 0, outcome.output
    assert {line["trials"] for line in tuned["tuned"]} == {2}
    assert {s.method.id for s in rows} == {"adamw", "muon"}
    assert {s.method.optimizer for s in rows} == {"adamw", "muon"}
