"""The command `site`: the documentation as a tree of Markdown files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from airskills.cli_help import Command
from airskills.errors import AirskillsError

FIRST_LOOK_MS = 100  # until a quiet watcher answers for the first time; from then on no change is lost
WATCHED = ("skills", "docs", "benchmarks", "CHANGELOG.md", "CONTRIBUTING.md", "ROADMAP.md")


@click.command(cls=Command)
@click.argument("root", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder of the tree; it holds nothing else.  [default: ROOT/build/docs]")  # fmt: skip
@click.option("--watch", is_flag=True, help="Write again whenever a file changes, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def site(context: click.Context, root: Path, out: Path | None, watch: bool, as_json: bool) -> None:
    """Write every page of the documentation of ROOT as a plain file; `mkdocs.yml` builds the tree.

    They are skills with their proof, rules, commands, results, and what is written by hand in ROOT/docs. A file is written only
    when its text changed.

    Examples:
      airskills site
      airskills site --out build/docs --json
    """
    commands = context.find_root().command
    if not isinstance(commands, click.Group):
        raise click.UsageError("It documents the command line that it is a command of")
    target = out or root / "build" / "docs"
    if not watch:
        _write(root, target, commands, as_json=as_json)
        return
    for _ in _changes(root):
        try:
            _write(root, target, commands, as_json=as_json)
        except AirskillsError as error:  # a skill that is being edited
            click.echo(f"error: {error}\nhelp: {error.help}", err=True)


def _write(root: Path, target: Path, commands: click.Group, *, as_json: bool) -> None:
    from airskills.export import project
    from airskills.site import tree

    made = tree.build(project.read(root), commands, target.with_name(f"{target.name}-kept"))
    written, removed = tree.write(made, target)
    if as_json:
        click.echo(json.dumps({"files": len(made), "written": written, "removed": removed}, indent=2))
    else:
        click.echo(f"{target}: {len(made)} files, {len(written)} written, {len(removed)} removed")


def _changes(root: Path) -> Iterator[object]:
    """Once at first, then whenever something changes that pages are made from; ends with Ctrl-C."""
    try:
        from watchfiles import watch
    except ModuleNotFoundError as error:
        message = "--watch needs watchfiles, which is not installed"
        raise AirskillsError(message, help="pip install 'airskills[watch]'") from error
    places = [root / name for name in WATCHED if (root / name).exists()]
    seen = watch(*places, yield_on_timeout=True, rust_timeout=FIRST_LOOK_MS, raise_interrupt=False)
    yield from (changes for number, changes in enumerate(seen) if changes or number == 0)
