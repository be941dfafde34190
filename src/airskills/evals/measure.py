"""An agent on every task, with and without the skill, within a budget."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airskills.evals import judge
from airskills.evals.agent import Played, play
from airskills.evals.benchmark import benchmark
from airskills.evals.tasks import Task
from airskills.evals.workspace import CONDITIONS, Dialect, Grade, Iteration, Slot, open_iteration, write_json
from airskills.folder import Folder
from airskills.run.api import Options
from airskills.trust import digest

_SKILLS = ".agents"
_ANSWERS = ("evals", "proof.json")  # an agent that could read these would be graded on reading


@dataclass(frozen=True, slots=True)
class Budget:
    """When to stop.

    Attributes:
        timeout: seconds for one run of the agent.
        seconds: for all runs together; None for no limit.
        runs: of the agent; None for no limit.
        dollars: as the agent reports them; None for no limit.
    """

    timeout: float = 600.0
    seconds: float | None = None
    runs: int | None = None
    dollars: float | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """What is measured.

    Attributes:
        folder: the skill.
        tasks: what the agent is asked.
        agent: its command.
        samples: how often each task is done in each condition.
        dialect: whose files are written.
        workspace: where results go.
        fresh: begin a new iteration even if the last one can be continued.
        options: how checkers run.
    """

    folder: Folder
    tasks: tuple[Task, ...]
    agent: str
    samples: int
    dialect: Dialect
    workspace: Path
    fresh: bool = False
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, slots=True)
class Measured:
    """What came out.

    Attributes:
        folder: the iteration.
        graded: every finished run.
        stopped: why not all runs were made, or "".
        played: runs that were made now; the others were known.
    """

    folder: Path
    graded: dict[Slot, Grade]
    stopped: str
    played: int


Tell = Callable[[Slot, Grade | None], None]


def measure(setting: Setting, budget: Budget, tell: Tell = lambda _slot, _grade: None) -> Measured:
    """Run the agent where no result is known yet. THIS RUNS THE AGENT AND THE SKILL'S CHECKERS.

    Args:
        setting: what.
        budget: how much.
        tell: called before each run, and after it with its grade.

    Raises:
        AirskillsError: the agent cannot be started.
    """
    iteration = open_iteration(setting.workspace, _plan(setting), fresh=setting.fresh)
    graded: dict[Slot, Grade] = {}
    stopped, played = "", 0
    begin = time.monotonic()
    for task, slot in _slots(setting):
        known = iteration.known(slot)
        if known is None:
            stopped = stopped or _over(budget, graded, played, time.monotonic() - begin)
            if stopped:
                continue
            tell(slot, None)
            known = _run(setting, iteration, task, slot, budget.timeout)
            played += 1
            tell(slot, known)
        graded[slot] = known
    about: dict[str, Any] = {"skill": setting.folder.name, "path": setting.folder.path}
    about |= {"agent": setting.agent, "samples": setting.samples}
    write_json(iteration.folder / "benchmark.json", benchmark(setting.tasks, graded, setting.dialect, about))
    return Measured(iteration.folder, graded, stopped, played)


def _slots(setting: Setting) -> Iterator[tuple[Task, Slot]]:
    """In an order that a budget may cut anywhere: every task once in both conditions, then every task again."""
    for sample in range(1, setting.samples + 1):
        for task in setting.tasks:
            for condition in CONDITIONS:
                yield task, Slot(task.slug, condition, sample)


def _over(budget: Budget, graded: dict[Slot, Grade], played: int, seconds: float) -> str:
    """Why no further run may begin, or ""."""
    if budget.runs is not None and played >= budget.runs:
        return f"{played} runs were made, as --max-runs allows"
    if budget.seconds is not None and seconds >= budget.seconds:
        return f"{seconds:.0f} s have passed; --max-seconds is {budget.seconds:g}"
    if budget.dollars is not None and played:
        costs = [grade.cost for grade in graded.values()]
        if any(cost is None for cost in costs):
            return "the agent reports no cost, so --cost-cap cannot be kept"
        total = sum(cost or 0.0 for cost in costs)
        if total >= budget.dollars:
            return f"${total:.2f} are spent; --cost-cap is {budget.dollars:g}"
    return ""


def _run(setting: Setting, iteration: Iteration, task: Task, slot: Slot, timeout: float) -> Grade:
    """One run in a folder of its own, far from any project whose skills the agent would find."""
    place = Path(tempfile.mkdtemp(prefix="airskills-eval-"))
    try:
        _prepare(setting.folder, task, place, with_skill=slot.condition == "with_skill")
        played = play(setting.agent, task.prompt, place, timeout=timeout)
        answer = iteration.keep(slot, place, played.output, [_SKILLS])
    finally:
        shutil.rmtree(place, ignore_errors=True)
    passed, said = _judged(setting, task, answer, played, timeout)
    grade = Grade(passed, said, played.seconds, played.tokens, played.cost)
    iteration.grade(slot, task.assertions, grade)
    return grade


def _judged(
    setting: Setting, task: Task, answer: Path, played: Played, timeout: float
) -> tuple[bool | None, str]:
    """The checker's verdict, with what went wrong with the agent itself; one that did not end has failed."""
    if played.status is None:
        return False, f"the agent was stopped after {timeout:g} s"
    passed, said = judge.verdict(setting.folder, task, answer, setting.options)
    left = f"; the agent left with exit code {played.status}" if played.status and not passed else ""
    return passed, f"{said}{left}"


def _prepare(folder: Folder, task: Task, place: Path, *, with_skill: bool) -> None:
    for path in task.files:
        (place / Path(path).name).write_bytes(folder.read(path))
    if with_skill:
        target = place / _SKILLS / "skills" / folder.name
        for file in folder.files:
            if file.path.split("/")[0] not in _ANSWERS and not file.link:
                (target / file.path).parent.mkdir(parents=True, exist_ok=True)
                (target / file.path).write_bytes(folder.read(file.path))


def _plan(setting: Setting) -> dict[str, Any]:
    """Everything that makes two measurements the same."""
    return {
        "skill": setting.folder.name,
        "content": digest(setting.folder.path),
        "agent": setting.agent,
        "samples": setting.samples,
        "dialect": setting.dialect,
        "tasks": _names(setting.tasks),
    }


def _names(tasks: Sequence[Task]) -> str:
    return hashlib.sha256(repr([task.slug for task in tasks]).encode()).hexdigest()
