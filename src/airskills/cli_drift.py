"""The command `drift`: what a release changed, and which skills it breaks."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from airskills.cli_help import Command
from airskills.errors import AirskillsError

if TYPE_CHECKING:
    from airskills.drift.change import Change
    from airskills.drift.hits import Hit
    from airskills.drift.shelf import Shelf
    from airskills.folder import Folder

_KINDS = [
    "gone",
    "renamed",
    "moved",
    "required",
    "keyword-only",
    "positional-only",
    "reordered",
    "default",
    "became",
    "deprecated",
    "added",
]


@click.command(cls=Command)
@click.argument("arguments", nargs=-1, metavar="PACKAGE OLD [NEW]")
@click.option(
    "--check", "checking", is_flag=True, help="Instead: compare the pins of SKILLS with the newest releases."
)
@click.option("--all", "every", is_flag=True, help="Every release between, also what a later one took back.")
@click.option("--deep", is_flag=True, help="Also what only the module that defines it offers.")
@click.option(
    "--kind", "kinds", multiple=True, type=click.Choice(_KINDS), help="Only this kind. May be repeated."
)
@click.option(
    "--since", "skills", multiple=True, metavar="SKILL", help="Mark the lines of a skill that are hit."
)
@click.option(
    "--facts", metavar="FILE", help="Write proposals for facts.yaml: a new file, or - for standard output."
)
@click.option(
    "--with", "companions", metavar="PINS", default="", help="What the package builds on, exactly pinned."
)
@click.option(
    "--output-format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
)
@click.option("--offline", is_flag=True, help="Use what is unpacked or in uv's cache.")
def drift(
    arguments: tuple[str, ...],
    checking: bool,
    every: bool,
    deep: bool,
    kinds: tuple[str, ...],
    skills: tuple[str, ...],
    facts: str | None,
    companions: str,
    form: str,
    offline: bool,
) -> None:
    """Show what changed between two releases of PACKAGE, and in which release; without NEW up to the newest.

    Wheels are read, never imported. Exits 1 when --since or --check finds a line that breaks.

    Examples:
      airskills drift trl 1.12.0 1.16.0
      airskills drift peft 0.18.1 --since skills/peft
      airskills drift trl 1.15.0 1.16.0 --facts proposals.yaml
      airskills drift --check skills
    """
    if checking:
        _check(arguments or (".",), form, offline=offline)
        return
    if len(arguments) not in {2, 3}:
        raise click.UsageError("Name PACKAGE OLD [NEW], or --check [SKILLS]")
    if facts and facts != "-" and Path(facts).exists():
        raise AirskillsError(f"{facts} exists", help="Name a new file; proposals never replace one")
    from airskills.drift import facts as proposals
    from airskills.drift import report
    from airskills.drift.hits import hits, pieces
    from airskills.pins import parse_pins

    folders = _opened(skills)
    package, old, new = _releases(arguments)
    pins = [*parse_pins(companions), *_pins_of(folders)]
    with _progress() as tell:
        from airskills.drift.shelf import Shelf

        shelf = Shelf(package, offline=offline, companions=pins, progress=tell)
        if not offline and not companions:
            shelf.add_companions(shelf.bases(new))
        changes, undecided = _changes(shelf, old, new, every=every)
        found = (
            hits([p for f in folders for p in pieces(f)], shelf.surface(old), changes) if folders else None
        )
    shown = [c for c in changes if (deep or not c.deep) and (not kinds or c.kind in kinds)]
    if facts:
        _write(facts, proposals.propose(package, old, new, shown))
    if form == "json":
        click.echo(report.as_json(package, old, new, changes, undecided, found), nl=False)
    elif facts != "-":
        _show(report, package, shown, found, form)
        click.echo(f"\n{package} {old} to {new}: {report.summary(changes, undecided)}", err=form != "text")
        if len(shown) < len(changes) and not kinds:
            click.echo(
                f"{len(changes) - len(shown)} in modules that no package re-exports; --deep shows them.",
                err=True,
            )
    raise SystemExit(int(any(hit.change.kind in _breaking() for hit in found or ())))


def _relative(found: Iterable[Hit]) -> list[Hit]:
    """Hits with paths as findings print them."""
    from airskills.report import relative

    return [hit._replace(path=relative(hit.path)) for hit in found]


def _breaking() -> frozenset[str]:
    from airskills.drift.change import BREAKING

    return BREAKING


def _show(report: Any, package: str, changes: Sequence[Change], found: Any, form: str) -> None:
    """With hits only these; else every change."""
    if found is not None:
        click.echo(report.hit_lines(found, package), nl=False)
    else:
        click.echo(report.markdown(changes) if form == "markdown" else report.text(changes), nl=False)


def _write(target: str, text: str) -> None:
    if target == "-":
        click.echo(text, nl=False)
        return
    with Path(target).open("x", encoding="utf-8") as stream:
        stream.write(text)
    click.echo(f"Proposals are in {target}.", err=True)


def _releases(arguments: Sequence[str]) -> tuple[str, str, str]:
    """(package, old, new), versions as PEP 440 writes them, the older one first."""
    from packaging.utils import canonicalize_name
    from packaging.version import InvalidVersion, Version

    from airskills.drift.shelf import newest

    package, old = arguments[:2]
    try:
        first = Version(old)
        final = Version(arguments[2] if len(arguments) > 2 else newest(package))
    except InvalidVersion as error:
        raise AirskillsError(
            f"{error}", help="Give versions as the index writes them, such as 1.16.0"
        ) from error
    if first >= final:
        raise AirskillsError(f"{first} is not older than {final}", help="Give the older release first")
    return canonicalize_name(package), str(first), str(final)


def _changes(shelf: Shelf, old: str, new: str, *, every: bool) -> tuple[list[Change], dict[str, int]]:
    """The changes with their releases, and what could not be told."""
    from airskills.drift import history
    from airskills.drift import shelf as shelves

    versions = [old, new] if shelf.offline else shelves.between(shelf.name, old, new)
    found = shelf.compare(old, new)
    if every:
        return list(history.step_by_step(shelf, versions)), dict(found.undecided)
    order = {change.key: number for number, change in enumerate(found.changes)}
    dated = sorted(history.dated(shelf, versions, found), key=lambda change: order[change.key])
    return dated, dict(found.undecided)


def _pins_of(folders: Iterable[Folder]) -> list[Any]:
    """The pins of some skills, the first version of each name."""
    from airskills.pins import of_skill

    found: dict[str, Any] = {}
    for folder in folders:
        for pin in of_skill(folder.skill) if folder.skill else ():
            found.setdefault(pin.name, pin)
    return list(found.values())


@contextmanager
def _progress() -> Iterator[Any]:
    """A bar on a terminal; each kind of work its own line."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("comparing", total=None)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)


# -- all pins against the newest releases ----------------------------------------------------------------------------


def _check(paths: Sequence[str], form: str, *, offline: bool) -> None:
    import json

    from airskills.drift import outlook

    if offline:
        raise click.UsageError("--check asks the index for the newest releases; it cannot be --offline")
    folders = _opened(paths)
    with _progress() as tell:
        rows = outlook.outlook(folders, progress=tell)
    found = [replace(row, hits=tuple(_relative(row.hits))) for row in rows]
    if form == "json":
        click.echo(json.dumps([row.as_dict() for row in found], indent=2, ensure_ascii=False))
    else:
        click.echo(outlook.text(found), nl=False)
    raise SystemExit(int(any(row.breaks for row in found)))


def _opened(paths: Iterable[str]) -> list[Folder]:
    """The skills that are named by path or by name; a path may hold several."""
    from airskills import targets
    from airskills.folder import open_folder

    return [open_folder(path) for path in targets.folders(paths)]
