"""The command `verify`: proves uses of libraries without running anything, and says what it could not prove."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from airskills import report as findings
from airskills import targets
from airskills.cli_help import Command
from airskills.errors import AirskillsError
from airskills.library import Library
from airskills.pins import Pin, parse_pins
from airskills.scopes import bundled_root

if TYPE_CHECKING:
    from airskills.verify.backend import Backend
    from airskills.verify.proven import Report
    from airskills.verify.subject import Progress


def _complete_targets(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in Library.open().names() if name.startswith(incomplete)]


@click.command(cls=Command)
@click.argument("named", nargs=-1, metavar="[SKILL|PATH]...", shell_complete=_complete_targets)
@click.option(
    "--with",
    "with_",
    multiple=True,
    metavar="PINS",
    help='Prove against these, such as "trl==1.16.0 peft==0.21.2", whatever the skills say.',
)
@click.option(
    "--pins",
    "pins_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The same from a file, one pin a line.",
)
@click.option(
    "--output-format", "form", type=click.Choice(findings.FORMATS), default="text", show_default=True
)
@click.option(
    "--ledger",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write every use and what is known of it to this file, as JSON, one a line.",
)
@click.option("--unproven", is_flag=True, help="List what is not proven too, with the reason.")
@click.option(
    "--write", is_flag=True, help="Write what is proven to the proof.json of each skill without a dead use."
)
@click.option(
    "--live",
    is_flag=True,
    help="Ask the packages themselves too, in an environment of the pins without a network: this imports them.",
)
@click.option("--offline", is_flag=True, help="Fetch nothing: use what is unpacked, or lies in uv's cache.")
@click.option("--backend", type=click.Choice(["ty", "pyrefly"]), default="ty", show_default=True)
@click.option("--no-cache", is_flag=True, help="Look at every skill anew, and remember nothing of it.")
def verify(
    named: tuple[str, ...],
    with_: tuple[str, ...],
    pins_file: Path | None,
    form: str,
    ledger: Path | None,
    unproven: bool,
    write: bool,
    live: bool,
    offline: bool,
    backend: str,
    no_cache: bool,
) -> None:
    """Prove every use of a library in skills against the pinned packages. It reads; it imports and runs nothing.

    With --live the packages are imported, not the skill's code: names and signatures are looked up where they are installed.

    Without arguments the bundled skills are proven; of a file only what stands in it. The pins are those of `airskills-tested-with` unless --with or --pins
    gives others, so that it works on any folder with a SKILL.md. Wheels are downloaded once, by uv, and unpacked in the
    cache. The last line counts what is proven, dead and not proven; --unproven lists the reasons.

    Exits 1 when a use is dead or deprecated; 2 when it could not begin.

    Examples:
      airskills verify
      airskills verify skills/peft --unproven
      airskills verify skills/peft/references/moe.md
      airskills verify ~/.claude/skills --with "trl==1.16.0 transformers==5.23.0"
      airskills verify skills --ledger ledger.json --output-format sarif > verify.sarif
    """
    from airskills.verify import api

    folders, only = targets.wanted(named or (bundled_root(),))
    if write and only:
        raise AirskillsError("A proof is of a whole skill", help="Name the skill, not a file of it")
    start = time.perf_counter()
    with _progress() as tell:
        found = api.verify(
            folders,
            api.Options(
                pins=_pins(with_, pins_file),
                only=only,
                offline=offline,
                remember=not no_cache,
                backend=_backend(backend),
                progress=tell,
            ),
        )
        if live:
            found = _confirmed(found, tell, offline=offline)
    if ledger is not None:
        _write_ledger(found, ledger)
    _show(found, form, unproven=unproven)
    if write:
        _write(found, _backend(backend).name)
    click.echo(_summary(found, time.perf_counter() - start), err=form != "text")
    raise SystemExit(int(any(finding.severity != "note" for finding in found.findings)))


def _confirmed(found: Report, tell: Progress, *, offline: bool) -> Report:
    from airskills.live import confirm

    found, problems = confirm(found, offline=offline, progress=tell)
    for problem in problems:
        click.echo(findings.flat(f"not confirmed: {problem}"), err=True)
    return found


def _pins(with_: tuple[str, ...], path: Path | None) -> tuple[Pin, ...] | None:
    if not with_ and path is None:
        return None
    text = path.read_text(encoding="utf-8") if path else ""
    return parse_pins("\n".join([text, *with_]))


def _backend(name: str) -> Backend:
    from airskills.verify.pyrefly import Pyrefly
    from airskills.verify.ty import Ty

    return Ty() if name == "ty" else Pyrefly()


def _show(found: Report, form: str, *, unproven: bool) -> None:
    shown = [finding for finding in found.findings if unproven or finding.severity != "note"]
    color = form == "text" and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    click.echo(findings.render(shown, form, color=color).encode(errors="backslashreplace"), nl=False)


def _write(found: Report, backend: str) -> None:
    """Write the proof of each skill in which nothing is dead, and say why not of the others."""
    from airskills.verify import prove

    for skill in found.skills:
        name = findings.relative(skill.folder.at("proof.json"))
        against = prove.objection(skill)
        if not against:
            prove.write(skill, backend)
        click.echo(
            findings.flat(f"not written: {name}: {against}" if against else f"written: {name}"), err=True
        )


def _write_ledger(found: Report, path: Path) -> None:
    shown = {name: findings.relative(name) for name in {entry.path for entry in found.entries}}
    encode = json.JSONEncoder(ensure_ascii=False).encode
    rows = ",\n".join(encode({**entry.as_dict(), "path": shown[entry.path]}) for entry in found.entries)
    try:
        path.write_text(f"[\n{rows}\n]\n", encoding="utf-8")
    except OSError as error:
        raise AirskillsError(f"The ledger cannot be written: {error}") from error


def _summary(found: Report, seconds: float) -> str:
    """The last line: uses by state and level, statements that are proven whole, blocks by level."""
    counts, levels = found.counts, found.levels
    reasons = ", ".join(f"{code} {number:,}" for code, number in counts.reasons.items())
    why = f" ({reasons})" if reasons else ""
    share = f"{counts.share:.1%}" if counts.total else "no uses"
    how = ", ".join(f"{number:,} {level.name.lower()}" for level, number in counts.levels.items())
    how = f": {how}" if len(counts.levels) > 1 else ""
    whole = f"{counts.whole / counts.statements:.1%}" if counts.statements else "none"
    if counts.read < counts.whole:
        whole += f"; {counts.read / counts.statements:.1%} without a run"
    names = {level.name.lower(): number for level, number in levels.items()}
    blocks = ", ".join(f"{number:,} {name}" for name, number in names.items() if number)
    skills = f"{len(found.skills):,} skill{'' if len(found.skills) == 1 else 's'}"
    return (
        f"{counts.total:,} uses: {counts.proven:,} proven ({share}{how}), {counts.dead:,} dead, "
        f"{counts.unproven:,} not proven{why}. Statements that use a package: {counts.whole:,} of "
        f"{counts.statements:,} proven ({whole}). Blocks: {blocks or 'none'}; {skills} ({seconds:.1f} s)."
    )


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on a terminal, with sizes while wheels are downloaded."""
    if not sys.stderr.isatty():
        yield lambda _what, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), DownloadColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(task, description=what[-60:], completed=done, total=total)
