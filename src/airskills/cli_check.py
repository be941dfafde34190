"""The commands `check` and `rule`: for the authors of skills, in this library and in any other."""

from __future__ import annotations

import difflib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from airskills import check as checks
from airskills import report, settings
from airskills.errors import AirskillsError
from airskills.finding import Finding
from airskills.rules import FAMILIES, PROFILES, RULES, page


def _codes(_context: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Codes may be repeated or separated by commas."""
    return tuple(code.strip().upper() for item in value for code in item.split(",") if code.strip())


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True))
@click.option(
    "--profile", type=click.Choice(PROFILES), help="Which rules: the specification's, ours, or a client's."
)
@click.option("--select", multiple=True, callback=_codes, help="Only these codes or prefixes (AS3, AS301).")
@click.option("--extend-select", multiple=True, callback=_codes, help="These besides the profile's.")
@click.option("--ignore", multiple=True, callback=_codes, help="Not these.")
@click.option("--output-format", "form", type=click.Choice(report.FORMATS), default="text", show_default=True)
@click.option(
    "--baseline",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Report only what is not in this file.",
)
@click.option("--write-baseline", is_flag=True, help="Write what is found to --baseline, and exit 0.")
@click.option("--fix", is_flag=True, help="Repair what is safe to repair.")
@click.option("--diff", is_flag=True, help="Show what --fix would change; writes nothing.")
@click.option("--statistics", is_flag=True, help="Count findings by code instead of listing them.")
@click.option("--watch", is_flag=True, help="Check again whenever a file changes.")
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
    r"""Check skills: a skill, a folder of them, or a repository. Offline; without PATHS the working folder.

    \b
    Examples:
      airskills check skills
      airskills check ~/.claude/skills --profile claude-code
      airskills check . --select AS3,AS404 --output-format sarif > airskills.sarif
      airskills check old-library --baseline known.json --write-baseline
    """
    if write_baseline and baseline is None:
        raise click.UsageError("--write-baseline needs --baseline FILE")
    roots = paths or (".",)
    chosen = settings.override(
        settings.load(Path(os.path.abspath(roots[0]))),
        profile=profile,
        select=select,
        extend_select=extend_select,
        ignore=dict.fromkeys(ignore, ""),
    )
    if fix or diff:
        _fix(roots, chosen, write=not diff)
        if diff:
            return
    cache = None if no_cache else _cache_folder()
    once = _Once(roots, chosen, form, baseline, statistics, cache, jobs)
    if write_baseline and baseline is not None:
        once.write_baseline(baseline)
        return
    found = once.run()
    for _ in _changes(roots) if watch else ():
        click.clear()
        found = once.run()
    raise SystemExit(int(any(finding.severity != "note" for finding in found)))


class _Once:
    """One run of the check with fixed options, printed."""

    def __init__(
        self,
        roots: tuple[str, ...],
        chosen: settings.Settings,
        form: str,
        baseline: Path | None,
        statistics: bool,
        cache: Path | None,
        jobs: int | None,
    ) -> None:
        self.roots, self.settings, self.form, self.baseline = roots, chosen, form, baseline
        self.statistics, self.cache, self.jobs = statistics, cache, jobs

    def report(self) -> checks.Report:
        with _progress() as tell:
            return checks.report(
                self.roots, settings=self.settings, cache_folder=self.cache, jobs=self.jobs, progress=tell
            )

    def run(self) -> list[Finding]:
        start = time.perf_counter()
        found = self.report()
        findings = found.findings
        if self.baseline is not None:
            findings = checks.without_baseline(findings, self.baseline)
        if self.statistics:
            rows = report.statistics(findings)
            click.echo(
                json.dumps(rows)
                if self.form == "json"
                else "\n".join(f"{n:6} {code} {text}" for n, code, text in rows)
            )
        else:
            titles = {
                code: (rule.__doc__ or code).partition("\n")[0].rstrip(".") for code, rule in RULES.items()
            }
            click.echo(report.render(findings, self.form, titles), nl=False)
        for finding, reason in found.ignored:
            click.echo(
                f"ignored: {report.relative(finding.path)}:{finding.line} {finding.code} ({reason})", err=True
            )
        seconds = time.perf_counter() - start
        click.echo(report.summary(findings, found.folders, seconds=seconds), err=self.form != "text")
        return findings

    def write_baseline(self, path: Path) -> None:
        count = checks.write_baseline(self.report().findings, path)
        click.echo(f"{count} findings are in {path} now.", err=True)


def _cache_folder() -> Path:
    import platformdirs

    return Path(os.environ.get("AIRSKILLS_CACHE_DIR") or platformdirs.user_cache_path("airskills"))


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


def _changes(roots: Iterable[str]) -> Iterator[object]:
    try:
        from watchfiles import watch
    except ModuleNotFoundError as error:
        raise AirskillsError(
            "--watch needs watchfiles, which is not installed", help="pip install 'airskills[watch]'"
        ) from error
    changes: Iterator[object] = watch(*roots)
    return changes


def _fix(roots: tuple[str, ...], chosen: settings.Settings, *, write: bool) -> None:
    for path, before, after in checks.fixes(roots, chosen):
        if write:
            Path(path).write_text(after, encoding="utf-8", newline="\n")
            click.echo(f"fixed: {report.relative(path)}", err=True)
        else:
            name = report.relative(path)
            lines = difflib.unified_diff(
                before.splitlines(True), after.splitlines(True), f"a/{name}", f"b/{name}"
            )
            click.echo("".join(lines), nl=False)


@click.command()
@click.argument("code", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rule(code: str | None, as_json: bool) -> None:
    r"""Show the page of a rule, or list them all.

    \b
    Examples:
      airskills rule
      airskills rule AS301
    """
    if code is None:
        _list_rules(as_json)
        return
    found = RULES.get(code.upper())
    if found is None:
        near = difflib.get_close_matches(code.upper(), RULES, n=3)
        raise AirskillsError(
            f"No rule has the code {code!r}",
            help=f"Did you mean {', '.join(near)}?" if near else "`airskills rule` lists them",
        )
    if as_json:
        click.echo(json.dumps({**_row(code.upper()), "page": page(found)}, indent=2, ensure_ascii=False))
    else:
        click.echo(page(found), nl=False)


def _row(code: str) -> dict[str, Any]:
    found = RULES[code]
    title = (found.__doc__ or "").partition("\n")[0].rstrip(".")
    return {"code": code, "title": title, "severity": found.severity, "profiles": list(found.profiles)}


def _list_rules(as_json: bool) -> None:
    rows = [_row(code) for code in sorted(RULES)]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    family = ""
    for row in rows:
        if row["code"][:3] != family:
            family = row["code"][:3]
            click.echo(f"{family}xx {FAMILIES[family]}")
        click.echo(f"  {row['code']}  {row['severity']:7}  {row['title']}")
