import json
from pathlib import Path
from subprocess import run
from sys import executable
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[1] / "skills" / "grokking" / "scripts" / "judge_runs.py"


def curve(method: Any, seed: Any, grok: Any, *, last: Any = 1_000, mem: Any = 20, low: Any = 0.1) -> Any:
    steps = list(range(10, last + 1, 10))
    train = [1.0 if step >= mem else 0.5 for step in steps]
    test = [1.0 if grok and step >= grok else low for step in steps]
    return {"method": method, "seed": seed, "steps": steps, "train": train, "test": test}


def judged(tmp_path: Any, runs: Any, *options: Any) -> Any:
    path = tmp_path / "runs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in runs))
    command = [
        executable,
        str(SCRIPT),
        str(path),
        "--baseline",
        "a",
        "--json",
        "--resamples",
        "200",
        *options,
    ]
    done = run(command, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def test_the_ratio_counts_failures_with_the_horizon(tmp_path: Any) -> None:
    code, found = judged(
        tmp_path, [curve("a", 1, 400), curve("a", 2, 600), curve("b", 1, 200), curve("b", 2, None)]
    )
    lines = {line["method"]: line for line in found["methods"]}

    assert code == 1
    assert found["horizon"] == 1_000
    assert lines["b"]["restricted_mean"] == 600  # (200 + 1000) / 2
    assert lines["b"]["mean_of_survivors"] == 200
    assert lines["b"]["ratio"] == [
        1.2,
        0.5,
        1.667,
    ]  # 1200 / 1000; resamples of one seed: 200/400 and 1000/600
    assert any("1 of 2 runs did not generalize" in text for text in found["warnings"])


def test_a_success_past_the_common_horizon_is_no_success(tmp_path: Any) -> None:
    _, found = judged(tmp_path, [curve("a", 1, None), curve("b", 1, 1_500, last=3_000)])

    assert found["horizon"] == 1_000
    assert [run["status"] for run in found["runs"]] == ["censored", "censored"]


@pytest.mark.parametrize(
    ("row", "status"),
    [
        (curve("a", 1, 400), "grokked"),
        (curve("a", 1, 30), "direct"),  # before twice t_mem
        (curve("a", 1, 400, low=0.6), "direct"),  # more than half way at t_mem
        (curve("a", 1, None), "censored"),
        (curve("a", 1, None, mem=5_000), "not_memorized"),
    ],
)
def test_every_run_has_its_class(tmp_path: Any, row: Any, status: Any) -> None:
    _, found = judged(tmp_path, [row])

    assert [run["status"] for run in found["runs"]] == [status]


def test_a_run_cut_at_its_success_and_a_relapse_are_told(tmp_path: Any) -> None:
    cut, fallen = curve("a", 1, 400, last=450), curve("a", 2, 400)
    fallen["test"][-2:] = [0.2, 0.2]
    _, found = judged(tmp_path, [cut, fallen], "--horizon", "1000")

    assert [run["relapsed"] for run in found["runs"]] == [False, True]
    assert any("a relapse would not be seen" in text for text in found["warnings"])


@pytest.mark.parametrize(("text", "said"), [("{}\n", "runs.jsonl:1: not a run"), ("", "no runs of 'a'")])
def test_a_file_without_runs_is_named(tmp_path: Any, text: Any, said: Any) -> None:
    (tmp_path / "runs.jsonl").write_text(text)
    command = [executable, str(SCRIPT), str(tmp_path / "runs.jsonl"), "--baseline", "a"]
    done = run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert said in done.stderr
