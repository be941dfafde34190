"""What the newest releases would break, before anyone raises a pin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import Version

from airskills import own
from airskills.drift import history
from airskills.drift.change import BREAKING
from airskills.drift.hits import Hit, hits, pieces
from airskills.drift.report import hit_lines, hit_row
from airskills.drift.shelf import HEAVY, Progress, Shelf, between, newest
from airskills.errors import AirskillsError
from airskills.folder import Folder
from airskills.pins import Pin, of_skill


@dataclass(frozen=True, slots=True)
class Row:
    """One pin of some skills.

    Attributes:
        pin: what they were proven with.
        newest: the newest release, or "" where that could not be found out.
        skills: names of the skills with this pin.
        hits: lines that the newer releases concern.
        problem: why nothing was compared, or "".
    """

    pin: Pin
    newest: str
    skills: tuple[str, ...]
    hits: tuple[Hit, ...] = ()
    problem: str = ""

    @property
    def breaks(self) -> bool:
        """Whether a line would fail; a changed default or a deprecation alone does not."""
        return any(hit.change.kind in BREAKING for hit in self.hits)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "package": self.pin.name,
            "pinned": self.pin.version,
            "newest": self.newest,
            "skills": list(self.skills),
            "breaks": self.breaks,
            "problem": self.problem,
            "hits": [hit_row(hit) for hit in self.hits],
        }


def outlook(
    folders: Sequence[Folder], *, cache: Path | None = None, progress: Progress | None = None
) -> list[Row]:
    """Compare every pin of some skills with the newest release of its package.

    Args:
        folders: skills; one without pins has nothing to say.
        cache: the tool's cache folder; the user's when None.
        progress: as in `Shelf`.
    """
    owners: dict[Pin, list[Folder]] = {}
    for folder in folders:
        for pin in of_skill(folder.skill) if folder.skill else ():
            owners.setdefault(Pin(pin.name, pin.version), []).append(folder)
    return [_row(pin, using, cache, progress) for pin, using in sorted(owners.items())]


def _row(pin: Pin, folders: Sequence[Folder], cache: Path | None, progress: Progress | None) -> Row:
    names = tuple(folder.name for folder in folders)
    try:
        latest = own.version() if pin.name == own.NAME else newest(pin.name)  # ours is what is installed
        if Version(latest) <= Version(pin.version):
            return Row(pin, pin.version, names)
        if pin.name in HEAVY:
            return Row(pin, latest, names, problem="its wheel is too large to read for this")
        return Row(pin, latest, names, tuple(_hits(pin, latest, folders, cache, progress)))
    except AirskillsError as error:
        return Row(pin, "", names, problem=str(error))


def _hits(
    pin: Pin, latest: str, folders: Sequence[Folder], cache: Path | None, progress: Progress | None
) -> Iterator[Hit]:
    companions = {other.name: other for folder in folders if folder.skill for other in of_skill(folder.skill)}
    shelf = Shelf(pin.name, cache=cache, companions=companions.values(), progress=progress)
    found = shelf.compare(pin.version, latest)
    met = {
        hit.change
        for folder in folders
        for hit in hits(pieces(folder), shelf.surface(pin.version), found.changes)
    }
    if not met:
        return
    some = type(found)(tuple(met), {})
    dated = list(history.dated(shelf, between(pin.name, pin.version, latest), some))
    for folder in folders:
        yield from hits(pieces(folder), shelf.surface(pin.version), dated)


def text(rows: Sequence[Row]) -> str:
    """A line for each package, the lines that are hit below it, and how much of it was compared."""
    parts = []
    for row in rows:
        below = hit_lines(row.hits, row.pin.name).splitlines()
        parts += [f"{row.pin}: {_verdict(row)}", *(f"  {line}" for line in below)]
    skipped = sum(bool(row.problem) for row in rows)
    broken = {name for row in rows if row.breaks for name in row.skills}
    said = f"{len(broken)} skills would break" if broken else "Nothing would break"
    parts.append(f"{said}; {len(rows) - skipped} of {len(rows)} pins compared with the newest releases.")
    return "".join(f"{part}\n" for part in parts)


def _verdict(row: Row) -> str:
    if row.problem:
        return (
            f"{row.newest} is out; not compared: {row.problem}"
            if row.newest
            else f"not compared: {row.problem}"
        )
    if row.newest == row.pin.version:
        return "the newest"
    broken = Counter(hit.path for hit in row.hits if hit.change.kind in BREAKING)
    if broken:
        return f"{row.newest} is out and breaks {sum(broken.values())} lines of {', '.join(row.skills)}"
    return (
        f"{row.newest} is out; {'nothing breaks' if not row.hits else 'nothing breaks, some of it changes'}"
    )
