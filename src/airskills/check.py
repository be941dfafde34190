"""`airskills check`: every rule over every skill, offline, in milliseconds; results cached by what was read.

from airskills import check
findings = check.run(["skills"])
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from airskills import scan
from airskills.errors import AirskillsError
from airskills.finding import Finding
from airskills.folder import Folder, open_folder
from airskills.rules import PROFILES, RULES, LibraryRule, Rule
from airskills.settings import Settings, load
from airskills.skill import FILE_NAME

PARALLEL_FROM = (
    48  # folders; below, starting processes costs more than it saves (2 cores, benchmarks/check.py)
)
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
    rules = active_rules(chosen)
    out = Report()
    folders, problems = collect(roots, chosen)
    out.folders = len(folders)
    single = [rule for rule in rules if not issubclass(rule, LibraryRule)]
    known = _Cache(cache_folder, single, chosen)
    found = _checked(folders, single, chosen, known, jobs or os.cpu_count() or 1, progress)
    out.cached = known.hits
    known.save()
    together = [rule for rule in rules if issubclass(rule, LibraryRule)]
    opened = [open_folder(path) for path in folders] if together else []
    active = {rule.__name__ for rule in rules}
    everything = [finding for finding in problems if finding.code in active]
    everything += [finding for findings in found.values() for finding in findings[0]]
    for rule in together:
        everything += rule(chosen).check_all(opened)
    reasons = {path: findings[1] for path, findings in found.items()}
    for finding in sorted(set(everything), key=lambda f: (f.path, f.line, f.column, f.code, f.message)):
        reason = _reason(finding, reasons, chosen)
        if reason is None:
            out.findings.append(finding)
        elif reason:
            out.ignored.append((finding, reason))
    return out


def active_rules(settings: Settings) -> list[type[Rule]]:
    """The rules that these settings switch on, by code.

    Raises:
        AirskillsError: an unknown profile, or a code or prefix that no rule has.
    """
    if settings.profile not in PROFILES:
        raise AirskillsError(
            f"No profile is called {settings.profile!r}", help=f"Choose one of {', '.join(PROFILES)}"
        )
    for prefix in (*settings.select, *settings.extend_select, *settings.ignore):
        if not any(code.startswith(prefix) for code in RULES) and prefix != "ALL":
            raise AirskillsError(
                f"No rule has the code or prefix {prefix!r}", help="`airskills rule` lists them all"
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
            below = os.path.relpath(folder.path, base)
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


Checked = tuple[list[Finding], dict[str, str]]


def check_folder(folder: Folder, rules: Iterable[type[Rule]], settings: Settings) -> Checked:
    """Findings of one skill, and the reasons for which its author ignores codes."""
    findings: list[Finding] = []
    for rule in rules:
        findings += rule(settings).check(folder)
    return findings, _own_ignores(folder)


def _check_path(path: str, codes: tuple[str, ...], settings: Settings) -> Checked:
    return check_folder(open_folder(path), [RULES[code] for code in codes], settings)


def _checked(
    folders: list[str],
    rules: list[type[Rule]],
    settings: Settings,
    known: _Cache,
    jobs: int,
    progress: Callable[[int, int], None] | None,
) -> dict[str, Checked]:
    found = {path: hit for path in folders if (hit := known.get(path)) is not None}
    missing = [path for path in folders if path not in found]
    codes = tuple(rule.__name__ for rule in rules)
    tell = progress or (lambda _done, _total: None)
    if jobs > 1 and len(missing) >= PARALLEL_FROM:
        with ProcessPoolExecutor(jobs) as pool:
            size = max(1, len(missing) // (jobs * 4))
            results = pool.map(
                _check_path, missing, [codes] * len(missing), [settings] * len(missing), chunksize=size
            )
            for path, result in zip(missing, results, strict=True):
                found[path] = result
                tell(len(found), len(folders))
    else:
        for path in missing:
            found[path] = _check_path(path, codes, settings)
            tell(len(found), len(folders))
    for path in missing:
        known.put(path, found[path])
    return found


def _own_ignores(folder: Folder) -> dict[str, str]:
    """Codes and reasons of `airskills-ignore: "AS204: why; AS301: why"`; one without a reason ignores nothing."""
    text = folder.skill.metadata.get("airskills-ignore", "") if folder.skill else ""
    pairs = (item.partition(":") for item in text.split(";"))
    return {code.strip(): reason.strip() for code, _, reason in pairs if code.strip() and reason.strip()}


def _reason(finding: Finding, own: Mapping[str, Mapping[str, str]], settings: Settings) -> str | None:
    """Why the finding is silenced: None when it is not, "" when the command line says so without a word."""
    for path, ignores in own.items():
        if finding.path.startswith(f"{path}/") and finding.code in ignores:
            return ignores[finding.code]
    return next((why for prefix, why in settings.ignore.items() if _matches(finding.code, [prefix])), None)


class _Cache:
    """Results by folder, valid while every file of it has the same size and time and the rules are the same."""

    def __init__(self, folder: Path | None, rules: Iterable[type[Rule]], settings: Settings) -> None:
        self.hits = 0
        self._path: Path | None = None
        self._entries: dict[str, tuple[str, Checked]] = {}
        self._stamps: dict[str, str] = {}
        self._changed = False
        if folder is not None:
            key = f"{_version()} {sorted(rule.__name__ for rule in rules)} {settings!r}"
            self._path = folder / f"check-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
            with suppress(OSError, ValueError, KeyError, TypeError):
                self._entries = _decode(json.loads(self._path.read_text(encoding="utf-8")))

    def get(self, path: str) -> Checked | None:
        if self._path is None:
            return None
        self._stamps[path] = _stamp(path)
        stamp, result = self._entries.get(path, ("", ([], {})))
        if stamp != self._stamps[path]:
            return None
        self.hits += 1
        return result

    def put(self, path: str, result: Checked) -> None:
        if self._path is not None:
            self._entries[path] = (self._stamps[path], result)
            self._changed = True

    def save(self) -> None:
        if self._path is None or not self._changed:
            return
        with suppress(OSError):  # a cache that cannot be written costs time, nothing else
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_suffix(f".{os.getpid()}")
            draft.write_text(json.dumps(_encode(self._entries)), encoding="utf-8")
            draft.replace(self._path)


def _encode(entries: Mapping[str, tuple[str, Checked]]) -> dict[str, object]:
    return {
        path: [stamp, [[f.path, f.line, f.column, f.code, f.message, f.help] for f in findings], reasons]
        for path, (stamp, (findings, reasons)) in entries.items()
    }


def _decode(stored: Mapping[str, list[object]]) -> dict[str, tuple[str, Checked]]:
    return {
        path: (str(stamp), ([Finding(*row) for row in findings], dict(reasons)))  # type: ignore[call-overload, attr-defined]  # our own JSON; a wrong shape raises and is dropped
        for path, (stamp, findings, reasons) in stored.items()
    }


def _stamp(folder: str) -> str:
    """Path, size and time of every file, hashed."""
    total = hashlib.sha256()
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in scan.SKIPPED)
        for name in sorted(names):
            with suppress(OSError):
                status = os.lstat(f"{base}/{name}")
                total.update(
                    f"{base}/{name}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_mode}\n".encode(
                        errors="surrogateescape"
                    )
                )
    return total.hexdigest()


@cache
def _version() -> str:
    """Hash of the code and data that results depend on: a changed rule empties the cache."""
    package = Path(__file__).parent
    total = hashlib.sha256()
    for path in sorted([*package.glob("*.py"), *package.glob("rules/*.py"), *package.glob("data/*")]):
        total.update(path.read_bytes())
    return total.hexdigest()
