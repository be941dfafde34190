"""Intervals and summaries, worked by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airskills.evals.agent import usage
from airskills.evals.benchmark import benchmark, counted, gain, score
from airskills.evals.stats import Z, difference, spread, wilson
from airskills.evals.tasks import Task
from airskills.evals.workspace import Grade, Slot


@pytest.mark.parametrize(
    ("passed", "total", "low", "high"),
    [
        (0, 0, 0.0, 1.0),
        (0, 10, 0.0, 0.2775),  # Newcombe 1998, table I: z2 / (n + z2)
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),  # the same, example (a)
        (15, 148, 0.0624, 0.1605),  # example (b)
        (1, 29, 0.0061, 0.1718),  # example (d)
    ],
)
def test_wilson_is_what_newcombe_tabulates(passed: int, total: int, low: float, high: float) -> None:
    assert wilson(passed, total) == pytest.approx((low, high), abs=6e-5)


@given(st.integers(0, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_solves_its_own_equation(case: tuple[int, int]) -> None:
    passed, total = case
    low, high = wilson(passed, total)
    assert 0 <= low <= high <= 1
    for bound in (low, high):
        if total and 0 < bound < 1:
            rate = passed / total
            assert abs(rate - bound) == pytest.approx(Z * math.sqrt(bound * (1 - bound) / total), abs=1e-9)


def test_a_difference_that_every_task_shows_has_no_uncertainty_from_tasks() -> None:
    assert difference([(0.0, 1.0)] * 5) == (1.0, 1.0, 1.0)


def test_a_mixed_difference_spans_its_tasks_and_is_repeatable() -> None:
    pairs = [(0.0, 1.0), (0.0, 0.0), (0.0, 1.0), (1.0, 1.0)]
    mean, low, high = difference(pairs)
    assert (mean, low, high) == (0.5, 0.0, 1.0)
    assert difference(pairs) == (mean, low, high)


def test_one_task_says_nothing_about_others() -> None:
    assert difference([(0.0, 1.0)]) == (1.0, -1.0, 1.0)
    assert difference([]) == (0.0, -1.0, 1.0)


def test_spread_of_nothing_is_nothing() -> None:
    assert spread([]) == {"mean": None, "stddev": None}
    assert spread([3.0]) == {"mean": 3.0, "stddev": 0.0}
    assert spread([1.0, 0.0, 1.0, 1.0]) == {"mean": 0.75, "stddev": 0.5}  # sqrt((3 * 1/16 + 9/16) / 3)


def task(slug: str, *, ceiling: bool = False) -> Task:
    return Task(1, slug, "do it", "done", (), ("a holds", "b holds"), ceiling, "check.py")


def graded(*rows: tuple[str, str, bool | None]) -> dict[Slot, Grade]:
    return {
        Slot(slug, condition, n): Grade(passed, "said", 2.0 * n, 100, 0.1)
        for n, (slug, condition, passed) in enumerate(rows, 1)
    }


ROWS = graded(
    ("one", "without_skill", False),
    ("one", "with_skill", True),
    ("two", "without_skill", True),
    ("two", "with_skill", True),
    ("easy", "without_skill", True),
    ("easy", "with_skill", True),
    ("half", "without_skill", None),
    ("half", "with_skill", True),
)
TASKS = [task("one"), task("two"), task("easy", ceiling=True), task("half")]


def test_ceilings_and_tasks_that_one_condition_lacks_do_not_count() -> None:
    assert counted(TASKS, ROWS) == ["one", "two"]
    assert score(ROWS, "without_skill", ["one", "two"]).rate == 0.5
    assert score(ROWS, "with_skill", ["one", "two"]).rate == 1.0
    assert gain(TASKS, ROWS)[0] == 0.5


def test_the_specifications_benchmark_has_numbers_and_nothing_else() -> None:
    about = {"skill": "s", "path": "/s", "agent": "a", "samples": 1}
    assert benchmark(TASKS, ROWS, "agentskills", about) == {
        "run_summary": {
            "with_skill": {
                "pass_rate": {"mean": 1.0, "stddev": 0.0},
                "time_seconds": {"mean": 6.0, "stddev": 2.8284},  # 4 and 8 seconds
                "tokens": {"mean": 100.0, "stddev": 0.0},
            },
            "without_skill": {
                "pass_rate": {"mean": 0.5, "stddev": 0.7071},
                "time_seconds": {"mean": 4.0, "stddev": 2.8284},
                "tokens": {"mean": 100.0, "stddev": 0.0},
            },
            "delta": {"pass_rate": 0.5, "time_seconds": 2.0, "tokens": 0.0},
        }
    }


def test_the_skill_creators_benchmark_has_runs_extremes_and_text_deltas() -> None:
    about = {"skill": "s", "path": "/s", "agent": "a", "samples": 1}
    found = benchmark(TASKS, ROWS, "skill-creator", about)
    assert found["run_summary"]["delta"] == {"pass_rate": "+0.50", "time_seconds": "+2.0", "tokens": "+0"}
    assert found["run_summary"]["with_skill"]["time_seconds"]["min"] == 4.0
    first = found["runs"][0]
    assert (first["configuration"], first["run_number"], first["result"]["failed"]) == ("without_skill", 1, 2)
    assert first["expectations"][0] == {"text": "a holds", "passed": False, "evidence": "said"}


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        ("plain words", (None, None)),
        ("", (None, None)),
        ('{"type":"result","total_cost_usd":0.25,"usage":{"input_tokens":10,"output_tokens":5}}', (15, 0.25)),
        ('[{"type":"x"},{"type":"result","total_cost_usd":1,"usage":{"output_tokens":7}}]', (7, 1.0)),
        (
            (
                'warming up\n{"type":"assistant","usage":{"input_tokens":99}}\n'
                '{"type":"result","total_cost_usd":0.5,"usage":{"input_tokens":1,"cache_read_input_tokens":2,"output_tokens":3}}\n'
            ),
            (6, 0.5),
        ),
        (
            (
                '{"type":"turn.completed","usage":{"input_tokens":4,"output_tokens":1}}\n'
                '{"type":"turn.completed","usage":{"input_tokens":6,"output_tokens":2}}\n{"type":"done"}'
            ),
            (13, None),
        ),
        ('{"total_tokens": 84852, "cost": "unknown", "cost_usd": true}', (84852, None)),
        ("[" * 100_000, (None, None)),
    ],
)
def test_cost_is_read_from_what_agents_print(output: str, wanted: tuple[int | None, float | None]) -> None:
    assert usage(output) == wanted
