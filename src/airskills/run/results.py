"""What ran before and need not run again: one small file for each unit that did as it should.

A unit is known by a hash of its code, of what runs before it in its section, of its stand-ins, of everything installed,
of Python and platform, and of this package. Failures are never remembered.
"""

from __future__ import annotations

import hashlib
import json
import platform
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from airskills.cache import touch
from airskills.disk import bytes_of
from airskills.draft import write_whole
from airskills.environments import Environment
from airskills.finding import Finding
from airskills.folder import Folder
from airskills.run.fixtures import StandIn
from airskills.run.judge import Outcome
from airskills.run.recorded import depends, moved
from airskills.run.units import Unit


@dataclass(frozen=True, slots=True)
class Results:
    """The folder of remembered results; None remembers nothing.

    Attributes:
        folder: where they are.
        recorded: whether only those count that say which expressions ran.
    """

    folder: Path | None
    recorded: bool = False

    def get(self, unit: Unit, key: str) -> Outcome | None:
        """The outcome of a unit that ran before under this key."""
        if self.folder is None:
            return None
        try:
            known = json.loads(self._path(key).read_text(encoding="utf-8"))
            findings = tuple(
                Finding(unit.file, unit.line + offset, 1, code, message, help_)
                for offset, code, message, help_ in known["findings"]
            )
            standins = tuple(known["standins"])
            ran = known["ran"]
            if ran is None and self.recorded:
                return None
            ran = ran and moved(
                {path: tuple(places) for path, places in ran.items()}, unit.path, unit.first_line
            )
            touch(self._path(key))
            return Outcome(
                unit, "ran", findings, known["seconds"], cached=known["date"], standins=standins, ran=ran
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, outcome: Outcome, key: str) -> None:
        """Remember a unit that ran as it should."""
        if self.folder is None or outcome.state != "ran":
            return
        record: dict[str, Any] = {
            "date": datetime.now(UTC).date().isoformat(),
            "seconds": round(outcome.seconds, 3),
            "findings": [[f.line - outcome.unit.line, f.code, f.message, f.help] for f in outcome.findings],
            "standins": outcome.standins,
            "ran": outcome.ran and moved(outcome.ran, outcome.unit.path, -outcome.unit.first_line),
        }
        path = self._path(key)
        with suppress(OSError):  # a cache that cannot be written costs time, nothing else
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(record))

    def _path(self, key: str) -> Path:
        assert self.folder is not None  # noqa: S101 - the callers have looked
        return self.folder / key[:2] / f"{key[2:]}.json"


def keys(units: list[Unit], folder: Folder, place: Environment, standins: tuple[StandIn, ...]) -> list[str]:
    """A key for each unit of one job: that of a later block depends on the blocks before it."""
    common = [
        _version(),
        place.installed,
        place.version,
        platform.platform(),
        repr(standins),
        _digest(folder, units[0]),
    ]
    total = hashlib.sha256(json.dumps(common).encode())
    found = []
    for unit in units:
        arguments = [text.removeprefix(unit.folder) for text in unit.command]
        promises = [unit.fails, unit.silent, unit.warns, unit.status]
        total.update(json.dumps([unit.kind, unit.source, arguments, promises]).encode())
        found.append(total.hexdigest())
    return found


def _digest(folder: Folder, unit: Unit) -> str:
    """Names and contents of the files that a unit may read."""
    total = hashlib.sha256()
    for file in folder.files:
        if depends(unit, file.path):
            total.update(f"{file.path}\0".encode() + folder.read(file.path) + b"\0")
    return total.hexdigest()


@cache
def _version() -> str:
    """Hash of this package: what runs units, and what judges them."""
    return bytes_of(Path(__file__).parent.rglob("*.py"))
