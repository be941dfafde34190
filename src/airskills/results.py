"""What a check found in each skill, kept for the next run: by the content of its files and the version of the rules.

Content decides: a fresh checkout and a restored CI cache keep their results. As in git's index, files whose size, times
and number are as before are not read again, unless they changed so shortly before they were read that a later change
could bear the same time.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from airskills.disk import bytes_of, digest_of, stamp_of
from airskills.draft import write_whole
from airskills.finding import SEVERITIES, Finding, declare
from airskills.settings import Settings

SETTLED = (
    2_000_000_000  # nanoseconds; the coarsest clock of a file system that is in use (FAT) has two seconds
)


@dataclass(frozen=True, slots=True)
class Result:
    """What was found in one skill.

    Attributes:
        digest: of everything that was looked at.
        stamp: of sizes and times, or "" where they settle nothing.
        findings: of the rules that look at one skill at a time.
        reasons: why its author ignores codes.
        notes: what the rules about whole libraries need of it, by code; JSON values.
    """

    digest: str
    stamp: str = ""
    findings: tuple[Finding, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


class Results:
    """The results of one set of settings.

    Attributes:
        active: codes of the rules that these settings switch on; empty while nobody has worked them out.
    """

    def __init__(self, folder: Path | None, settings: Settings) -> None:
        """Open the results in the cache folder `folder`; None and damaged files hold none."""
        self.active: tuple[str, ...] = ()
        self._folders: dict[str, Result] = {}
        self._library: tuple[str, tuple[Finding, ...]] = ("", ())
        self._changed = False
        self._path: Path | None = None
        if folder is not None:
            name = hashlib.sha256(repr(settings).encode()).hexdigest()[:16]
            self._path = folder / f"check-{name}.json"
            with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                self._decode(json.loads(self._path.read_bytes()))

    def get(self, path: str) -> Result | None:
        """The result of the skill folder `path`, if nothing in it changed."""
        known = self._folders.get(path)
        if known is None or (known.stamp and known.stamp == stamp_of(path)[0]):
            return known
        stamp = settled_stamp(path)
        if known.digest != digest_of(path):
            return None
        self.put(path, replace(known, stamp=stamp))
        return self._folders[path]

    def put(self, path: str, result: Result) -> None:
        """Keep a result."""
        self._folders[path] = result
        self._changed = True

    def library(self, key: str) -> tuple[Finding, ...] | None:
        """Findings about the library of skills whose paths and digests make `key`."""
        return self._library[1] if self._library[0] == key else None

    def put_library(self, key: str, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Keep and return the findings about a library."""
        self._library = (key, tuple(findings))
        self._changed = True
        return self._library[1]

    def save(self) -> None:
        """Write what changed, all or nothing; skills that are gone are forgotten."""
        if self._path is None or not self._changed:
            return
        text = json.dumps(self._encode())
        with suppress(OSError):  # a cache that cannot be written costs time, nothing else
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, text)

    def _encode(self) -> dict[str, Any]:
        kept = {path: result for path, result in self._folders.items() if os.path.isdir(path)}
        return {
            "version": _version(),
            "day": _today(),
            "active": self.active,
            "severities": SEVERITIES,
            "library": [self._library[0], _rows(self._library[1])],
            "folders": {
                path: [result.digest, result.stamp, _rows(result.findings), result.reasons, result.notes]
                for path, result in kept.items()
            },
        }

    def _decode(self, stored: dict[str, Any]) -> None:
        if (stored["version"], stored["day"]) != (_version(), _today()):
            return
        folders = {
            path: Result(digest, stamp, _findings(rows), dict(reasons), dict(notes))
            for path, (digest, stamp, rows, reasons, notes) in stored["folders"].items()
        }
        key, rows = stored["library"]
        self._library = (str(key), _findings(rows))
        for code, severity in stored["severities"].items():
            declare(code, severity)
        self.active, self._folders = tuple(stored["active"]), folders


def settled_stamp(path: str) -> str:
    """The stamp of a folder that is about to be read, or "" where something in it changed just now."""
    stamp, newest = stamp_of(path)
    return stamp if newest < time.time_ns() - SETTLED else ""


def library_key(results: Mapping[str, Result]) -> str:
    """What the findings about a library depend on."""
    return hashlib.sha256(
        repr([(path, result.digest) for path, result in results.items()]).encode()
    ).hexdigest()


def _rows(findings: Iterable[Finding]) -> list[list[str | int]]:
    return [[f.path, f.line, f.column, f.code, f.message, f.help] for f in findings]


def _findings(rows: Iterable[list[Any]]) -> tuple[Finding, ...]:
    return tuple(Finding(*row) for row in rows)


def _today() -> str:
    """Results age by the day: a rule compares dates with today."""
    return datetime.now(UTC).date().isoformat()


@cache
def _version() -> str:
    """Hash of the code and data that results depend on: a changed rule empties the cache."""
    package = Path(__file__).parent
    return bytes_of([*package.glob("*.py"), *package.glob("rules/*.py"), *package.glob("data/*.*")])
