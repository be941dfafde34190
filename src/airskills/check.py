"""`airskills check`: every rule over every skill, offline, in milliseconds; results cached by what was read.

from airskills import check
findings = check.run(["skills"])
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import repeat
from pathlib import Path

from airskills import scan
from airskills.collector import no_collection
from airskills.errors import AirskillsError
from airskills.finding import Finding
from airskills.folder import Folder, open_folder
from airskills.results import Result, Results, library_key, settled_stamp
from airskills.rules import PROFILES, RULES, LibraryRule, Rule
from airskills.settings import Settings, load
from airskills.skill import FILE_NAME

POOL_COST = 0.2  # seconds that starting processes and sending results takes (benchmarks/check_speed.py)
MAX_DEPTH = 8
AnyPath = str | os.PathLike[str]


@dataclass(slots=True)
class Report:
    """What a check found.

    Attributes:
        findings: everything wrong, by path, line and code.
        ignored: findings that a reason in the skill or the settings silences, with that reason.
        folders: how many skills were looked at.
        cached: how many of them were answered from the cache.
    """

    findings: list[Finding] = field(default_factory=list)
    ignored: list[tuple[Finding, str]] = field(default_factory=list)
    folders: int = 0
    cached: int = 0


def run(paths: AnyPath | Iterable[AnyPath], *, settings: Settings | None = None) -> list[Finding]:
    """Check every skill under `paths` and return what is wrong. Nothing is printed, written or cached.

    Args:
        paths: one or more skills, files of a skill, folders of skills, or repositories.
        settings: what to run, such as `Settings(profile="standard", ignore={"AS204": "short on purpose"})`; those of
            the settings file nearest to the first path when None.

    Returns:
        Findings by path, line, column and code; paths are absolute. An empty list is a clean bill, also where there
        is no skill at all.

    Raises:
        FileNotFoundError: a path does not exist.
        AirskillsError: the settings name an unknown profile or code, or their file is wrong.
    """
    return report(paths, settings=settings).findings


def report(
    paths: AnyPath | Iterable[AnyPath],
    *,
    settings: Settings | None = None,
    cache_folder: Path | None = None,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """As `run`, with what was ignored and why, and with a cache.

    Args:
        paths: as in `run`.
        settings: as in `run`.
        cache_folder: where results are kept; None keeps none.
        jobs: processes at most; the number of cores when None.
        progress: called with (done, total) while skills are checked.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else paths
    roots = [os.path.abspath(path) for path in given]
    chosen = settings or load(Path(roots[0]) if roots else Path())
    kept = Results(cache_folder, chosen)
    if not kept.active:
        kept.active = tuple(rule.__name__ for rule in active_rules(chosen))
    paths_, problems = collect(roots, chosen)
    known = {path: hit for path in paths_ if (hit := kept.get(path))}
    missing = [path for path in paths_ if path not in known]
    tell = progress or (lambda _done, _total: None)
    with no_collection():
        for path, result in _results(missing, kept.active, chosen, jobs or _cores()):
            known[path] = result
            kept.put(path, result)
            tell(len(known), len(paths_))
    ordered = {path: known[path] for path in paths_}
    together = _library_findings(ordered, kept, chosen)
    kept.save()
    single = [finding for result in ordered.values() for finding in result.findings]
    scanned = [finding for finding in problems if finding.code in kept.active]
    out = Report(folders=len(paths_), cached=len(paths_) - len(missing))
    _sort_in(out, {*scanned, *single, *together}, ordered, chosen)
    return out


def _sort_in(
    out: Report, findings: Iterable[Finding], results: Mapping[str, Result], settings: Settings
) -> None:
    """Put each finding where it belongs: what is wrong, or what is ignored and why."""
    for finding in sorted(findings, key=lambda f: (f.path, f.line, f.column, f.code, f.message)):
        reason = _reason(finding, results, settings)
        if reason is None:
            out.findings.append(finding)
        elif reason:
            out.ignored.append((finding, reason))


def _library_findings(results: Mapping[str, Result], kept: Results, settings: Settings) -> Iterable[Finding]:
    key = library_key(results)
    found = kept.library(key)
    if found is None:
        found = kept.put_library(key, _judged(results, kept.active, settings))
    return found


def _judged(results: Mapping[str, Result], codes: Iterable[str], settings: Settings) -> Iterator[Finding]:
    for code in codes:
        rule = RULES[code]
        if issubclass(rule, LibraryRule):
            yield from rule(settings).judge([r.notes[code] for r in results.values() if code in r.notes])


def active_rules(settings: Settings) -> list[type[Rule]]:
    """The rules that these settings switch on, by code.

    Raises:
        AirskillsError: an unknown profile, or a code or prefix that no rule has.
    """
    if settings.profile not in PROFILES:
        raise AirskillsError(
            f"{settings.at('profile')}No profile is called {settings.profile!r}",
            help=f"Choose one of {', '.join(PROFILES)}",
        )
    for name in ("select", "extend_select", "ignore"):
        for prefix in getattr(settings, name):
            if prefix != "ALL" and not any(code.startswith(prefix) for code in RULES):
                raise AirskillsError(
                    f"{settings.at(name)}No rule has the code or prefix {prefix!r}",
                    help="`airskills rule` lists them all",
                )
    chosen = []
    for code, rule in sorted(RULES.items()):
        wanted = _matches(code, settings.select) if settings.select else settings.profile in rule.profiles
        if wanted or _matches(code, settings.extend_select):
            chosen.append(rule)
    return chosen


def _matches(code: str, prefixes: Iterable[str]) -> bool:
    return any(prefix == "ALL" or code.startswith(prefix) for prefix in prefixes)


def searched(path: str | os.PathLike[str]) -> str:
    """The folder that a checked path stands for: itself, or of a file the skill that holds it.

    A file that lies in no skill stands for itself, where nothing is found.
    """
    start = os.path.abspath(path)
    if os.path.isdir(start):
        return start
    folder = os.path.dirname(start)
    while not os.path.isfile(f"{folder}/{FILE_NAME}"):
        if folder == os.path.dirname(folder):
            return start
        folder = os.path.dirname(folder)
    return folder


def collect(roots: Sequence[str], settings: Settings) -> tuple[list[str], list[Finding]]:
    """Every skill folder under the roots, each once, and what the scan has to say.

    Raises:
        FileNotFoundError: a root does not exist.
    """
    folders: dict[str, None] = {}
    problems: list[Finding] = []
    for root in roots:
        if not os.path.exists(root):
            raise FileNotFoundError(f"No file or folder {root!r}")
        base = searched(root)
        found = scan.scan(base, max_depth=MAX_DEPTH, hidden=True)
        problems += found.findings
        for folder in found.folders:
            below = os.path.relpath(folder.path, settings.base or base)
            if not any(fnmatchcase(below, pattern) for pattern in settings.exclude):
                folders[folder.path] = None
    return list(folders), problems


def fixes(paths: Iterable[AnyPath], settings: Settings) -> Iterator[tuple[str, str, str]]:
    """(file, text before, text after) of every file that the safe repairs of the active rules change."""
    roots = [os.path.abspath(path) for path in paths]
    rules = active_rules(settings)
    for path in collect(roots, settings)[0]:
        folder = open_folder(path)
        originals: dict[str, str] = {}
        texts: dict[str, str] = {}
        for rule in rules:
            for name, text in rule(settings).fix(folder).items():
                originals.setdefault(name, folder.read(name).decode("utf-8", "surrogateescape"))
                texts[name] = text
                folder = folder.replacing(name, text)
        for name, text in texts.items():
            if text != originals[name]:
                yield folder.at(name), originals[name], text


def check_folder(folder: Folder, rules: Iterable[type[Rule]], settings: Settings) -> Result:
    """What the rules find in one skill, and what those about libraries note of it."""
    findings: list[Finding] = []
    notes = {}
    for rule in rules:
        if issubclass(rule, LibraryRule):
            note = rule(settings).note(folder)
            if note is not None:
                notes[rule.__name__] = note
        else:
            findings += rule(settings).check(folder)
    return Result(folder.digest, "", tuple(findings), _own_ignores(folder), notes)


def _check_path(path: str, codes: Iterable[str], settings: Settings) -> Result:
    stamp = settled_stamp(path)  # before anything is read
    return replace(check_folder(open_folder(path), [RULES[code] for code in codes], settings), stamp=stamp)


def _results(
    paths: Sequence[str], codes: tuple[str, ...], settings: Settings, jobs: int
) -> Iterator[tuple[str, Result]]:
    """The result of each skill; by several processes once what is left takes longer than starting them."""
    done = 0
    start = time.perf_counter()
    for path in paths:
        yield path, _check_path(path, codes, settings)
        done += 1
        if done == 1:
            start = time.perf_counter()  # the first one imports what the rules need
        elif (time.perf_counter() - start) / (done - 1) * (len(paths) - done) * (1 - 1 / jobs) > POOL_COST:
            break
    yield from _results_of_pool(paths[done:], codes, settings, jobs)


def _results_of_pool(
    paths: Sequence[str], codes: tuple[str, ...], settings: Settings, jobs: int
) -> Iterator[tuple[str, Result]]:
    if not paths:
        return
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(min(jobs, len(paths)), initializer=gc.disable) as pool:
        size = max(1, min(16, len(paths) // (jobs * 4)))
        results = pool.map(_check_path, paths, repeat(codes), repeat(settings), chunksize=size)
        yield from zip(paths, results, strict=True)


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _own_ignores(folder: Folder) -> dict[str, str]:
    """Codes and reasons of `airskills-ignore: "AS204: why; AS301: why"`; one without a reason ignores nothing."""
    text = folder.skill.metadata.get("airskills-ignore", "") if folder.skill else ""
    pairs = (item.partition(":") for item in text.split(";"))
    return {code.strip(): reason.strip() for code, _, reason in pairs if code.strip() and reason.strip()}


def _reason(finding: Finding, results: Mapping[str, Result], settings: Settings) -> str | None:
    """Why the finding is silenced: None when it is not, "" when the command line says so without a word."""
    path = finding.path
    while path.rpartition("/")[0]:
        path = path.rpartition("/")[0]
        if path in results and finding.code in results[path].reasons:
            return results[path].reasons[finding.code]
    return next((why for prefix, why in settings.ignore.items() if _matches(finding.code, [prefix])), None)
