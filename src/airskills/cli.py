"""The command line: parse, call one function, print. Nothing else in the package prints."""

from __future__ import annotations

import errno
import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

import click

from airskills import __version__
from airskills.cli_help import Command, as_written
from airskills.errors import AirskillsError
from airskills.library import Library

if TYPE_CHECKING:
    from airskills.finding import Finding
    from airskills.index import Hit
    from airskills.skill import Skill

_EXITS = """\b
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
# Commands for authors, in modules that only they import: name -> (module, its name there, extra that it needs).
_AUTHORS = {
    "cache": ("airskills.cli_cache", "cache", ""),
    "check": ("airskills.cli_check", "check", ""),
    "drift": ("airskills.cli_drift", "drift", "proof"),
    "eval": ("airskills.cli_eval", "eval_", "proof"),
    "export": ("airskills.cli_export", "export", ""),
    "install": ("airskills.cli_install", "install", ""),
    "remove": ("airskills.cli_install", "remove", ""),
    "rule": ("airskills.cli_check", "rule", ""),
    "serve": ("airskills.cli_serve", "serve", "mcp"),
    "site": ("airskills.cli_site", "site", ""),
    "sync": ("airskills.cli_install", "sync", ""),
    "test": ("airskills.cli_test", "test", "proof"),
    "update": ("airskills.cli_install", "update", ""),
    "verify": ("airskills.cli_verify", "verify", "proof"),
    "verify-lock": ("airskills.cli_install", "verify_lock", ""),
}

F = TypeVar("F", bound=Callable[..., Any])


class _Group(click.Group):
    """Turns our errors into one line on standard error and exit code 2; mounts the labs lazily."""

    command_class = Command

    def __init__(self, *args: Any, help: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, help=as_written(help), **kwargs)

    def list_commands(self, ctx: click.Context) -> list[str]:
        labs = (name for name in _LABS if _lab_exists(name))
        return sorted([*super().list_commands(ctx), *_AUTHORS, *labs])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command; of a lab only its name and line of help, so that `--help` imports none of them."""
        if cmd_name in _LABS and _lab_exists(cmd_name):
            return click.Command(cmd_name, short_help=_LABS[cmd_name][2])
        if cmd_name in _AUTHORS:
            module, name, _ = _AUTHORS[cmd_name]
            return cast("click.Command", getattr(import_module(module), name))
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None and args[0][:1] != "-":
            from difflib import get_close_matches

            meant = get_close_matches(args[0], self.list_commands(ctx), n=1)
            suggestion = f" Did you mean {meant[0]!r}?" if meant else ""
            ctx.fail(f"No such command {args[0]!r}.{suggestion}")
        name, command, rest = super().resolve_command(ctx, args)
        if name in _LABS and not ctx.resilient_parsing:  # completion stays quick
            command = _lab(name)
        return name, command, rest

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except AirskillsError as error:
            _fail(ctx, str(error), error.help)
        except ModuleNotFoundError as error:
            command = ctx.invoked_subcommand or ""
            if not _extra(command) or _is_ours(error):
                raise
            missing = _missing_extra(command, error)
            _fail(ctx, str(missing), missing.help)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            _fail(ctx, f"{error.filename}: {error.strerror}" if error.filename else str(error), "")


def _fail(ctx: click.Context, message: str, help_: str) -> NoReturn:
    click.echo(f"error: {message}", err=True)
    if help_:
        click.echo(f"help: {help_}", err=True)
    ctx.exit(2)


def _lab_exists(name: str) -> bool:
    folder = _LABS[name][0].split(".")[1]
    return (Path(__file__).parent / folder / "cli.py").is_file()


def _lab(name: str) -> click.Command:
    try:
        command: click.Command = import_module(_LABS[name][0]).group
    except ModuleNotFoundError as error:
        if _is_ours(error):
            raise
        raise _missing_extra(name, error) from error
    return command


def _extra(name: str) -> str:
    """The extra that a command needs, or ""."""
    return _LABS[name][1] if name in _LABS else _AUTHORS.get(name, ("", "", ""))[2]


def _is_ours(error: ModuleNotFoundError) -> bool:
    return (error.name or "").partition(".")[0] == "airskills"


def _missing_extra(name: str, error: ModuleNotFoundError) -> AirskillsError:
    message = f"`airskills {name}` needs {error.name}, which is not installed"
    return AirskillsError(message, help=f"pip install 'airskills[{_extra(name)}]'")


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
    epilog=_EXITS,
    no_args_is_help=True,
)
@click.version_option(__version__, prog_name="airskills")
def cli() -> None:
    """AI-research skills that agents and researchers can trust.

    Examples:
      airskills search "my reward stays flat"
      airskills load grpo-rl-training
      airskills load peft references/memory.md
      airskills prompt --client claude-code
    """


@cli.command("list")
@click.option("--category", help="Only this category.")
@click.option("--tag", help="Only skills with this tag.")
@click.option(
    "--installed", is_flag=True, help="Instead: what skills-lock.json of this folder says is installed."
)
@click.option("--global", "home", is_flag=True, help="With --installed: the folders of your home instead.")
@_library_options
@_json_option
def list_(
    library: Library, category: str | None, tag: str | None, installed: bool, home: bool, as_json: bool
) -> None:
    """List the visible skills: name, category, description.

    Examples:
      airskills list
      airskills list --category post-training --json
      airskills list --installed
      airskills list --installed --global
    """
    if home and not installed:
        raise click.UsageError("--global needs --installed")
    if installed:
        _list_installed(home=home, as_json=as_json)
        return
    chosen = [s for s in library if (not category or s.category == category) and (not tag or tag in s.tags)]
    if as_json:
        _print_json([_summary(skill) for skill in chosen])
    else:
        _print_table(
            ("name", "category", "description"), [(s.name, s.category, s.description) for s in chosen]
        )
    waiting = sum(finding.code == "AS802" for finding in library.findings)
    if waiting:
        said = "1 project skill is" if waiting == 1 else f"{waiting} project skills are"
        click.echo(f"{said} not trusted; `airskills doctor` names them.", err=True)


def _list_installed(*, home: bool, as_json: bool) -> None:
    from airskills.install import state

    rows = state.installed(state.Target(Path.cwd(), home))
    if as_json:
        _print_json(rows)
    else:
        _print_table(
            ("name", "state", "source", "commit"),
            [(r["name"], r["state"], r["source"], r["commit"]) for r in rows],
        )


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
    """Find skills for a request in your own words. Prints nothing and exits 1 when none fits well.

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
    """Print the instructions of the skill NAME, or one FILE of it.

    Examples:
      airskills load faiss
      airskills load faiss --wrap
      airskills load faiss --section Symptoms
      airskills load faiss references/troubleshooting.md
    """
    if sum((file is not None, raw, wrap, section is not None, as_json)) > 1:
        raise click.UsageError("FILE, --raw, --wrap, --section and --json exclude each other")
    if raw or file is not None:
        click.echo(library.read(name, "SKILL.md" if file is None else file), nl=False)
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

        _print(catalog.wrap(skill, library.files(name)), nl=False)
    else:
        _print(skill.body if section is None else _section(skill, section), nl=False)


def _section(skill: Skill, heading: str) -> str:
    found = skill.section(heading)
    if found is None:
        names = ", ".join(repr(found.text) for found in skill.headings if found.level == 2)
        raise AirskillsError(
            f"Skill {skill.name!r} has no heading {heading!r}", help=f"It has {names or 'no headings'}"
        )
    return found


@cli.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["xml", "json", "markdown"]),
    default="xml",
    show_default=True,
    help="How to write it.",
)
@click.option("--budget", type=click.IntRange(min=1), help="Characters at most.")
@click.option(
    "--tokens", type=click.IntRange(min=1), help="Tokens at most, estimated at 3.6 characters each."
)
@click.option("--client", help="Use the limits of this client, such as claude-code or codex.")
@click.option("--category", help="Only this category.")
@_library_options
@click.option(
    "--json", "as_json", is_flag=True, help="Print the text with the names it shows, shortens and leaves out."
)
def prompt(
    library: Library,
    form: Any,
    budget: int | None,
    tokens: int | None,
    client: str | None,
    category: str | None,
    as_json: bool,
) -> None:
    """Print the catalogue for a system prompt, cut to a budget. Prints nothing when there are no skills.

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
    if as_json:
        _print_json(asdict(rendered))
        return
    _print(rendered.text, nl=False)
    if rendered.shortened or rendered.dropped:
        click.echo(f"shortened: {len(rendered.shortened)}, left out: {len(rendered.dropped)}", err=True)


@cli.command()
@click.argument("name")
@click.option(
    "--dir",
    "parent",
    default="skills",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that will hold it.",
)
@click.option("--description", default="", help="What it does and when to use it.")
@click.option("--category", default="research", show_default=True, help="Its category.")
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
    """Make the folder of a new skill from the template.

    Examples:
      airskills new my-tool
      airskills new my-tool --dir ~/.agents/skills --description "... Use when ..."
    """
    from airskills import scaffold

    made = scaffold.new_skill(parent, name, description=description, category=category, tags=tags, pins=pins)
    if as_json:
        _print_json([str(path) for path in made])
    else:
        _print("\n".join(map(str, made)))


@cli.command()
@click.argument("name", shell_complete=_complete_names)
@click.argument("file", required=False, shell_complete=_complete_files)
@_library_options
@_json_option
def path(library: Library, name: str, file: str | None, as_json: bool) -> None:
    """Print where a skill, or one file of it, lies on disk.

    Examples:
      airskills path peft
      python "$(airskills path peft scripts/adapter_memory.py)" --help
    """
    if file is not None:
        library.read(name, file)
    folder = library.load(name).directory
    found = folder if file is None else os.path.normpath(f"{folder}/{file}")
    if as_json:
        _print_json({"name": name, "path": found})
    else:
        _print(found)


@cli.command()
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False))
@click.option("--remove", is_flag=True, help="Take the trust back.")
@_json_option
def trust(folder: str, remove: bool, as_json: bool) -> None:
    """Trust the project skills of FOLDER as they are now; a changed file ends the trust.

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
        _print("\n".join(chosen) if chosen else "No project skills here.", err=not chosen)


@cli.command()
@_library_options
@_json_option
def doctor(library: Library, as_json: bool) -> None:
    """Say what was scanned, found and skipped, and why; and how the search index is.

    Exits 1 when there is a finding of severity error.

    Examples:
      airskills doctor
      airskills doctor --path skills --json
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
        _print(f"\nindex: {state['path']} ({state['skills']} skills, {state['bytes']:,} bytes, {fts})")
        _print_findings(findings)
    if any(finding.severity == "error" for finding in findings):
        raise SystemExit(1)


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

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


def _print(text: str, *, nl: bool = True, err: bool = False) -> None:
    """UTF-8 in every locale, as the quick path of `load` writes it; names of files byte for byte."""
    click.echo(text.encode(errors="surrogateescape"), nl=nl, err=err)


def _print_json(value: Any) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    click.echo(text.encode(errors="backslashreplace"))  # JSON writes a lone surrogate in the same way


def _print_findings(findings: Iterable[Finding]) -> None:
    for finding in findings:
        _print(str(finding))


def _print_table(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """A table for people; tab-separated lines, without a heading, when the output is piped."""
    if not sys.stdout.isatty():
        for row in rows:
            _print("\t".join(_cell(cell) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(Text(_cell(row[0]), style="cyan"), *(Text(_cell(cell)) for cell in row[1:]))
    Console().print(table)


def _cell(value: Any) -> str:
    """One line without control characters: a description may not move the cursor of whoever lists it."""
    words = " ".join(str(value).split())
    return "".join(char for char in words if unicodedata.category(char) not in {"Cc", "Cf"})
