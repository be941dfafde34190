"""Which expressions of a skill's files ran, as `guard/airskills_recorder` writes them down: read, kept, and shown.

Places are written as `proof.place` does.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from airskills.proof import place
from airskills.run.units import Unit

Recorded = Mapping[str, tuple[str, ...]]  # file, relative to the skill, to places in order
_ROW = re.compile(r"(?P<path>[^\t]+)\t(?P<place>\d+:\d+-(?:\d+:)?\d+)")
_NUMBERS = re.compile(r"(\d+):(\d+)-(?:(\d+):)?(\d+)")


def read(file: Path) -> Recorded:
    """What was written down; code under test may have written anything there, and then those lines are passed over."""
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    return _sorted((row["path"], row["place"]) for row in map(_ROW.fullmatch, text.split("\n")) if row)


def merged(records: Iterable[Recorded]) -> Recorded:
    """Everything that ran in any of them."""
    return _sorted((path, one) for record in records for path, places in record.items() for one in places)


def of_unit(unit: Unit, record: Recorded) -> Recorded:
    """What ran of the unit itself, by file, and of the files that its result depends on."""
    first, last = _lines(unit)
    found = []
    for path, places in record.items():
        for written in places:
            begin, _, end, _ = _numbers(written)
            if depends(unit, path) or (path == unit.path and first <= begin <= end <= last):
                found.append((path, written))
    return _sorted(found)


def _lines(unit: Unit) -> tuple[int, int]:
    """First and last line that are the unit's own; none of a quoted YAML text whose lines are not those of the file."""
    more = unit.source.rstrip("\n").count("\n")
    quoted = unit.kind == "facts" and unit.first_line == unit.line and more
    return (1, 0) if unit.command or quoted else (unit.first_line, unit.first_line + more)


def moved(record: Recorded, path: str, lines: int) -> Recorded:
    """The same with the places of one file so many lines further down."""
    return {
        name: tuple(_moved(one, lines) for one in places) if name == path else places
        for name, places in record.items()
    }


def beside(unit: Unit) -> tuple[str, ...]:
    """Folders, and patterns of files, that a unit may read besides its own source."""
    if unit.kind == "evals":
        return (unit.path.rpartition("/")[0], "evals/*.py", "scripts")
    return (unit.kind,) if unit.command else ("evals/*.py",)


def depends(unit: Unit, path: str) -> bool:
    """Whether a file is one of those."""
    where = PurePosixPath(path)
    return any(where.is_relative_to(name) or where.match(name) for name in beside(unit))


def _sorted(found: Iterable[tuple[str, str]]) -> Recorded:
    by_file: defaultdict[str, set[str]] = defaultdict(set)
    for path, written in found:
        by_file[path].add(written)
    return {path: tuple(sorted(by_file[path], key=_numbers)) for path in sorted(by_file)}


def _numbers(written: str) -> tuple[int, int, int, int]:
    found = _NUMBERS.fullmatch(written)
    if found is None:
        raise ValueError(written)
    first, start, last, end = found.groups()
    return int(first), int(start), int(last or first), int(end)


def _moved(written: str, lines: int) -> str:
    first, start, last, end = _numbers(written)
    return place(first + lines, start, last + lines, end)
