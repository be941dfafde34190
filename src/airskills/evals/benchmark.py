"""All runs of an iteration in numbers: `benchmark.json` in both dialects, and the rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airskills.evals.stats import difference, spread, wilson
from airskills.evals.tasks import Task
from airskills.evals.workspace import CONDITIONS, Dialect, Grade, Slot

Graded = Mapping[Slot, Grade]


@dataclass(frozen=True, slots=True)
class Score:
    """How often answers passed.

    Attributes:
        passed: runs that did.
        total: runs that could be judged.
    """

    passed: int
    total: int

    @property
    def rate(self) -> float:
        """0 to 1; 0 without runs."""
        return self.passed / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the rate."""
        return wilson(self.passed, self.total)


def score(graded: Graded, condition: str, slugs: Sequence[str]) -> Score:
    """Runs of some tasks in one condition."""
    judged = [
        grade.passed
        for slot, grade in graded.items()
        if slot.condition == condition and slot.slug in slugs and grade.passed is not None
    ]
    return Score(sum(judged), len(judged))


def counted(tasks: Sequence[Task], graded: Graded) -> list[str]:
    """Tasks from which something can be learnt: none that models pass anyway, both conditions judged."""
    return [
        task.slug
        for task in tasks
        if not task.ceiling and all(score(graded, condition, [task.slug]).total for condition in CONDITIONS)
    ]


def gain(tasks: Sequence[Task], graded: Graded) -> tuple[float, float, float]:
    """By how much the skill raises the pass rate, with its 95 % interval."""
    pairs = []
    for slug in counted(tasks, graded):
        without, with_ = (score(graded, condition, [slug]).rate for condition in CONDITIONS)
        pairs.append((without, with_))
    return difference(pairs)


def benchmark(
    tasks: Sequence[Task], graded: Graded, dialect: Dialect, about: Mapping[str, Any]
) -> dict[str, Any]:
    """What `benchmark.json` holds.

    Args:
        tasks: all of them.
        graded: every finished run.
        dialect: whose form.
        about: name and path of the skill, the agent, the number of samples.
    """
    slugs = counted(tasks, graded)
    summary: dict[str, Any] = {name: _summary(graded, name, slugs, dialect) for name in reversed(CONDITIONS)}
    summary["delta"] = {key: _delta(summary, key, dialect) for key in ("pass_rate", "time_seconds", "tokens")}
    if dialect == "agentskills":
        return {"run_summary": summary}
    return {
        "metadata": _metadata(tasks, about),
        "runs": _runs(tasks, graded),
        "run_summary": summary,
        "notes": [],
    }


def _values(graded: Graded, condition: str, slugs: Sequence[str]) -> dict[str, list[float]]:
    runs = [g for slot, g in graded.items() if slot.condition == condition and slot.slug in slugs]
    return {
        "pass_rate": [float(grade.passed) for grade in runs if grade.passed is not None],
        "time_seconds": [grade.seconds for grade in runs],
        "tokens": [float(grade.tokens) for grade in runs if grade.tokens is not None],
    }


def _summary(graded: Graded, condition: str, slugs: Sequence[str], dialect: Dialect) -> dict[str, Any]:
    values = _values(graded, condition, slugs)
    summary: dict[str, Any] = {name: spread(found) for name, found in values.items()}
    if dialect == "skill-creator":
        for name, found in values.items():
            summary[name] |= {"min": min(found, default=None), "max": max(found, default=None)}
    return summary


def _delta(summary: Mapping[str, Any], key: str, dialect: Dialect) -> float | str | None:
    after, before = (summary[name][key]["mean"] for name in ("with_skill", "without_skill"))
    if after is None or before is None:
        return None
    gap = round(after - before, 4)
    digits = {"pass_rate": 2, "time_seconds": 1, "tokens": 0}[key]
    return gap if dialect == "agentskills" else f"{gap:+.{digits}f}"


def _metadata(tasks: Sequence[Task], about: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "skill_name": about["skill"],
        "skill_path": about["path"],
        "executor_model": about["agent"],
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "evals_run": [task.id for task in tasks],
        "runs_per_configuration": about["samples"],
    }


def _runs(tasks: Sequence[Task], graded: Graded) -> list[dict[str, Any]]:
    by_slug = {task.slug: task for task in tasks}
    rows = []
    for slot, grade in graded.items():
        task = by_slug[slot.slug]
        count, passed = len(task.assertions), bool(grade.passed)
        result = {
            "pass_rate": float(passed),
            "passed": count if passed else 0,
            "failed": 0 if passed else count,
            "total": count,
            "time_seconds": round(grade.seconds, 1),
            "tokens": grade.tokens,
            "errors": 0,
        }
        rows.append(
            {
                "eval_id": task.id,
                "eval_name": task.slug,
                "configuration": slot.condition,
                "run_number": slot.sample,
                "result": result,
                "expectations": [
                    {"text": text, "passed": passed, "evidence": grade.evidence} for text in task.assertions
                ],
                "notes": ["not counted: models pass it without the skill"] if task.ceiling else [],
            }
        )
    return rows
