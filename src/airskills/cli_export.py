"""The command `export`: the files by which clients find the skills of a repository."""

from __future__ import annotations

import json
from pathlib import Path

import click

from airskills.cli_help import Command


@click.command(cls=Command)
@click.argument("root", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--check", "checking", is_flag=True, help="Write nothing; exit 1 when a file is out of date.")
@click.option("--site", "site", type=click.Path(file_okay=False, path_type=Path), help="Instead: the files of a web site, into this folder.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def export(root: Path, checking: bool, site: Path | None, as_json: bool) -> None:
    """Write the manifests of Claude Code, Codex, Cursor, Gemini, Agent Plugins and the MCP registry, a router skill and the README's table.

    They are made from pyproject.toml and the skills below ROOT/skills; the same skills give the same bytes. With --site: both .well-known
    indexes, archives and llms.txt.

    Examples:
      airskills export
      airskills export --check
      airskills export --site build/site
    """
    from airskills.export import project, write

    found = project.read(root)
    files = write.of_site(found) if site else write.of_repository(found)
    target = site or root
    changed = write.differing(files, target) if checking else write.write(files, target)
    if as_json:
        click.echo(json.dumps(changed, indent=2, ensure_ascii=False))
    else:
        for path in changed:
            click.echo(path)
    if checking and changed:
        click.echo("Out of date; run `airskills export`.", err=True)
        raise SystemExit(1)
