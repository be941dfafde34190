"""Results on disk, in the layout of the Agent Skills specification, one iteration beside the other.

`NAME-workspace/iteration-1/eval-SLUG/{with_skill,without_skill}/` holds `outputs/`, `timing.json`, `grading.json` and what
the agent printed; several samples lie in `run-1/`, `run-2/` below that. A run counts once its grading is written, so an
interrupted iteration is taken up where it stopped. Source: agentskills.io, "Evaluating skills".
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from airskills.errors import AirskillsError

Dialect = Literal["agentskills", "skill-creator"]
DIALECTS: tuple[Dialect, ...] = ("agentskills", "skill-creator")
CONDITIONS = ("without_skill", "with_skill")
OUTPUTS_LIMIT = 64 * 1024 * 1024  # bytes of one answer
_PLAN = "plan.json"


@dataclass(frozen=True, slots=True)
class Slot:
    """Where one run lies: a task, a condition, and the number of the sample from 1."""

    slug: str
    condition: str
    sample: int


@dataclass(frozen=True, slots=True)
class Grade:
    """What became of one run.

    Attributes:
        passed: whether the checker accepts the answer; None where nothing could judge it.
        evidence: what the checker said.
        seconds: of the agent.
        tokens: of the agent; None where it reports none.
        cost: US dollars; None where it reports none.
    """

    passed: bool | None
    evidence: str
    seconds: float
    tokens: int | None
    cost: float | None


class Iteration:
    """One `iteration-N` folder.

    Args:
        folder: the iteration.
        samples: how often each task is done in each condition.
        dialect: whose files are written.
    """

    def __init__(self, folder: Path, samples: int, dialect: Dialect) -> None:
        self.folder, self.samples, self.dialect = folder, samples, dialect

    def run(self, slot: Slot) -> Path:
        """Folder of one run."""
        base = self.folder / f"eval-{slot.slug}" / slot.condition
        return base if self.samples == 1 and self.dialect == "agentskills" else base / f"run-{slot.sample}"

    def known(self, slot: Slot) -> Grade | None:
        """What became of a run, if it is finished."""
        try:
            grading = json.loads((self.run(slot) / "grading.json").read_text(encoding="utf-8"))
            timing = json.loads((self.run(slot) / "timing.json").read_text(encoding="utf-8"))
            row = grading["airskills"]
            return Grade(
                row["passed"],
                row["evidence"],
                timing["duration_ms"] / 1000,
                timing["total_tokens"],
                row["cost"],
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, slot: Slot, answer: Path, transcript: str, skipped: Iterable[str]) -> Path:
        """Copy an answer to its place; returns the folder `outputs`.

        Args:
            slot: the run.
            answer: the agent's folder.
            transcript: what the agent printed.
            skipped: names at its top that are not part of the answer.

        Raises:
            AirskillsError: the answer is larger than 64 MiB.
        """
        target = self.run(slot)
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        _copy(answer, target / "outputs", set(skipped))
        (target / "transcript.txt").write_text(transcript, encoding="utf-8")
        return target / "outputs"

    def grade(self, slot: Slot, assertions: Iterable[str], grade: Grade) -> None:
        """Write `timing.json`, then `grading.json`, which makes the run count."""
        target = self.run(slot)
        timing: dict[str, Any] = {"total_tokens": grade.tokens, "duration_ms": round(grade.seconds * 1000)}
        if self.dialect == "skill-creator":
            timing["total_duration_seconds"] = round(grade.seconds, 1)
        write_json(target / "timing.json", timing)
        write_json(target / "grading.json", grading(assertions, grade, self.dialect))


def grading(assertions: Iterable[str], grade: Grade, dialect: Dialect) -> dict[str, Any]:
    """One row for each assertion; a checker holds them all together, so they pass or fail together."""
    passed = bool(grade.passed)
    rows = [{"text": text, "passed": passed, "evidence": grade.evidence} for text in assertions]
    count = len(rows)
    key = "expectations" if dialect == "skill-creator" else "assertion_results"
    return {
        key: rows,
        "summary": {
            "passed": count if passed else 0,
            "failed": 0 if passed else count,
            "total": count,
            "pass_rate": float(passed),
        },
        "airskills": {"passed": grade.passed, "evidence": grade.evidence, "cost": grade.cost},
    }


def open_iteration(workspace: Path, plan: dict[str, Any], *, fresh: bool) -> Iteration:
    """The latest iteration if it was begun with the same plan, else a new one.

    Args:
        workspace: folder of the iterations.
        plan: everything that makes two measurements the same: skill, tasks, agent, samples, dialect.
        fresh: begin a new one in any case.
    """
    numbers = [int(path.name[10:]) for path in workspace.glob("iteration-*") if path.name[10:].isdecimal()]
    latest = max(numbers, default=0)
    folder = workspace / f"iteration-{latest}"
    if fresh or not latest or _read(folder / _PLAN) != plan:
        folder = workspace / f"iteration-{latest + 1}"
        folder.mkdir(parents=True)
        write_json(folder / _PLAN, plan)
    return Iteration(folder, plan["samples"], plan["dialect"])


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_json(path: Path, value: Any) -> None:
    """Write a file that is there whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(path)


def _copy(source: Path, target: Path, skipped: set[str]) -> None:
    """Copy regular files and folders; links and devices of an answer are left behind."""
    total = 0
    target.mkdir()
    for base, folders, names in os.walk(source):
        below = Path(base).relative_to(source)
        if below == Path():
            folders[:] = [name for name in folders if name not in skipped]
        folders[:] = [name for name in folders if not Path(base, name).is_symlink()]
        for name in folders:
            (target / below / name).mkdir()
        for name in names:
            path = Path(base, name)
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and not (below == Path() and name in skipped):
                total += status.st_size
                if total > OUTPUTS_LIMIT:
                    limit = OUTPUTS_LIMIT // 1024**2
                    raise AirskillsError(f"An answer is larger than {limit} MiB", help=f"It lies in {source}")
                shutil.copyfile(path, target / below / name)
