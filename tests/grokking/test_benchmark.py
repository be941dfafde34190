import json
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from airskills.grokking import benchmark, methods, report, runner, svg, tasks
from airskills.grokking.cli import group
from airskills.grokking.config import Method, RunSpec
from airskills.grokking.errors import GrokkingError


def record(method: Any, seed: Any, t_grok: Any, **more: Any) -> Any:
    base = {
        "task": "add-31",
        "method": method,
        "row": "default",
        "seed": seed,
        "status": "grokked" if t_grok else "censored",
        "t_mem": 30,
        "t_grok": t_grok,
        "max_test": 1.0 if t_grok else 0.1,
        "steps_run": 1_000,
        "budget": 1_000,
        "relapsed": False,
        "softmax_collapse": False,
        "flops_per_step": 10,
        "cpu_s": 1.0,
    }
    return base | more


RUNS = [
    record("adamw", 100, 400),
    record("adamw", 101, None),
    record("fast", 100, 200),
    record("fast", 101, 500),
]


def test_summary_by_hand() -> None:
    adamw, fast = benchmark.summarize(RUNS)

    assert (adamw["grokked"], adamw["censored"], adamw["horizon"]) == (1, 1, 1_000)
    assert adamw["rmst"]["value"] == 700  # (400 + 1000) / 2
    assert fast["ratio_to_adamw"]["value"] == 0.5  # (200 + 500) / 1400
    # resamples of two pairs: 200/400, 500/1000 and their mixtures are all .5
    assert (fast["ratio_to_adamw"]["low"], fast["ratio_to_adamw"]["high"]) == (0.5, 0.5)


def test_a_diverged_run_counts_with_the_whole_horizon() -> None:
    broken = record("fast", 101, None, status="diverged", steps_run=10)
    (line,) = benchmark.summarize([record("fast", 100, 200), broken])

    assert line["rmst"]["value"] == 600  # (200 + 1000) / 2
    assert line["diverged"] == 1


def test_smoke_checks_name_what_failed() -> None:
    control = record("adamw_no_decay", 100, 300, row="control")

    assert benchmark.checks(RUNS) == ["add-31 adamw seed 101: censored, test accuracy at most 0.10"]
    assert benchmark.checks([control]) == [
        "add-31 adamw_no_decay seed 100: a control generalized at step 300"
    ]


def test_tuning_and_reporting_seeds_are_disjoint() -> None:
    assert min(spec.seed for tier in ("smoke", "standard") for spec in benchmark.specs(tier)) >= 100


def test_every_method_of_a_task_has_the_same_seeds_and_a_control() -> None:
    cells: Any = {}
    for spec in benchmark.specs("standard"):
        cells.setdefault((spec.task, spec.method.id), set()).add(spec.seed)

    assert {frozenset(seeds) for seeds in cells.values()} == {frozenset(range(100, 110))}
    assert {task for task, method in cells if method == "adamw_no_decay"} == set(
        benchmark.TIERS["standard"].tasks
    )


def test_stablemax_is_not_run_where_there_is_no_softmax() -> None:
    found = {(s.task, s.method.id) for s in benchmark.specs("full")}

    assert ("digits-ce", "stablemax_perpendicular") in found
    assert ("digits-mse", "stablemax_perpendicular") not in found


def tuned(*trials: Any) -> Any:
    entry = {"task": "add-31", "method": "adamw", "settings": {"id": "adamw", "lr": 0.05}}
    return {"tuned": [entry | {"trials": n} for n in trials]}


def test_tuned_settings_become_rows_of_their_own_and_of_the_control_with_random_labels() -> None:
    rows = [s for s in benchmark.specs("standard", tuned(24)) if s.row == "tuned"]

    assert Counter(s.task for s in rows) == {"add-31": 10, "random-31": 10}
    assert {s.method.lr for s in rows} == {0.05}


def test_unequal_tuning_is_refused() -> None:
    with pytest.raises(GrokkingError, match=r"cost \[8, 24\] trials"):
        benchmark.specs("standard", tuned(24, 8))


def test_an_unknown_tier_or_method_is_refused() -> None:
    with pytest.raises(GrokkingError, match="there are: smoke, standard, full"):
        benchmark.specs("huge")
    with pytest.raises(GrokkingError, match="Unknown method 'adam'"):
        methods.get("adam")


@pytest.mark.parametrize("name", methods.METHODS)
def test_every_method_trains(tmp_path: Any, name: Any) -> None:
    entry = methods.get(name)
    (record,) = runner.run_all(
        [RunSpec(task="add-31", method=entry.default, seed=0, budget=110)], tmp_path, workers=1
    )

    assert entry.default.id == name
    assert record["status"] != "diverged"
    assert set(entry.space()) <= set(Method.model_fields)


@pytest.fixture(scope="module")
def small(tmp_path_factory: Any) -> Any:
    out = tmp_path_factory.mktemp("bench")
    wanted = [
        RunSpec(task="add-31", method=Method(id=name, lr=lr, weight_decay=1.0), seed=seed, budget=40)
        for name, lr in (("adamw", 0.03), ("slow", 1e-3))
        for seed in (100, 101)
    ]
    result = benchmark.results("smoke", runner.run_all(wanted, out, workers=1))
    runner.write_json(out / "results.json", result)
    return out / "results.json"


def test_the_summary_is_recomputed_from_the_runs_to_the_digit(small: Any) -> None:
    result = report.load(small)

    assert benchmark.summarize(result["runs"]) == result["summary"]
    assert result["hardware"]["versions"]["torch"]


@pytest.mark.parametrize("tier", ["smoke", "standard"])
def test_the_committed_results_are_whole_and_their_summary_is_that_of_their_runs(tier: Any) -> None:
    path = Path(__file__).parents[2] / "benchmarks" / "results" / f"grokking_{tier}.json"
    result = report.load(path)
    seeds: Any = {}
    for run in result["runs"]:
        seeds.setdefault((run["task"], run["method"], run["row"]), set()).add(run["seed"])

    assert path.stat().st_size < 1_000_000
    assert result["tier"] == tier
    if tier == "standard":
        assert {frozenset(found) for found in seeds.values()} == {frozenset(range(100, 110))}
        assert {entry["trials"] for entry in result["tuning"]["tuned"]} == {benchmark.TIERS[tier].trials}
        assert max(result["tuning"]["seeds"]) < benchmark.FIRST_SEED


def test_an_edited_summary_is_refused(small: Any, tmp_path: Any) -> None:
    result = json.loads(small.read_text())
    result["summary"][0]["grokked"] += 1
    (tmp_path / "results.json").write_text(json.dumps(result))

    with pytest.raises(GrokkingError, match="summary is not that of the runs"):
        report.load(tmp_path / "results.json")


@pytest.mark.parametrize(("text", "said"), [("{", "not a results file"), ('{"schema": 9}', "schema 9")])
def test_another_file_is_not_reported(tmp_path: Any, text: Any, said: Any) -> None:
    (tmp_path / "results.json").write_text(text)

    with pytest.raises(GrokkingError, match=said):
        report.load(tmp_path / "results.json")


def test_the_report_has_every_method_and_a_figure_per_task(small: Any, tmp_path: Any) -> None:
    outcome = CliRunner().invoke(group, ["report", str(small), "--out", str(tmp_path)])
    page = (tmp_path / "report.md").read_text()
    figure = ET.fromstring((tmp_path / "add-31.svg").read_text())

    assert outcome.exit_code == 0
    assert (
        "| adamw | default | 0 / 0 / 2 / 0 / 0 | not reached |" in page
        or "| adamw | default | 0 / 0 /" in page
    )
    assert "No method was tuned" in page
    assert len(figure.findall("{http://www.w3.org/2000/svg}polyline")) == 2


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ((100, 250), "fast, ratio 0.50 [0.50, 0.50]: at least twice as soon, and the interval excludes 1"),
        ((150, 375), "fast, ratio 0.75 [0.75, 0.75]: sooner, and less than twice"),
        ((100, 700), "fast, ratio 1.14 [0.50, 1.40]: no method is shown to be sooner"),
        ((400, 1_000), "fast, ratio 2.00 [2.00, 2.00]: AdamW is sooner than all"),
    ],
)
def test_the_report_says_whether_a_method_is_twice_as_soon_as_tuned_adamw(times: Any, said: Any) -> None:
    runs = [record("adamw", 100, 200), record("adamw", 101, 500)]
    runs += [record("fast", seed, t) for seed, t in zip((100, 101), times, strict=True)]
    lines = benchmark.summarize([run | {"row": "tuned"} for run in runs])
    entry = {"task": "add-31", "method": "adamw", "on_border": ["weight_decay"]}
    page = report.verdicts({"summary": lines, "tuning": {"tuned": [entry]}})

    assert f"- add-31: {said}" in page
    assert page[-1].endswith("more might be gained: adamw on add-31 (weight_decay).")


def test_survival_figure_places_steps_on_a_logarithmic_axis() -> None:
    picture = svg.survival("a < b", [svg.Line("m", [100.0], [0.0])], 10, 1_000)

    assert "a &lt; b" in picture
    assert "250.0,30.0 250.0,315.0" in picture  # half way from 60 to 440: log10(100) between 1 and 3
    assert svg.ticks(10, 1_000) == [10, 20, 50, 100, 200, 500, 1_000]


def test_tasks_are_listed_with_what_is_known_of_them() -> None:
    outcome = CliRunner().invoke(group, ["tasks"])

    assert outcome.exit_code == 0
    assert all(name in outcome.output for name in tasks.names())


def test_an_error_of_the_lab_is_one_line_and_exit_code_two(tmp_path: Any) -> None:
    (tmp_path / "results.json").write_text("{")
    outcome = CliRunner().invoke(group, ["report", str(tmp_path / "results.json"), "--out", str(tmp_path)])

    assert outcome.exit_code == 2
    assert "not a results file" in outcome.output
    assert "Traceback" not in outcome.output


@pytest.mark.slow
def test_smoke_tier_groks_in_four_domains_and_its_controls_do_not(tmp_path: Any) -> None:
    outcome = CliRunner().invoke(group, ["bench", "--tier", "smoke", "--out", str(tmp_path)])

    assert outcome.exit_code == 0, outcome.output
    domains = {tasks.get(r["task"]).card.domain for r in runner.read(tmp_path) if r["t_grok"]}
    assert domains == {"algorithmic", "vision", "agents", "language"}
