"""Prove skills: unpack their pins, ask the back end about every unit, and say what is known of every use.

report = api.verify(["skills/peft"])
report.counts.share, report.findings
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from airskills import wheels
from airskills.collector import no_collection
from airskills.finding import Finding
from airskills.folder import Folder, open_folder
from airskills.pins import Pin
from airskills.verify.backend import Backend, BackendError
from airskills.verify.class_index import source_of
from airskills.verify.commands import check_commands
from airskills.verify.configs import check_configs
from airskills.verify.engine import examine
from airskills.verify.ledger import Counts, Entry, Level, count
from airskills.verify.memory import Memory, key_of
from airskills.verify.packages import Packages
from airskills.verify.ran import with_runs
from airskills.verify.readings import read
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
        offline: use only what is unpacked, or lies in uv's cache.
        cache: the tool's cache folder.
        remember: whether results are kept for the next run, and taken from the last.
        backend: who checks.
        progress: called with (what, done, in all) while wheels are downloaded and read.
    """

    pins: Sequence[Pin] | None = None
    offline: bool = False
    cache: Path = field(default_factory=wheels.cache_folder)
    remember: bool = True
    backend: Backend = field(default_factory=Ty)
    progress: Progress = lambda _what, _done, _total: None


@dataclass(frozen=True, slots=True)
class Proven:
    """What is known of one skill.

    Attributes:
        folder: the skill.
        wheels: what its pins brought.
        missing: pins whose wheel is not to be had, and why.
        entries: every use, by place.
        places: where code stands: path, and its first and last line.
    """

    folder: Folder
    wheels: tuple[Wheel, ...]
    missing: Mapping[Pin, str]
    entries: tuple[Entry, ...]
    places: tuple[tuple[str, int, int], ...]

    @property
    def blocks(self) -> Mapping[tuple[str, int], Level]:
        """For each place that holds code how far it is proven: as far as the least proven use in it."""
        weakest: dict[tuple[str, int], Level] = {}
        for entry in self.entries:
            place = (entry.path, entry.line)
            weakest[place] = min(weakest.get(place, Level.RAN), entry.level)
        levels: dict[tuple[str, int], Level] = {
            place: level for place, level in weakest.items() if level is Level.UNPARSED
        }
        for path, first, last in self.places:
            found = [weakest[path, line] for line in range(first, last + 1) if (path, line) in weakest]
            levels[path, first] = min(found, default=Level.RESOLVED)
        return levels

    @property
    def counts(self) -> Counts:
        """Uses by state."""
        return count(self.entries)

    @property
    def passes(self) -> bool:
        """Whether nothing in it is dead; what is deprecated still works."""
        return not any(entry.state == "dead" for entry in self.entries)


@dataclass(frozen=True)
class Report:
    """What is known of several skills."""

    skills: tuple[Proven, ...]

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Every use of every skill."""
        return tuple(entry for skill in self.skills for entry in skill.entries)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is dead, deprecated or not proven, by place."""
        found = {entry.finding() for entry in self.entries if entry.code}
        return tuple(sorted(found, key=lambda f: (f.path, f.line, f.column, f.code, f.message)))

    @property
    def counts(self) -> Counts:
        """Uses by state."""
        return count(self.entries)

    @property
    def levels(self) -> Mapping[Level, int]:
        """How many blocks and files are proven how far."""
        found = [level for skill in self.skills for level in skill.blocks.values()]
        return {level: found.count(level) for level in Level}


class _Skill:
    """A skill on its way: known from the last run, or read."""

    def __init__(self, path: str, chosen: Options) -> None:
        self.folder = open_folder(path)
        self.cache = chosen.cache if chosen.remember else None
        self.key = key_of(self.folder.digest, chosen.pins, chosen.backend.name)
        self.whole = recall(self.cache, self.folder.path, self.key)
        self.memory = Memory(self.cache, self.folder.path)
        self.entries: dict[int, tuple[Entry, ...]] = {}
        self._chosen_pins = chosen.pins

    @cached_property
    def units(self) -> Units:
        """What it holds."""
        return units_of(self.folder, pins=self._chosen_pins)

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
        return self.whole.sets if self.whole else tuple(dict.fromkeys(unit.pins for unit in self.units.units))

    def stamp(self, unpacked: Unpacked, roots: Mapping[tuple[Pin, ...], Root]) -> str:
        """What it is proven against."""
        missing = [(str(pin), unpacked.missing.get(pin)) for pins in self.sets for pin in pins]
        own = [wheel.sha256 for wheel in _wheels(self.pins, unpacked)]
        return key_of([sorted(_hashes(roots[pins].wheels)) for pins in self.sets], missing, own)


@no_collection()
def verify(folders: Iterable[str], options: Options | None = None) -> Report:
    """Prove the skills in these folders together, with one process of the back end for each root.

    Raises:
        AirskillsError: uv or the back end is not installed.
    """
    chosen = options or Options()
    skills = [_Skill(path, chosen) for path in folders]
    wanted = {pin for skill in skills for pins in (skill.pins, *skill.sets) for pin in pins}
    unpacked = wheels.unpack(wanted, cache=chosen.cache, offline=chosen.offline, progress=chosen.progress)
    roots = _roots(skills, unpacked)
    for skill in skills:
        if skill.whole and skill.whole.stamp != skill.stamp(unpacked, roots):
            skill.whole = None
    _examine([skill for skill in skills if not skill.whole], unpacked, roots, chosen)
    return Report(tuple(_proven(skill, unpacked, roots) for skill in skills))


def _roots(skills: Sequence[_Skill], unpacked: Unpacked) -> dict[tuple[Pin, ...], Root]:
    """The root of each set of pins."""
    sets = {pins: _wheels(pins, unpacked) for skill in skills for pins in skill.sets}
    roots = wheels.unite(sets.values())
    return {
        pins: next(root for root in roots if _hashes(found) <= _hashes(root.wheels))
        for pins, found in sets.items()
    }


def _examine(
    skills: Sequence[_Skill], unpacked: Unpacked, roots: Mapping[tuple[Pin, ...], Root], chosen: Options
) -> None:
    """Fill in the entries of every unit, root by root, those that are remembered first."""
    waiting: dict[Root, list[tuple[_Skill, int, str]]] = defaultdict(list)
    for skill in skills:
        for number, unit in enumerate(skill.units.units):
            root = roots[unit.pins]
            key = _key(unit, root, unpacked, skill, chosen)
            known = skill.memory.recall(key)
            if known is None:
                waiting[root].append((skill, number, key))
            else:
                skill.entries[number] = known
                skill.memory.keep(key, known)
    for root, jobs in waiting.items():
        _ask(root, jobs, unpacked, chosen)


def _hashes(found: Iterable[Wheel]) -> set[str]:
    """What wheels are, whichever of a distribution's extras they were asked for with."""
    return {wheel.sha256 for wheel in found}


def _key(unit: Unit, root: Root, unpacked: Unpacked, skill: _Skill, chosen: Options) -> str:
    hashes = [wheel.sha256 for wheel in root.wheels]
    missing = [(str(pin), unpacked.missing[pin]) for pin in unit.pins if pin in unpacked.missing]
    parts = (
        unit.source,
        unit.pieces,
        unit.pins,
        hashes,
        missing,
        sorted(skill.units.local),
        [(other.pieces, other.source) for other in skill.siblings.imported(unit)],
        chosen.backend.name,
    )
    return key_of(*parts)


def _ask(root: Root, jobs: Sequence[tuple[_Skill, int, str]], unpacked: Unpacked, chosen: Options) -> None:
    paths = read(root.wheels, chosen.progress)
    chosen.progress("checking", len(root.wheels), len(root.wheels))
    units = [skill.units.units[number] for skill, number, _ in jobs]
    owners = {id(unit): skill for unit, (skill, _, _) in zip(units, jobs, strict=True)}

    def packages(unit: Unit) -> Packages:
        return _packages(unit.pins, owners[id(unit)], unpacked)

    try:
        found = examine(units, packages, paths, chosen.backend, lambda unit: owners[id(unit)].siblings)
    except BackendError as error:
        for skill, number, _ in jobs:
            skill.entries[number] = (_failed(skill, error),)
        return
    for source in map(source_of, root.wheels):
        source.save()
    for (skill, number, key), entries in zip(jobs, found, strict=True):
        skill.entries[number] = entries
        skill.memory.keep(key, entries)


def _failed(skill: _Skill, error: BackendError) -> Entry:
    path = skill.folder.at("SKILL.md")
    return Entry(path, 1, 1, "AV900", str(error), error.help, "dead", "back end", Level.UNPARSED)


def _wheels(pins: Iterable[Pin], unpacked: Unpacked) -> tuple[Wheel, ...]:
    return tuple(unpacked.wheels[pin] for pin in pins if pin in unpacked.wheels)


def _packages(pins: Iterable[Pin], skill: _Skill, unpacked: Unpacked, cache: Path | None = None) -> Packages:
    pins = tuple(pins)
    missing = {pin: unpacked.missing[pin] for pin in pins if pin in unpacked.missing}
    return Packages(_wheels(pins, unpacked), missing, skill.units.local, cache)


def _proven(skill: _Skill, unpacked: Unpacked, roots: Mapping[tuple[Pin, ...], Root]) -> Proven:
    whole = skill.whole
    if whole is None:
        entries, places = _entries(skill, unpacked), tuple(_places(skill))
        whole = Whole(skill.pins, skill.sets, skill.stamp(unpacked, roots), entries, places)
        if not any(entry.code == "AV900" for entry in entries):
            keep(skill.cache, skill.folder.path, skill.key, whole)
    missing = {pin: unpacked.missing[pin] for pin in whole.pins if pin in unpacked.missing}
    return Proven(skill.folder, _wheels(whole.pins, unpacked), missing, whole.entries, whole.places)


def _entries(skill: _Skill, unpacked: Unpacked) -> tuple[Entry, ...]:
    """Every use, by place."""
    packages = _packages(skill.units.pins, skill, unpacked, skill.cache)
    entries = [*skill.units.entries, *(e for found in skill.entries.values() for e in found)]
    entries += _others(skill, packages)
    skill.memory.save()
    entries = list(with_runs(skill.folder, skill.units.units, entries))
    return tuple(sorted(set(entries), key=lambda e: (e.path, e.line, e.column, e.code, e.use)))


def _others(skill: _Skill, packages: Packages) -> Iterable[Entry]:
    """Commands and configurations of every document."""
    scripts = {file.path: skill.folder.text(file.path) for file in skill.folder.matching(".py")}
    hashes = [wheel.sha256 for wheel in packages.wheels]
    for document in skill.folder.documents:
        key = key_of(
            "commands", document.path, document.text, document.first_line, hashes, sorted(scripts.items())
        )
        found = skill.memory.recall(key)
        if found is None:
            found = (
                *check_commands(document.path, document.blocks, packages.tools, scripts=scripts),
                *check_configs(document.path, document.blocks, packages.tools),
            )
        skill.memory.keep(key, found)
        yield from found


def _places(skill: _Skill) -> Iterable[tuple[str, int, int]]:
    for unit in skill.units.units:
        for piece in unit.pieces:
            if not piece.carried:
                yield piece.path, piece.place, piece.place + (piece.lines - 1 if piece.runs_on else 0)
