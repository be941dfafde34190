"""A skill on its way to being proven: known from the last run, or read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from airskills import wheels
from airskills.folder import open_folder
from airskills.markdown import Markdown
from airskills.pins import Pin
from airskills.verify.backend import Backend
from airskills.verify.ledger import Entry
from airskills.verify.memory import Memory, key_of
from airskills.verify.siblings import Siblings
from airskills.verify.ty import Ty
from airskills.verify.units import Unit, Units, units_of
from airskills.verify.whole import Whole, keep, recall
from airskills.wheels import Root, Unpacked, Wheel

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How to prove.

    Attributes:
        pins: instead of those that the skills name.
        only: skill folder to the files in it that are wanted, by relative path; of other skills all are.
        offline: use only what is unpacked, or lies in uv's cache.
        cache: the tool's cache folder.
        remember: whether what is found of skills is kept for the next run, and taken from the last.
        backend: who checks.
        progress: called with (what, done, in all) while wheels are downloaded and read.
    """

    pins: Sequence[Pin] | None = None
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    offline: bool = False
    cache: Path = field(default_factory=wheels.cache_folder)
    remember: bool = True
    backend: Backend = field(default_factory=Ty)
    progress: Progress = lambda _what, _done, _total: None


class Subject:
    """A skill, and what was found of it.

    Args:
        path: its folder.
        chosen: how it is proven.

    Attributes:
        whole: all that is known of it from an earlier run, or None.
        entries: number of a unit to its entries, filled in on the way.
    """

    def __init__(self, path: str, chosen: Options) -> None:
        self.folder = open_folder(path)
        self.cache = chosen.cache if chosen.remember else None
        self.whole = recall(self.cache, self.folder.path, self._key(chosen))
        self.memory = Memory(self.cache, self.folder.path)
        self.entries: dict[int, tuple[Entry, ...]] = {}
        self._chosen = chosen
        only = chosen.only.get(self.folder.path)
        self._only = None if only is None else frozenset(map(self.folder.at, only))

    def _key(self, chosen: Options) -> str:
        return key_of(self.folder.digest, chosen.pins, chosen.backend.name)

    def wants(self, path: str) -> bool:
        """Whether a file of it is to be proven."""
        return self._only is None or path in self._only

    @property
    def documents(self) -> Iterator[Markdown]:
        """Its Markdown files that are to be proven."""
        return (document for document in self.folder.documents if self.wants(document.path))

    @cached_property
    def units(self) -> Units:
        """What it holds."""
        return units_of(self.folder, pins=self._chosen.pins, wanted=self.wants)

    @property
    def wanted(self) -> Iterator[tuple[int, Unit]]:
        """The units that are to be proven, with their numbers; others are there to be imported."""
        return ((n, unit) for n, unit in enumerate(self.units.units) if self.wants(unit.pieces[0].path))

    @cached_property
    def siblings(self) -> Siblings:
        """Its files."""
        return Siblings(self.units.units)

    @property
    def pins(self) -> tuple[Pin, ...]:
        """Its pins."""
        return self.whole.pins if self.whole else self.units.pins

    @property
    def sets(self) -> tuple[tuple[Pin, ...], ...]:
        """The pins of its units, each set once."""
        return self.whole.sets if self.whole else tuple(dict.fromkeys(unit.pins for _, unit in self.wanted))

    def stamp(self, unpacked: Unpacked, roots: Mapping[tuple[Pin, ...], Root]) -> str:
        """What it is proven against."""
        missing = [(str(pin), unpacked.missing.get(pin)) for pins in self.sets for pin in pins]
        own = [wheel.sha256 for wheel in wheels_of(self.pins, unpacked)]
        return key_of([sorted(hashes(roots[pins].wheels)) for pins in self.sets], missing, own)

    @property
    def places(self) -> Iterator[tuple[str, int, int]]:
        """Where code stands: path, and its first and last line."""
        for _, unit in self.wanted:
            for piece in unit.pieces:
                if not piece.carried:
                    yield piece.path, piece.place, piece.place + (piece.lines - 1 if piece.runs_on else 0)

    def keep(self, whole: Whole) -> None:
        """Keep what was found for the next run; of a part of it, only the parts."""
        self.memory.save(forget=self._only is None)
        if self._only is None and not any(entry.code == "AV900" for entry in whole.entries):
            keep(self.cache, self.folder.path, self._key(self._chosen), whole)


def wheels_of(pins: Iterable[Pin], unpacked: Unpacked) -> tuple[Wheel, ...]:
    """The wheels that are there."""
    return tuple(unpacked.wheels[pin] for pin in pins if pin in unpacked.wheels)


def hashes(found: Iterable[Wheel]) -> set[str]:
    """What wheels are, whichever of a distribution's extras they were asked for with."""
    return {wheel.sha256 for wheel in found}
