"""The commands `check` and `rule`: for the authors of skills, in this library and in any other."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from airskills import baseline as known
from airskills import check as checks
from airskills import codes, report, settings
from airskills.cli_help import Command
from airskills.errors import AirskillsError
from airskills.finding import Finding
from airskills.rules import FAMILIES, PROFILES, RULES, fixable, page, title, why
from airskills.run import codes as _run_codes  # noqa: F401 - describes what `airskills test` says
from airskills.skill import FILE_NAME

FIRST_LOOK_MS = 100  # until a quiet watcher answers for the first time; from then on no change is lost


def _codes(_context: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Codes may be repeated or separated by commas."""
    return tuple(code.strip().upper() for item in value for code in item.split(",") if code.strip())


def _complete_codes(
    _context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Codes that go on from the last comma; options take the prefix of a family too."""
    before, comma, begun = incomplete.rpartition(",")
    choices = {code: title(rule) for code, rule in sorted(RULES.items())}
    if isinstance(parameter, click.Option):
        choices = FAMILIES | choices
    else:
        choices |= {code: entry.title for code, entry in sorted(codes.CODES.items())}
    fitting = {code: text for code, text in choices.items() if code.startswith(begun.upper())}
    return [CompletionItem(f"{before}{comma}{code}", help=text) for code, text in fitting.items()]


def _code_option(name: str, help_: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        name, multiple=True, metavar="CODES", callback=_codes, shell_complete=_complete_codes, help=help_
    )


@click.command(cls=Command)
@click.argument("paths", nargs=-1, type=click.Path(exists=True))
@click.option(
    "--profile", type=click.Choice(PROFILES), help="Which rules: the specification's, ours, or a client's."
)
@_code_option("--select", "Only these codes or prefixes (AS3,AS404).")
@_code_option("--extend-select", "These besides the profile's.")
@_code_option("--ignore", "Not these.")
@click.option("--output-format", "form", type=click.Choice(report.FORMATS), default="text", show_default=True)
@click.option(
    "--baseline",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Report only what is not in this file.",
)
@click.option("--write-baseline", is_flag=True, help="Write what is found to --baseline, and exit 0.")
@click.option("--fix", is_flag=True, help="Repair what is safe to repair, then check.")
@click.option("--diff", is_flag=True, help="Show what --fix would change; writes nothing.")
@click.option("--statistics", is_flag=True, help="Count findings by code instead of listing them.")
@click.option("--watch", is_flag=True, help="Check again whenever a file changes, until Ctrl-C.")
@click.option("--no-cache", is_flag=True, help="Look at every skill anew.")
@click.option("--jobs", "-j", type=click.IntRange(min=1), help="Processes at most; the number of cores.")
def check(
    paths: tuple[str, ...],
    profile: str | None,
    select: tuple[str, ...],
    extend_select: tuple[str, ...],
    ignore: tuple[str, ...],
    form: str,
    baseline: Path | None,
    write_baseline: bool,
    fix: bool,
    diff: bool,
    statistics: bool,
    watch: bool,
    no_cache: bool,
    jobs: int | None,
) -> None:
    """Check skills: a skill, a folder of them, or a repository. Offline; without PATHS the working folder.

    Exits 1 when an error or a warning is left, 0 when nothing or only notes are, 2 when it could not run.

    Examples:
      airskills check skills
      airskills check ~/.claude/skills --profile claude-code
      airskills check . --select AS3,AS404 --output-format sarif > airskills.sarif
      airskills check old-library --baseline known.json --write-baseline
      airskills check skills --diff
    """
    if write_baseline and baseline is None:
        raise click.UsageError("--write-baseline needs --baseline FILE")
    if watch and (fix or diff or write_baseline):
        raise click.UsageError("--watch only looks: leave out --fix, --diff and --write-baseline")
    given = {
        "profile": profile,
        "select": select,
        "extend_select": extend_select,
        "ignore": dict.fromkeys(ignore, ""),
    }
    run = _Run(
        paths or (".",), given, form, baseline, statistics, None if no_cache else _cache_folder(), jobs
    )
    if fix or diff:
        _fix(run, write=not diff)
        if diff:
            return
    if write_baseline and baseline is not None:
        count = known.write(run.report().findings, baseline, run.searched())
        click.echo(f"{baseline} holds {count:,} findings now.", err=True)
        return
    found = _watch(run) if watch else run.show()
    raise SystemExit(int(any(finding.severity != "note" for finding in found)))


@dataclass(frozen=True, slots=True)
class _Run:
    """What to check and how to show it; the settings file is read anew at each look."""

    roots: tuple[str, ...]
    given: dict[str, Any] = field(default_factory=dict)
    form: str = "text"
    baseline: Path | None = None
    statistics: bool = False
    cache: Path | None = None
    jobs: int | None = None

    def searched(self) -> list[str]:
        """The folders that the roots stand for."""
        return [checks.searched(root) for root in self.roots]

    def settings(self) -> settings.Settings:
        return settings.override(settings.load(Path(os.path.abspath(self.roots[0]))), **self.given)

    def report(self) -> checks.Report:
        with _progress() as tell:
            return checks.report(
                self.roots, settings=self.settings(), cache_folder=self.cache, jobs=self.jobs, progress=tell
            )

    def show(self) -> list[Finding]:
        """Check once, print, and return what is not in the baseline."""
        start = time.perf_counter()
        found = self.report()
        seconds = time.perf_counter() - start
        compared = known.Difference(tuple(found.findings), 0, 0)
        if self.baseline is not None:
            compared = known.compare(found.findings, self.baseline, self.searched())
        fresh = list(compared.fresh)
        if self.statistics:
            _print(_statistics(fresh, as_json=self.form == "json"))
        else:
            _print(report.render(fresh, self.form, color=_colored()))
        _print_ignored(found.ignored)
        if not found.folders:
            click.echo(f"warning: no {FILE_NAME} in {', '.join(self.roots)}", err=True)
        if compared.gone:
            click.echo(
                f"{compared.gone:,} findings of {self.baseline} are gone; --write-baseline drops them.",
                err=True,
            )
        said = report.summary(fresh, found.folders, seconds=seconds, known=compared.known)
        click.echo(said, err=self.form != "text")
        return fresh


def _print(text: str) -> None:
    """UTF-8 in every locale; the bytes of odd file names are written out."""
    click.echo(text.encode(errors="backslashreplace"), nl=False)


def _colored() -> bool:
    """Color on terminals, unless NO_COLOR is set; FORCE_COLOR asks for it anywhere."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (
        sys.stdout.isatty() and os.environ.get("TERM") not in {"", "dumb"}
    )


def _statistics(findings: Sequence[Finding], *, as_json: bool) -> str:
    rows = report.statistics(findings)
    if as_json:
        return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
    return "".join(f"{row['count']:6,}  {row['code']}  {row['severity']:7}  {row['title']}\n" for row in rows)


def _print_ignored(ignored: Sequence[tuple[Finding, str]]) -> None:
    """One line for each code and reason: a reason that holds for a library is not repeated for each skill."""
    places = defaultdict(list)
    for finding, reason in ignored:
        places[finding.code, reason].append(f"{report.relative(finding.path)}:{finding.line}")
    for (code, reason), where in places.items():
        place = where[0] if len(where) == 1 else f"{len(where):,} places"
        click.echo(report.flat(f"ignored: {code} in {place}: {reason}"), err=True)


def _cache_folder() -> Path:
    given = os.environ.get("AIRSKILLS_CACHE_DIR")
    if given:
        return Path(given)
    import platformdirs

    return platformdirs.user_cache_path("airskills")


@contextmanager
def _progress() -> Iterator[Any]:
    """A bar on a terminal, for work that takes longer than a blink."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("checking", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _watch(run: _Run) -> list[Finding]:
    """Check at once and after each change until Ctrl-C; returns what the last look found."""
    try:
        from watchfiles import watch
    except ModuleNotFoundError as error:
        raise AirskillsError(
            "--watch needs watchfiles, which is not installed", help="pip install 'airskills[watch]'"
        ) from error
    changes = watch(*run.searched(), yield_on_timeout=True, rust_timeout=FIRST_LOOK_MS)
    next(changes)
    found = _look(run)
    try:
        for changed in changes:
            found = _look(run) if changed else found
    except KeyboardInterrupt:
        pass  # the way to end it
    return found


def _look(run: _Run) -> list[Finding]:
    if sys.stdout.isatty():
        click.clear()
    try:
        found = run.show()
    except AirskillsError as error:  # a settings file that is being edited
        click.echo(f"error: {error}\nhelp: {error.help}", err=True)
        found = []
    click.echo("Watching for changes; Ctrl-C ends it.", err=True)
    return found


def _fix(run: _Run, *, write: bool) -> None:
    import difflib

    for path, before, after in checks.fixes(run.roots, run.settings()):
        if write:
            Path(path).write_text(after, encoding="utf-8", newline="\n")
            click.echo(f"fixed: {report.flat(report.relative(path))}", err=True)
        else:
            name = report.relative(path)
            lines = difflib.unified_diff(
                before.splitlines(True), after.splitlines(True), f"a/{name}", f"b/{name}"
            )
            _print("".join(lines))


@click.command(cls=Command)
@click.argument("code", required=False, shell_complete=_complete_codes)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rule(code: str | None, as_json: bool) -> None:
    """Show the page of a rule or code: what, why, a bad and a good example, how to ignore it. Without CODE list them all.

    Examples:
      airskills rule
      airskills rule AS301
      airskills rule --json
    """
    if code is None:
        _list_rules(as_json)
        return
    manual = _page(code.upper())
    if as_json:
        click.echo(json.dumps({**_row(code.upper()), "page": manual}, indent=2, ensure_ascii=False))
    elif _colored():
        from rich.console import Console
        from rich.markdown import Markdown

        Console(force_terminal=True).print(Markdown(manual))
    else:
        _print(manual)


def _page(code: str) -> str:
    if code in codes.CODES:
        return codes.page(code)
    if code in RULES:
        return page(RULES[code])
    import difflib

    near = difflib.get_close_matches(code, [*RULES, *codes.CODES], n=3)
    raise AirskillsError(
        f"No rule has the code {code!r}",
        help=f"Did you mean {', '.join(near)}?" if near else "`airskills rule` lists them",
    )


def _row(code: str) -> dict[str, Any]:
    if code in codes.CODES:
        entry = codes.CODES[code]
        return {
            "code": code,
            "title": entry.title,
            "why": entry.why,
            "severity": entry.severity,
            "family": codes.FAMILIES[code[:3]],
            "profiles": [],
            "fixable": False,
        }
    found = RULES[code]
    return {
        "code": code,
        "title": title(found),
        "why": why(found),
        "severity": found.severity,
        "family": FAMILIES[code[:3]],
        "profiles": list(found.profiles),
        "fixable": fixable(found),
    }


def _list_rules(as_json: bool) -> None:
    rows = [_row(code) for code in (*sorted(RULES), *sorted(codes.CODES))]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    style: Callable[..., str] = click.style if _colored() else lambda shown, **_: str(shown)
    family = ""
    for row in rows:
        if row["code"][:3] != family:
            family = row["code"][:3]
            click.echo(style(f"{family}xx {row['family']}", bold=True), color=True)
        severity = style(f"{row['severity']:7}", fg=report.COLORS[row["severity"]])
        profile = "spec" if "spec" in row["profiles"] else "standard" if row["profiles"] else "test"
        click.echo(f"  {row['code']}  {severity}  {profile:8}  {row['title']}", color=True)
