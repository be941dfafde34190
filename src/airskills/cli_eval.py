"""The command `eval`: checkers on their own answers, an agent with and without the skill, and search on requests."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from airskills.cli_help import Command
from airskills.errors import AirskillsError

if TYPE_CHECKING:
    from airskills.evals.benchmark import Score
    from airskills.evals.measure import Measured, Setting
    from airskills.evals.tasks import Task
    from airskills.evals.workspace import Grade, Slot
    from airskills.folder import Folder


@click.command("eval", cls=Command)
@click.argument("skill", metavar="SKILL|PATH")
@click.option("--task", "slugs", multiple=True, metavar="SLUG", help="Only this task. May be repeated.")
@click.option(
    "--agent",
    metavar="CMD",
    help="Run this agent with and without the skill; {prompt}, {prompt_file}, or stdin.",
)
@click.option(
    "--samples",
    "-n",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="Runs of each task in each condition.",
)
@click.option("--timeout", default=600.0, show_default=True, help="Seconds for one run of the agent.")
@click.option("--max-seconds", type=click.FloatRange(min=0), help="Begin no run after so many seconds.")
@click.option(
    "--max-runs", type=click.IntRange(min=0), help="Make at most so many runs now; the rest can follow later."
)
@click.option(
    "--cost-cap",
    type=click.FloatRange(min=0),
    help="Begin no run after so many dollars, as the agent reports them.",
)
@click.option(
    "--workspace",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where results go; NAME-workspace here.",
)
@click.option("--fresh", is_flag=True, help="Begin a new iteration instead of going on with the last.")
@click.option(
    "--dialect",
    type=click.Choice(["agentskills", "skill-creator"]),
    default="agentskills",
    show_default=True,
    help="Whose result files to write.",
)
@click.option("--triggers", is_flag=True, help="Instead: which requests find the skill. Runs no code.")
@click.option(
    "--top",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="Hits among which --triggers looks.",
)
@click.option(
    "--environment",
    "where",
    type=click.Choice(["auto", "current", "pinned"]),
    default="auto",
    show_default=True,
    help="Where checkers run; see `airskills test`.",
)
@click.option("--offline", is_flag=True, help="Fetch nothing for the checkers.")
@click.option("--trust", "trusted", is_flag=True, help="Run code of a skill that is not trusted.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def eval_(
    skill: str,
    slugs: tuple[str, ...],
    agent: str | None,
    samples: int,
    timeout: float,
    max_seconds: float | None,
    max_runs: int | None,
    cost_cap: float | None,
    workspace: Path | None,
    fresh: bool,
    dialect: Any,
    triggers: bool,
    top: int,
    where: Any,
    offline: bool,
    trusted: bool,
    as_json: bool,
) -> None:
    """Measure whether a skill helps. THIS EXECUTES THE SKILL'S CHECKERS, AND WITH --agent THAT AGENT.

    Without --agent each checker must accept the reference answer and refuse the wrong one. With it the agent does every
    task in an empty folder, with and without the skill in .agents/skills, and the checkers judge what it leaves there.
    The agent has your environment and your keys; skills in your home folder are seen in both conditions. Checkers run
    without network and keys. Tasks marked "ceiling" are done but not counted.

    Exits 1 when a checker is wrong about its own answers, or when runs are missing at the end.

    Examples:
      airskills eval peft
      airskills eval peft --agent "claude -p --output-format json" --samples 3 --cost-cap 5
      airskills eval skills/mine --trust --agent "codex exec --json {prompt}" --max-runs 10
      airskills eval peft --triggers
    """
    folder = _folder(skill)
    if triggers:
        _triggers(folder, top, as_json=as_json)
        return
    from airskills import targets

    if not trusted:
        targets.refuse_untrusted([folder.path], "an eval")
    tasks = _tasks(folder, slugs)
    options = _options(where, offline=offline)
    if agent is None:
        _own(folder, tasks, options, as_json=as_json)
        return
    from airskills.evals.measure import Budget, Setting

    target = workspace or Path(f"{folder.name}-workspace")
    setting = Setting(folder, tuple(tasks), agent, samples, dialect, target.absolute(), fresh, options)
    budget = Budget(timeout, max_seconds, max_runs, cost_cap)
    _measure(setting, budget, as_json=as_json)


def _folder(skill: str) -> Folder:
    from airskills import targets
    from airskills.folder import open_folder

    found = targets.folders([skill])
    if len(found) > 1:
        raise AirskillsError(f"{skill!r} holds {len(found)} skills", help="Name one of them")
    return open_folder(found[0])


def _tasks(folder: Folder, slugs: Sequence[str]) -> list[Task]:
    from airskills.evals.tasks import read_tasks

    tasks = read_tasks(folder)
    known = [task.slug for task in tasks]
    unknown = next((slug for slug in slugs if slug not in known), None)
    if unknown:
        raise AirskillsError(f"{folder.name} has no task {unknown!r}", help=f"It has {', '.join(known)}")
    return [task for task in tasks if not slugs or task.slug in slugs]


def _options(where: Any, *, offline: bool) -> Any:
    from airskills.run.api import Limits, Options

    return Options(limits=Limits(timeout=120.0), where=where, offline=offline)


# -- checkers on their own answers -----------------------------------------------------------------------------------


def _own(folder: Folder, tasks: Sequence[Task], options: Any, *, as_json: bool) -> None:
    from airskills.evals import judge
    from airskills.run import render

    with _bar("checking", 2 * len(tasks)) as advance:
        found = judge.own_answers(folder, tasks, options, _listener(advance))
    if as_json:
        click.echo(render.as_json(found), nl=False)
    else:
        for outcome in found.outcomes:
            wanted = "refused" if outcome.unit.status else "accepted"
            said = wanted if outcome.state == "ran" else f"NOT {wanted}: {outcome.reason}"
            click.echo(f"{outcome.unit.path.removeprefix('evals/'):40} {said}")
        for task in (task for task in tasks if not task.checker):
            click.echo(f"{task.slug:40} has no checker")
        for finding in found.malformed:
            click.echo(str(finding))
    raise SystemExit(int(not found.passed))


def _listener(advance: Any) -> Any:
    from airskills.run.listener import Listener

    class Advancing(Listener):
        def ended(self, outcome: Any) -> None:
            advance(outcome.unit.path)

    return Advancing()


# -- an agent --------------------------------------------------------------------------------------------------------


def _measure(setting: Setting, budget: Any, *, as_json: bool) -> None:
    from airskills.evals.measure import measure

    runs = 2 * len(setting.tasks) * setting.samples
    click.echo(f"Running {setting.agent!r} up to {runs} times; results go to {setting.workspace}.", err=True)
    with _bar("agent", runs) as advance:

        def tell(slot: Slot, grade: Grade | None) -> None:
            name = f"{slot.slug} {slot.condition} {slot.sample}"
            if grade is None:
                advance(name, 0)
            else:
                word = {True: "pass", False: "fail", None: "not judged"}[grade.passed]
                click.echo(
                    f"{name}: {word} ({grade.seconds:.0f} s) {'' if grade.passed else grade.evidence}",
                    err=True,
                )
                advance(name)

        found = measure(setting, budget, tell)
    if as_json:
        click.echo(json.dumps(_as_dict(setting, found), indent=2, ensure_ascii=False))
    else:
        _print_table(setting, found)
    missing = runs - sum(grade.passed is not None for grade in found.graded.values())
    if missing:
        why = found.stopped or "nothing could judge them"
        click.echo(f"{missing} of {runs} runs are missing: {why}. The same command goes on.", err=True)
    raise SystemExit(int(missing > 0))


def _as_dict(setting: Setting, found: Measured) -> dict[str, Any]:
    from airskills.evals.benchmark import counted, gain, score
    from airskills.evals.workspace import CONDITIONS

    slugs = counted(setting.tasks, found.graded)
    mean, low, high = gain(setting.tasks, found.graded)
    rows = [
        {
            "task": task.slug,
            "ceiling": task.ceiling,
            **{name: _score_row(score(found.graded, name, [task.slug])) for name in CONDITIONS},
        }
        for task in setting.tasks
    ]
    return {
        "skill": setting.folder.name,
        "agent": setting.agent,
        "samples": setting.samples,
        "results": str(found.folder),
        "tasks": rows,
        "counted": slugs,
        **{name: _score_row(score(found.graded, name, slugs)) for name in CONDITIONS},
        "gain": {"mean": round(mean, 4), "interval": [round(low, 4), round(high, 4)]},
        "cost": sum(grade.cost or 0.0 for grade in found.graded.values()),
        "stopped": found.stopped,
    }


def _score_row(found: Score) -> dict[str, Any]:
    low, high = found.interval
    return {"passed": found.passed, "total": found.total, "interval": [round(low, 4), round(high, 4)]}


def _print_table(setting: Setting, found: Measured) -> None:
    from airskills.evals.benchmark import counted, gain, score
    from airskills.evals.workspace import CONDITIONS

    width = max(len(task.slug) for task in setting.tasks)
    click.echo(f"{'task':{width}}  {'none':>18}  {'with skill':>18}")
    for task in setting.tasks:
        cells = [score(found.graded, name, [task.slug]) for name in CONDITIONS]
        text = "  ".join(f"{f'{c.passed} of {c.total}':>18}" for c in cells)
        click.echo(f"{task.slug:{width}}  {text}{'  not counted: ceiling' if task.ceiling else ''}")
    slugs = counted(setting.tasks, found.graded)
    cells = [score(found.graded, name, slugs) for name in CONDITIONS]
    text = "  ".join(f"{_rate(c):>18}" for c in cells)
    click.echo(f"{'counted':{width}}  {text}")
    mean, low, high = gain(setting.tasks, found.graded)
    if len(slugs) > 1:
        click.echo(
            f"The skill changes the rate by {mean:+.2f} (95 % of resampled tasks: {low:+.2f} to {high:+.2f})."
        )
    else:
        click.echo(
            f"The skill changes the rate by {mean:+.2f}; with {len(slugs)} counted tasks no interval can be given."
        )


def _rate(found: Score) -> str:
    low, high = found.interval
    return f"{found.rate:.2f} [{low:.2f}, {high:.2f}]"


# -- requests --------------------------------------------------------------------------------------------------------


def _triggers(folder: Folder, top: int, *, as_json: bool) -> None:
    from airskills.evals import triggers
    from airskills.library import Library

    library = Library.open(str(Path(folder.path).parent), scopes=["bundled"])
    found = triggers.measure(folder, library, top)
    rows = triggers.summary(found, top)
    if as_json:
        queries = [
            {
                "query": r.query,
                "should_trigger": r.wanted,
                "split": r.split,
                "rank": r.rank,
                "first": r.first,
                "right": r.right(top),
            }
            for r in found
        ]
        click.echo(
            json.dumps(
                {"skill": folder.name, "top": top, "summary": rows, "queries": queries},
                indent=2,
                ensure_ascii=False,
            )
        )
        return
    click.echo(f"{folder.name} among {len(library)} skills, first {top} {'hit' if top == 1 else 'hits'}")
    for row in rows:
        kind = "should find it" if row["should_trigger"] else "should not"
        low, high = row["interval"]
        click.echo(
            f"  {row['split']:10}  {kind:14}  {row['right']:3} of {row['requests']:<3} right  [{low:.2f}, {high:.2f}]"
        )
    for request in (request for request in found if not request.right(top)):
        place = f"rank {request.rank}" if request.rank else "not found"
        first = f"; first is {request.first}" if request.first and request.first != folder.name else ""
        sign = "missed" if request.wanted else "false"
        click.echo(f"  {sign:6}  {request.split:10}  {request.query[:90]!r}: {place}{first}")


@contextmanager
def _bar(what: str, total: int) -> Iterator[Any]:
    """A bar on a terminal; called with what goes on, and by how much it advanced."""
    if not sys.stderr.isatty():
        yield lambda _name, _by=1: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda name, by=1: bar.update(task, description=name[-50:], advance=by)
