"""What became of tasks: read from the file, counted only when the skill made the difference."""

from __future__ import annotations

import json

import pytest

from airskills.evals import trials
from airskills.folder import Folder, folder_from


def folder(*tasks: dict[str, object]) -> Folder:
    return folder_from("demo", {"SKILL.md": "", "evals/evals.json": json.dumps({"evals": tasks})})


def task(slug: str, **tried: str) -> dict[str, object]:
    return {"id": 1, "slug": slug, "prompt": "", "tried": {"model": "M 1", "date": "2026-01-02", **tried}}


ROWS = (
    task("made-the-difference", without="failed", **{"with": "passed"}),
    task("easy", without="passed", **{"with": "passed"}) | {"ceiling": True},
    task("too-hard", without="failed", **{"with": "failed"}),
    task("half-tried", without="passed") | {"ceiling": True},
    {"id": 7, "prompt": ""},
)


def test_a_task_counts_when_it_failed_without_the_skill_and_passed_with_it() -> None:
    found = trials.read_trials(folder(*ROWS))

    assert [trials.counts(trial) for trial in found] == ["yes", "no: ceiling", "no", "no: ceiling", "no"]
    assert found[0] == ("demo", "made-the-difference", "failed", "passed", False, "M 1", "2026-01-02", "")
    assert found[4] == ("demo", "7", "", "", False, "", "", "")


def test_the_sums_say_of_how_many_that_were_tried() -> None:
    assert trials.totals(trials.read_trials(folder(*ROWS))) == (5, 4, 2, 3, 2, 1)


def test_the_tables_hold_the_sums_of_each_skill_and_every_task() -> None:
    lines = list(trials.table(trials.read_trials(folder(*ROWS))))

    assert "| [demo](../../skills/demo/SKILL.md) | 5 | 2 of 4 | 2 of 3 | 1 | M 1, 2026-01-02 |" in lines
    assert "| **all** | 5 | 2 of 4 | 2 of 3 | 1 | |" in lines
    assert sum("| `" in line for line in lines) == 5
    assert any("`half-tried` | passed | not tried | no: ceiling" in line for line in lines)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"evals": [1]}', '{"evals": [{}]}', '{"evals": [{"id": 1, "tried": "x"}]}']
)
def test_a_file_that_cannot_be_read_has_no_trials(text: str) -> None:
    assert trials.read_trials(folder_from("demo", {"SKILL.md": "", "evals/evals.json": text})) == []
