"""Checkers at work: on a skill's own answers, and on those of an agent; isolated as `airskills test` runs code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from airskills.evals.tasks import Task
from airskills.finding import Finding
from airskills.folder import Folder
from airskills.run import api
from airskills.run.judge import Outcome
from airskills.run.listener import Listener
from airskills.run.units import Suite, Unit, collect


def own_answers(
    folder: Folder, tasks: Sequence[Task], options: api.Options, listener: Listener | None = None
) -> api.Report:
    """Each checker on its reference, which must pass, and on its wrong answer, which must not."""
    suite = collect(folder)
    names = {task.slug for task in tasks}
    units = tuple(unit for unit in suite.units if unit.kind == "evals" and unit.path.split("/")[1] in names)
    return api.run([Suite(folder, units, _of_evals(suite))], options, listener)


def _of_evals(suite: Suite) -> tuple[Finding, ...]:
    return tuple(finding for finding in suite.findings if "/evals/" in finding.path)


def verdict(folder: Folder, task: Task, answer: Path, options: api.Options) -> tuple[bool | None, str]:
    """Whether a task's checker accepts an answer, and what it said; None where it could not run."""
    if not task.checker:
        return None, "the task has no checker"
    unit = Unit(
        folder.name,
        folder.path,
        "evals",
        f"evals/{task.slug}/answer",
        1,
        group=task.slug,
        command=(folder.at(task.checker), str(answer.resolve())),
    )
    report = api.run([Suite(folder, (unit,))], replace(options, select=(), remember=False, cold=True))
    return _read(report.outcomes[0])


def _read(outcome: Outcome) -> tuple[bool | None, str]:
    if outcome.state == "ran":
        return True, "check.py: pass"
    said = outcome.findings[0].message if outcome.findings else outcome.state
    lines = [line.strip() for line in outcome.detail.splitlines() if line.strip()]
    if outcome.state != "failed":
        return None, f"the checker did not run: {said}"
    return False, f"check.py: {lines[-1] if lines else said}"[:500]
