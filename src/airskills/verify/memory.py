"""What was found of each unit, kept for the next run: by the unit's text, its packages, the back end and our own code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path

from airskills.disk import bytes_of
from airskills.draft import write_whole
from airskills.verify.ledger import Entry, Level


class Memory:
    """Entries of the units of one skill.

    Args:
        folder: where results are kept; None keeps none.
        skill: folder of the skill, which names the file.
    """

    def __init__(self, folder: Path | None, skill: str) -> None:
        self._path: Path | None = None
        self._kept: dict[str, tuple[Entry, ...]] = {}
        if folder is not None:
            self._path = place_of(folder, skill)

    @cached_property
    def _known(self) -> Mapping[str, list[list[str | int]]]:
        with suppress(OSError, ValueError):
            stored = json.loads(self._path.read_text(encoding="utf-8")) if self._path else {}
            return stored if isinstance(stored, dict) else {}
        return {}

    def recall(self, key: str) -> tuple[Entry, ...] | None:
        """The entries of a unit, if it is known."""
        try:
            return tuple(entry_of(row) for row in self._known[key])
        except (KeyError, TypeError, ValueError):
            return None

    def keep(self, key: str, entries: Iterable[Entry]) -> None:
        """Remember a unit of this run; those of the last run that nobody keeps are forgotten."""
        self._kept[key] = tuple(entries)

    def save(self, *, forget: bool = True) -> None:
        """Write what is kept, if it is not what was known; what is not to be forgotten stays beside it."""
        before = {} if forget else self._known
        if self._path is None or {**before, **self._kept}.keys() == self._known.keys():
            return
        rows = {**before, **{key: list(map(row_of, entries)) for key, entries in self._kept.items()}}
        with suppress(OSError):  # a memory that cannot be written costs time, nothing else
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, json.dumps(rows))


def place_of(folder: Path, skill: str, kind: str = "") -> Path:
    """The file of a skill below the folder in which results are kept."""
    name = hashlib.sha256(skill.encode(errors="surrogateescape")).hexdigest()[:24]
    return folder / "verify" / f"{name}{kind}.json"


def key_of(*parts: object) -> str:
    """A name for what depends on these parts, and on our own code."""
    total = hashlib.sha256(_code().encode())
    for part in parts:
        total.update(f"{part!r}\0".encode(errors="surrogateescape"))
    return total.hexdigest()


@cache
def _code() -> str:
    """Hash of the code that judges: a changed filter forgets everything."""
    package = Path(__file__).parent
    return bytes_of(
        [*package.rglob("*.py"), *package.parent.glob("*.py"), *package.parent.glob("data/captures/*")]
    )


def row_of(entry: Entry) -> list[str | int]:
    """An entry as JSON keeps it."""
    return [
        entry.path,
        entry.line,
        entry.column,
        entry.code,
        entry.message,
        entry.help,
        entry.state,
        entry.use,
        entry.level,
        entry.statement,
        entry.target,
        entry.shape,
        entry.by_run,
    ]


def entry_of(row: list[str | int]) -> Entry:
    """The way back."""
    path, line, column, code, message, help_, state, use, level, *rest = row
    return Entry(path, line, column, code, message, help_, state, use, Level(level), *rest)  # type: ignore[arg-type]  # our own JSON
