"""The commands `install`, `update`, `remove`, `sync` and `verify-lock`: skills in the folders that agents read."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from airskills.cli_help import Command

if TYPE_CHECKING:
    from airskills.install.state import Target
    from airskills.install.work import Change, How

F = TypeVar("F", bound=Callable[..., Any])


def _options(command: F) -> F:
    """Where, and how much is allowed; handed to the command as a target."""

    @click.option("--project", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path), help="The project; this folder unless given.")  # fmt: skip
    @click.option("--global", "home", is_flag=True, help="The folders of your home instead.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @wraps(command)
    def targeted(*args: Any, project: Path, home: bool, **kwargs: Any) -> Any:
        from airskills.install.state import Target

        return command(*args, target=Target(project.absolute(), home), **kwargs)

    return targeted  # type: ignore[return-value]  # click decorators keep the callable


_dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be done.")
_force = click.option("--force", is_flag=True, help="In spite of security findings, and over what was changed or is not ours.")  # fmt: skip


def _complete_agents(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    from airskills.install.agents import agents

    return [name for name in ("auto", *agents()) if name.startswith(incomplete)]


def _complete_locked(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    from airskills.errors import AirskillsError
    from airskills.install import lock
    from airskills.install.state import Target

    try:
        names = lock.load(Target(Path.cwd(), bool(ctx.params.get("home"))).lock)
    except AirskillsError:
        return []
    return [name for name in names if name.startswith(incomplete)]


@click.command(cls=Command)
@click.argument("source", required=False)
@click.option(
    "--skill", "globs", multiple=True, metavar="GLOB", help="Only skills of this name. May be repeated."
)
@click.option("--category", default="", help="Only skills of this category.")
@click.option("--agent", "names", multiple=True, metavar="NAME", shell_complete=_complete_agents, help="Also where this agent looks; auto: those installed here. May be repeated.")  # fmt: skip
@click.option("--copy", "copied", is_flag=True, help="Give each agent a copy instead of a link.")
@click.option("--frozen", is_flag=True, help="Without SOURCE: what the lock says, and nothing else.")
@_dry_run
@_force
@_options
def install(
    target: Target,
    source: str | None,
    globs: tuple[str, ...],
    category: str,
    names: tuple[str, ...],
    copied: bool,
    frozen: bool,
    dry_run: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Install skills from SOURCE into .agents/skills, and note them in skills-lock.json.

    SOURCE is a bundled skill (all of them: airskills), a folder, OWNER/REPOSITORY or another git address, perhaps with #REF, an archive,
    or a site with a .well-known index. The security rules run first.

    Examples:
      airskills install peft
      airskills install airskills --category post-training --agent claude-code
      airskills install owner/repository#v1.2 --skill "pdf-*"
      airskills install ./skills --dry-run
      airskills install --frozen
    """
    from airskills.install import agents, work
    from airskills.install.source import parse

    how = work.How(agents.chosen(names), copied, force, dry_run)
    if source is None:
        if not frozen:
            raise click.UsageError("Name a SOURCE, or give --frozen to install what the lock says")
        _print(work.restore(target, how, frozen=True), how, as_json=as_json)
        return
    if frozen:
        raise click.UsageError("--frozen takes the sources of the lock, and no SOURCE")
    _print(work.install(target, parse(source), how, globs=globs, category=category), how, as_json=as_json)


@click.command(cls=Command)
@click.argument("names", nargs=-1, shell_complete=_complete_locked)
@_dry_run
@_force
@_options
def update(target: Target, names: tuple[str, ...], dry_run: bool, force: bool, as_json: bool) -> None:
    """Bring installed skills to what their sources hold now; without NAMES all of them.

    Examples:
      airskills update
      airskills update peft --dry-run
    """
    from airskills.install import work

    how = work.How(force=force, dry_run=dry_run)
    _print(work.update(target, names, how), how, as_json=as_json)


@click.command(cls=Command)
@click.argument("names", nargs=-1, required=True, shell_complete=_complete_locked)
@_dry_run
@_force
@_options
def remove(target: Target, names: tuple[str, ...], dry_run: bool, force: bool, as_json: bool) -> None:
    """Remove installed skills with their links and copies, and nothing that was not installed.

    Example:
      airskills remove peft
    """
    from airskills.install import work

    how = work.How(force=force, dry_run=dry_run)
    _print(work.remove(target, names, how), how, as_json=as_json)


@click.command(cls=Command)
@click.option("--frozen", is_flag=True, help="Fail where a source differs from the lock.")
@_dry_run
@_force
@_options
def sync(target: Target, frozen: bool, dry_run: bool, force: bool, as_json: bool) -> None:
    """Bring the folders to what skills-lock.json says, as after a fresh checkout.

    Examples:
      airskills sync
      airskills sync --frozen
    """
    from airskills.install import work

    how = work.How(force=force, dry_run=dry_run)
    _print(work.restore(target, how, frozen=frozen), how, as_json=as_json)


@click.command("verify-lock", cls=Command)
@_options
def verify_lock(target: Target, as_json: bool) -> None:
    """Say how the installed skills differ from skills-lock.json. Exits 1 on any drift.

    Example:
      airskills verify-lock
    """
    from airskills.install import state
    from airskills.report import relative

    findings = [finding.replace(path=relative(finding.path)) for finding in state.verify(target)]
    if as_json:
        click.echo(json.dumps([finding.as_dict() for finding in findings], indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            click.echo(str(finding))
    raise SystemExit(int(any(finding.severity == "error" for finding in findings)))


def _print(changes: Sequence[Change], how: How, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([asdict(change) for change in changes], indent=2, ensure_ascii=False))
        return
    from airskills.report import relative

    for change in changes:
        click.echo(f"{change.action}\t{change.name}\t{', '.join(map(relative, change.paths))}")
    if how.dry_run:
        click.echo("Nothing was written.", err=True)
