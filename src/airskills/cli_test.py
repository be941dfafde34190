"""The command `test`: runs what skills say, and reports what became of each unit."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from airskills import report as findings
from airskills import targets
from airskills.cli_help import Command
from airskills.errors import AirskillsError
from airskills.library import Library
from airskills.run.listener import Listener
from airskills.scopes import bundled_root

if TYPE_CHECKING:
    from rich.progress import Progress

    from airskills.run.api import Options, Report
    from airskills.run.judge import Outcome
    from airskills.run.units import Suite, Unit

KINDS = ("blocks", "facts", "examples", "scripts", "evals")
SHOWN_LINES = 25  # of the output of a failure; --verbose shows all


def _words(_context: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Values may be repeated or separated by commas."""
    return tuple(word.strip() for item in value for word in item.split(",") if word.strip())


def _complete_targets(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in Library.open().names() if name.startswith(incomplete)]


@click.command(cls=Command)
@click.argument("named", nargs=-1, metavar="[SKILL|PATH]...", shell_complete=_complete_targets)
@click.option(
    "--select",
    multiple=True,
    callback=_words,
    metavar="KIND|ID",
    help=f"Only these kinds ({', '.join(KINDS)}) or ids that begin so.",
)
@click.option("--workers", "-n", type=click.IntRange(min=1), help="Processes at a time; the number of cores.")
@click.option(
    "--timeout", default=60.0, show_default=True, help="Seconds for each unit, less its wait for a processor."
)
@click.option("--memory", default=4096, show_default=True, help="MiB of data for each process.")
@click.option(
    "--environment",
    "where",
    type=click.Choice(["auto", "current", "pinned"]),
    default="auto",
    show_default=True,
    help="Where the code runs: this environment if it has every pin exactly, else one made for the pins.",
)
@click.option("--offline", is_flag=True, help="Fetch nothing: a pin that is not in uv's cache is a skip.")
@click.option(
    "--cold", is_flag=True, help="Run blocks, facts and checkers in fresh processes too, not in forks."
)
@click.option("--no-cache", is_flag=True, help="Run everything anew, and remember nothing.")
@click.option("--fail-fast", "-x", is_flag=True, help="Stop at the first failure.")
@click.option(
    "--output-format", "form", type=click.Choice(findings.FORMATS), default="text", show_default=True
)
@click.option(
    "--write", is_flag=True, help="Write what ran to the proof.json of each skill of which all of it did."
)
@click.option("--list", "only_list", is_flag=True, help="List the units; run nothing.")
@click.option("--trust", "trusted", is_flag=True, help="Run code of skills that are not trusted.")
@click.option("--verbose", "-v", is_flag=True, help="A line for each unit, and the whole output of failures.")
def test(
    named: tuple[str, ...],
    select: tuple[str, ...],
    workers: int | None,
    timeout: float,
    memory: int,
    where: Any,
    offline: bool,
    cold: bool,
    no_cache: bool,
    fail_fast: bool,
    form: str,
    write: bool,
    only_list: bool,
    trusted: bool,
    verbose: bool,
) -> None:
    """Run the code of skills: blocks, facts, examples, scripts and eval checkers. THIS EXECUTES WHAT THE SKILL SAYS.

    Without arguments the bundled skills are tested. The code runs without network and keys, in temporary folders, with
    limits on time, memory and output; it can still read and write your files. Skills that did not come with this package
    run only if they were trusted (`airskills trust`), or with --trust.

    Exits 1 when a unit failed or warns, or when nothing ran at all; 2 when it could not begin.

    Examples:
      airskills test peft
      airskills test peft --select facts,peft/SKILL.md -v
      airskills test skills/my-tool --trust --environment pinned
      airskills test --output-format junit > results.xml
    """
    from airskills.run import api

    suites = api.suites(_folders(named, trusted=trusted or only_list))
    options = api.Options(
        select=select,
        limits=api.Limits(timeout, memory * 1024 * 1024),
        where=where,
        offline=offline,
        cold=cold,
        fail_fast=fail_fast,
        workers=workers,
        remember=not no_cache,
        record=write,
    )
    units = [unit for suite in suites for unit in suite.units]
    _refuse_empty(options, units)
    if only_list:
        for unit in filter(options.selects, units):
            click.echo(f"{unit.id}  {unit.title or unit.kind}")
        return
    start = time.perf_counter()
    with _listening(verbose=verbose and form == "text") as listener:
        found = api.run(suites, options, listener)
    _show(found, form, verbose=verbose)
    if write:
        _write(suites, found, remembered=not no_cache)
    click.echo(_summary(found, time.perf_counter() - start), err=form != "text")
    raise SystemExit(int(not found.passed))


def _folders(named: tuple[str, ...], *, trusted: bool) -> list[str]:
    """Skill folders of names and paths, each once.

    Raises:
        AirskillsError: a target names no skill, or one whose code may not run.
    """
    found = targets.folders(named or (bundled_root(),))
    if not trusted:
        targets.refuse_untrusted(found, "a test")
    return found


def _refuse_empty(options: Options, units: list[Unit]) -> None:
    from airskills.run.api import is_named

    for word in options.select:
        if word not in KINDS and not any(is_named(unit, word) for unit in units):
            help_ = f"Kinds are {', '.join(KINDS)}; --list shows every id"
            raise AirskillsError(f"--select {word!r} is no kind, and no id begins so", help=help_)


def _show(found: Report, form: str, *, verbose: bool) -> None:
    from airskills.run import render

    if form == "json":
        text = render.as_json(found)
    elif form == "junit":
        text = render.as_junit(found)
    elif form == "text":
        text = _text(found, verbose=verbose)
    else:
        text = findings.render(found.findings, form)
    click.echo(text.encode(errors="backslashreplace"), nl=False)


def _text(found: Report, *, verbose: bool) -> str:
    """Failures with what they said, warnings, and one line for each reason why something did not run."""
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    parts = [findings.text(found.malformed, color=color)]
    for outcome in found.outcomes:
        loud = [finding for finding in outcome.findings if finding.severity != "note"]
        parts.append(findings.text(loud, color=color))
        parts += [f"    | {findings.flat(line)}\n" for line in _lines(outcome, verbose=verbose)]
    return "".join([*parts, *_reasons(found.outcomes)])


def _write(suites: list[Suite], found: Report, *, remembered: bool) -> None:
    """Write the proof of each skill of which everything ran, and say why not of the others, and what is kept of them."""
    from airskills.run import prove

    for suite in suites:
        outcomes = [outcome for outcome in found.outcomes if outcome.unit.folder == suite.folder.path]
        name = findings.flat(findings.relative(suite.folder.at("proof.json")))
        against = prove.objections(suite, outcomes)
        if against:
            more = f", and {len(against) - 1:,} more" if len(against) > 1 else ""
            click.echo(findings.flat(f"not written: {name}: {against[0]}{more}"), err=True)
            ran = sum(outcome.state == "ran" for outcome in outcomes)
            if remembered and ran:
                click.echo(
                    f"    {ran:,} of {len(suite.units):,} ran and need not run again for the next --write",
                    err=True,
                )
        else:
            prove.write(suite, outcomes, found.kind)
            click.echo(f"written: {name}", err=True)


def _lines(outcome: Outcome, *, verbose: bool) -> list[str]:
    lines = [line.rstrip() for line in outcome.detail.replace("\r", "\n").splitlines()]
    if verbose or len(lines) <= SHOWN_LINES:
        return lines
    return [*lines[:SHOWN_LINES], f"... {len(lines) - SHOWN_LINES} more lines; --verbose shows them"]


def _reasons(outcomes: Iterable[Outcome]) -> Iterator[str]:
    counted: Counter[tuple[str, str, str]] = Counter()
    for outcome in outcomes:
        if outcome.state not in {"ran", "failed"}:
            finding = outcome.findings[0]
            counted[outcome.state, finding.code, finding.message] += 1
    for (state, code, message), count in counted.items():
        yield findings.flat(f"{state}: {code} {message} ({count} unit{'s' if count > 1 else ''})") + "\n"


def _summary(found: Report, seconds: float) -> str:
    """The last line: what ran, what did not, and how it was kept apart."""
    from airskills.run.isolation import WHAT_IT_MEANS

    counts = ", ".join(f"{count:,} {state}" for state, count in found.counts().items())
    days = sorted(outcome.cached for outcome in found.outcomes if outcome.cached)
    cached = f", {len(days):,} from cache" + (f" (since {days[0]})" if days else "")
    skills = f"{found.skills:,} skill{'' if found.skills == 1 else 's'}"
    return f"{counts}{cached} in {skills} ({seconds:.1f} s; {WHAT_IT_MEANS[found.kind]})."


@contextmanager
def _listening(*, verbose: bool) -> Iterator[Listener]:
    """Says what is going on: a bar on a terminal, and lines for those who ask."""
    from airskills.run.isolation import WHAT_IT_MEANS
    from airskills.run.keepers import strongest

    click.echo(f"Running code of skills: {WHAT_IT_MEANS[strongest()]}.", err=True)
    if not sys.stderr.isatty():
        yield _Shown(None, verbose=verbose)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Shown(bar, verbose=verbose)


class _Shown(Listener):
    """Prints a line for each unit, and moves the bar."""

    def __init__(self, bar: Progress | None, *, verbose: bool) -> None:
        self.bar, self.verbose = bar, verbose
        self.running: dict[str, None] = {}
        self.task = bar.add_task("", total=None) if bar else None

    def making(self, pins: str) -> None:
        self._say(f"environment {pins}")

    def planned(self, count: int) -> None:
        if self.bar and self.task is not None:
            self.bar.update(self.task, total=count, completed=0, description="importing packages")

    def began(self, units: Iterable[Unit]) -> None:
        self.running |= dict.fromkeys(unit.id for unit in units)
        self._say(next(iter(self.running), ""))

    def ended(self, outcome: Outcome) -> None:
        ran = outcome.unit.id in self.running
        self.running.pop(outcome.unit.id, None)
        if ran and self.bar and self.task is not None:
            self.bar.advance(self.task)
        if self.verbose:
            name = f"{outcome.unit.id} {outcome.unit.title}".rstrip()
            known = f" (on {outcome.cached})" if outcome.cached else ""
            click.echo(findings.flat(f"{outcome.state:8} {outcome.seconds:7.2f} s  {name}{known}"))

    def _say(self, text: str) -> None:
        if self.bar and self.task is not None:
            self.bar.update(self.task, description=text[-60:])
