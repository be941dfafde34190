"""The command line: parse, call one function, print. Nothing else in the package prints."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from airskills.errors import AirskillsError
from airskills.library import Library

if TYPE_CHECKING:
    from airskills.finding import Finding
    from airskills.index import Hit
    from airskills.skill import Skill

_EXITS = """

\b
Exit codes:
  0  done, nothing to complain about
  1  it ran, and found something wrong (or no match)
  2  it could not run: wrong usage, unknown skill, unreadable file
"""
# Research sub-packages, mounted only when they are called: name -> (module, extra, one-line help).
_LABS = {
    "rl": ("airskills.rl.cli", "rl", "Reward kernels, losses and training for RL on language models."),
    "grok": ("airskills.grokking.cli", "grokking", "Grokking experiments and their benchmark."),
}

F = TypeVar("F", bound=Callable[..., Any])


class _Group(click.Group):
    """Turns our errors into one line on standard error and exit code 2; mounts the labs lazily."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *(name for name in _LABS if _lab_exists(name))])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _LABS and _lab_exists(cmd_name):
            return _lab(cmd_name)
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except AirskillsError as error:
            click.echo(f"error: {error}", err=True)
            if error.help:
                click.echo(f"help: {error.help}", err=True)
            ctx.exit(2)
        except FileNotFoundError as error:
            raise click.UsageError(str(error), ctx) from error


def _lab_exists(name: str) -> bool:
    folder = _LABS[name][0].split(".")[1]
    return (Path(__file__).parent / folder / "cli.py").is_file()


def _lab(name: str) -> click.Command:
    module, extra, help_ = _LABS[name]
    try:
        command: click.Command = import_module(module).group
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("airskills"):
            raise
        message = f"`airskills {name}` needs {error.name}, which is not installed"

        @click.command(
            name, short_help=help_, context_settings={"ignore_unknown_options": True, "help_option_names": []}
        )
        @click.argument("rest", nargs=-1, type=click.UNPROCESSED)
        def missing(rest: tuple[str, ...]) -> None:  # noqa: ARG001 - whatever follows, the answer is the same
            raise AirskillsError(message, help=f"pip install 'airskills[{extra}]'")

        return missing
    return command


def _library_options(command: F) -> F:
    """`--path` and `--trust/--no-trust`, handed to the command as an open library."""

    @click.option(
        "--path",
        "paths",
        multiple=True,
        type=click.Path(exists=True),
        help="Use only the skills under this folder. May be repeated.",
    )
    @click.option(
        "--trust/--no-trust",
        default=None,
        help="Show project skills, or hide them. Default: those trusted before with `airskills trust`.",
    )
    @wraps(command)
    def opened(*args: Any, paths: tuple[str, ...], trust: bool | None, **kwargs: Any) -> Any:
        return command(*args, library=Library.open(*paths, trust=trust), **kwargs)

    return opened  # type: ignore[return-value]  # click decorators keep the callable


_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _complete_names(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    paths = ctx.params.get("paths") or ()
    return [name for name in Library.open(*paths).names() if name.startswith(incomplete)]


def _complete_files(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    library = Library.open(*(ctx.params.get("paths") or ()))
    try:
        return [path for path in library.files(ctx.params["name"]) if path.startswith(incomplete)]
    except AirskillsError:
        return []


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EXITS.strip(),
    no_args_is_help=True,
)
@click.version_option(package_name="airskills", prog_name="airskills")
def cli() -> None:
    r"""AI-research skills that agents and researchers can trust.

    \b
    Examples:
      airskills search "my reward stays flat"
      airskills load grpo-rl-training
      airskills load peft references/memory.md
      airskills prompt --client claude-code
    """


@cli.command("list")
@click.option("--category", help="Only this category.")
@click.option("--tag", help="Only skills with this tag.")
@_library_options
@_json_option
def list_(library: Library, category: str | None, tag: str | None, as_json: bool) -> None:
    r"""List the visible skills: name, category, description.

    \b
    Examples:
      airskills list
      airskills list --category post-training --json
    """
    chosen = [s for s in library if (not category or s.category == category) and (not tag or tag in s.tags)]
    if as_json:
        _print_json([_summary(skill) for skill in chosen])
    else:
        _print_table(
            ("name", "category", "description"), [(s.name, s.category, s.description) for s in chosen]
        )
    waiting = sum(finding.code == "AS802" for finding in library.findings)
    if waiting:
        click.echo(f"{waiting} project skills are not trusted; `airskills doctor` names them.", err=True)


@cli.command()
@click.argument("query", nargs=-1, required=True)
@click.option("--limit", "-n", default=5, show_default=True, type=click.IntRange(min=1), help="Hits at most.")
@click.option("--category", help="Only this category.")
@click.option("--tag", help="Only skills with this tag.")
@_library_options
@_json_option
def search(
    library: Library,
    query: tuple[str, ...],
    limit: int,
    category: str | None,
    tag: str | None,
    as_json: bool,
) -> None:
    r"""Find skills for a request in your own words. Prints nothing and exits 1 when none fits well.

    \b
    Examples:
      airskills search "adapter merge changes the logits"
      airskills search vector index recall too low --json
    """
    hits = library.search(" ".join(query), limit=limit, category=category, tag=tag)
    if as_json:
        _print_json([_hit(hit) for hit in hits])
    else:
        _print_table(("name", "score", "why"), [(hit.name, f"{hit.score:.2f}", hit.why) for hit in hits])
    if not hits:
        click.echo("No skill fits this request.", err=True)
        raise SystemExit(1)


@cli.command()
@click.argument("name", shell_complete=_complete_names)
@click.argument("file", required=False, shell_complete=_complete_files)
@click.option("--raw", is_flag=True, help="The SKILL.md byte for byte, frontmatter too.")
@click.option("--wrap", is_flag=True, help="As an activation answers: tagged, with folder and file list.")
@click.option("--section", metavar="HEADING", help="Only the text under this heading.")
@_library_options
@_json_option
def load(
    library: Library,
    name: str,
    file: str | None,
    raw: bool,
    wrap: bool,
    section: str | None,
    as_json: bool,
) -> None:
    r"""Print the instructions of the skill NAME, or one FILE of it.

    \b
    Examples:
      airskills load faiss
      airskills load faiss --wrap
      airskills load faiss --section Symptoms
      airskills load faiss references/troubleshooting.md
    """
    if sum(map(bool, (file, raw, wrap, section, as_json))) > 1:
        raise click.UsageError("FILE, --raw, --wrap, --section and --json exclude each other")
    if file or raw:
        sys.stdout.flush()
        sys.stdout.buffer.write(library.read(name, file or "SKILL.md"))
        sys.stdout.buffer.flush()
        return
    skill = library.load(name)
    if as_json:
        _print_json(
            {
                **_summary(skill),
                "fields": dict(skill.fields),
                "body": skill.body,
                "files": library.files(name),
            }
        )
    elif wrap:
        from airskills import catalog

        click.echo(catalog.wrap(skill, library.files(name)), nl=False)
    else:
        click.echo(_section(skill, section) if section else skill.body, nl=False)


def _section(skill: Skill, heading: str) -> str:
    found = skill.section(heading)
    if found is None:
        names = ", ".join(f"{h.text!r}" for h in skill.headings if h.level == 2)
        raise AirskillsError(f"Skill {skill.name!r} has no heading {heading!r}", help=f"It has {names}")
    return found


@cli.command()
@click.option(
    "--format", "form", type=click.Choice(["xml", "json", "markdown"]), default="xml", show_default=True
)
@click.option("--budget", type=click.IntRange(min=1), help="Characters at most.")
@click.option(
    "--tokens", type=click.IntRange(min=1), help="Tokens at most, estimated at 3.6 characters each."
)
@click.option("--client", help="Use the limits of this client, such as claude-code or codex.")
@click.option("--category", help="Only this category.")
@_library_options
def prompt(
    library: Library,
    form: Any,
    budget: int | None,
    tokens: int | None,
    client: str | None,
    category: str | None,
) -> None:
    r"""Print the catalogue for a system prompt, cut to a budget. Prints nothing when there are no skills.

    \b
    Examples:
      airskills prompt
      airskills prompt --client claude-code
      airskills prompt --format markdown --budget 4000
    """
    from airskills import catalog

    limits = catalog.client_budget(client) if client else catalog.Budget()
    most = [
        n
        for n in (budget, int(tokens * catalog.CHARACTERS_PER_TOKEN) if tokens else None, limits.characters)
        if n
    ]
    chosen = [skill for skill in library if not category or skill.category == category]
    rendered = catalog.render(chosen, form, catalog.Budget(min(most, default=None), limits.skill_characters))
    click.echo(rendered.text, nl=False)
    if rendered.shortened or rendered.dropped:
        click.echo(f"shortened: {len(rendered.shortened)}, left out: {len(rendered.dropped)}", err=True)


@cli.command()
@click.argument("name")
@click.option(
    "--dir", "parent", default="skills", show_default=True, type=click.Path(file_okay=False, path_type=Path)
)
@click.option("--description", default="", help="What it does and when to use it.")
@click.option("--category", default="research", show_default=True)
@click.option("--tags", default="", help="Space-separated tags.")
@click.option("--pins", default="", help='Exact pins, such as "trl==1.16.0 peft==0.21.2".')
@_json_option
def new(
    name: str,
    parent: Path,
    description: str,
    category: str,
    tags: str,
    pins: str,
    as_json: bool,
) -> None:
    r"""Make the folder of a new skill from the template.

    \b
    Examples:
      airskills new my-tool
      airskills new my-tool --dir ~/.agents/skills --description "... Use when ..."
    """
    from airskills import scaffold

    made = scaffold.new_skill(parent, name, description=description, category=category, tags=tags, pins=pins)
    if as_json:
        _print_json([str(path) for path in made])
    else:
        click.echo("\n".join(map(str, made)))


@cli.command()
@click.argument("name", shell_complete=_complete_names)
@click.argument("file", required=False, shell_complete=_complete_files)
@_library_options
def path(library: Library, name: str, file: str | None) -> None:
    r"""Print where a skill, or one file of it, lies on disk.

    \b
    Examples:
      airskills path peft
      python "$(airskills path peft scripts/adapter_memory.py)" --help
    """
    if file:
        library.read(name, file)
    folder = library.load(name).directory
    click.echo(os.path.normpath(f"{folder}/{file}") if file else folder)


@cli.command()
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False))
@click.option("--remove", is_flag=True, help="Take the trust back.")
@_json_option
def trust(folder: str, remove: bool, as_json: bool) -> None:
    r"""Trust the project skills of FOLDER as they are now; a changed file ends the trust.

    \b
    Examples:
      airskills trust
      airskills trust ../other-project --remove
    """
    from airskills import trust as records

    library = Library.open(scopes=["project"], project=folder, trust=True)
    act = records.forget if remove else records.remember
    chosen = [skill.directory for skill in library]
    for directory in chosen:
        act(directory)
    if as_json:
        _print_json(chosen)
    else:
        click.echo("\n".join(chosen) if chosen else "No project skills here.", err=not chosen)


@cli.command()
@_library_options
@_json_option
def doctor(library: Library, as_json: bool) -> None:
    """Say what was scanned, found and skipped, and why; and how the search index is.

    Exits 1 when there is a finding of severity error.
    """
    scopes = [
        {"kind": scope.kind, "root": scope.root, "exists": Path(scope.root).is_dir(), "skills": count}
        for scope, count in library.counts()
    ]
    state = library.index_state
    findings = library.findings
    if as_json:
        _print_json(
            {"scopes": scopes, "index": state, "findings": [finding.as_dict() for finding in findings]}
        )
    else:
        _print_table(
            ("scope", "folder", "skills"),
            [(s["kind"], s["root"], s["skills"] if s["exists"] else "-") for s in scopes],
        )
        fts = "FTS5" if state["fts5"] else "no FTS5"
        click.echo(f"\nindex: {state['path']} ({state['skills']} skills, {state['bytes']:,} bytes, {fts})")
        _print_findings(findings)
    if any(finding.severity == "error" for finding in findings):
        raise SystemExit(1)


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    r"""Print the completion script of a shell.

    \b
    Example:
      airskills completion bash >> ~/.bashrc
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"No completion for {shell!r}")
    click.echo(found(cli, {}, "airskills", "_AIRSKILLS_COMPLETE").source())


def _summary(skill: Skill) -> dict[str, Any]:
    return {
        "name": skill.name,
        "description": skill.description,
        "category": skill.category,
        "tags": list(skill.tags),
        "path": skill.path,
        "scope": skill.scope,
        "metadata": dict(skill.metadata),
    }


def _hit(hit: Hit) -> dict[str, Any]:
    return {
        "name": hit.name,
        "score": hit.score,
        "why": hit.why,
        "description": hit.description,
        "category": hit.category,
        "path": hit.path,
        "matches": [{"field": m.field, "words": list(m.words), "snippet": m.snippet} for m in hit.matches],
    }


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def _print_findings(findings: Iterable[Finding]) -> None:
    for finding in findings:
        click.echo(str(finding))


def _print_table(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """A table for people; tab-separated lines, without a heading, when the output is piped."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(str(cell) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(Text(str(row[0]), style="cyan"), *(Text(str(cell)) for cell in row[1:]))
    Console().print(table)
