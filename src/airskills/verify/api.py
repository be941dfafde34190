"""Prove skills: unpack their pins, ask the back end about every unit, and say what is known of every use.

report = api.verify(["skills/peft"])
report.counts.share, report.findings
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from airskills import wheels
from airskills.collector import no_collection
from airskills.markdown import Markdown
from airskills.pins import Pin
from airskills.verify.backend import BackendError
from airskills.verify.commands import check_commands
from airskills.verify.engine import Entries, Group, examine
from airskills.verify.ledger import Entry, Level
from airskills.verify.memory import key_of
from airskills.verify.packages import Packages
from airskills.verify.proven import Proven, Report
from airskills.verify.ran import with_runs
from airskills.verify.readings import read
from airskills.verify.subject import Options, Subject, hashes, wheels_of
from airskills.verify.units import Unit
from airskills.verify.whole import Whole
from airskills.wheels import Root, Unpacked

__all__ = ["Options", "Proven", "Report", "verify"]

TOGETHER = 4_000  # units of which one process of the back end is asked; 2,200 of ours took 0.5 GB
Job = tuple[
    Subject, int, str
]  # a skill, the number of a unit of it, and the name under which the unit is remembered


@no_collection()
def verify(folders: Iterable[str], options: Options | None = None) -> Report:
    """Prove the skills in these folders together, with one process of the back end for each root, one after the other.

    Raises:
        AirskillsError: uv or the back end is not installed.
    """
    chosen = options or Options()
    skills = [Subject(path, chosen) for path in folders]
    wanted = {pin for skill in skills for pins in (skill.pins, *skill.sets) for pin in pins}
    unpacked = wheels.unpack(wanted, cache=chosen.cache, offline=chosen.offline, progress=chosen.progress)
    roots = _roots(skills, unpacked)
    for skill in skills:
        if skill.whole and skill.whole.stamp != skill.stamp(unpacked, roots):
            skill.whole = None
    _examine([skill for skill in skills if not skill.whole], unpacked, roots, chosen)
    return Report(tuple(_proven(skill, unpacked, roots, chosen.cache) for skill in skills))


def _roots(skills: Sequence[Subject], unpacked: Unpacked) -> dict[tuple[Pin, ...], Root]:
    """The root of each set of pins."""
    sets = {pins: wheels_of(pins, unpacked) for skill in skills for pins in skill.sets}
    roots = wheels.unite(sets.values())
    return {
        pins: next(root for root in roots if hashes(found) <= hashes(root.wheels))
        for pins, found in sets.items()
    }


def _examine(
    skills: Sequence[Subject], unpacked: Unpacked, roots: Mapping[tuple[Pin, ...], Root], chosen: Options
) -> None:
    """Fill in the entries of every unit, root by root, those that are remembered first."""
    waiting: dict[Root, list[Job]] = defaultdict(list)
    for skill in skills:
        for number, unit in skill.wanted:
            root = roots[unit.pins]
            key = _key(unit, root, unpacked, skill, chosen)
            known = skill.memory.recall(key)
            if known is None:
                waiting[root].append((skill, number, key))
            else:
                skill.entries[number] = known
                skill.memory.keep(key, known)
    parts = [
        (root, jobs[start : start + TOGETHER])
        for root, jobs in waiting.items()
        for start in range(0, len(jobs), TOGETHER)
    ]
    groups = (_group(root, jobs, unpacked, chosen) for root, jobs in parts)
    with closing(examine(groups, chosen.backend)) as answers:
        for found, (_, jobs) in zip(answers, parts, strict=True):
            _fill_in(found, jobs)


def _key(unit: Unit, root: Root, unpacked: Unpacked, skill: Subject, chosen: Options) -> str:
    """A name for what is found of a unit; "" where nothing is remembered."""
    if skill.cache is None:
        return ""
    proven = [wheel.sha256 for wheel in root.wheels]
    missing = [(str(pin), unpacked.missing[pin]) for pin in unit.pins if pin in unpacked.missing]
    parts = (
        unit.source,
        unit.pieces,
        unit.pins,
        proven,
        missing,
        sorted(skill.units.local),
        [(other.pieces, other.source) for other in skill.siblings.imported(unit)],
        chosen.backend.name,
    )
    return key_of(*parts)


def _group(root: Root, jobs: Sequence[Job], unpacked: Unpacked, chosen: Options) -> Group:
    paths = read(root.wheels, chosen.progress)
    chosen.progress("checking", len(root.wheels), len(root.wheels))
    units = [skill.units.units[number] for skill, number, _ in jobs]
    owners = {id(unit): skill for unit, (skill, _, _) in zip(units, jobs, strict=True)}

    known: dict[tuple[int, tuple[Pin, ...]], Packages] = {}

    def packages(unit: Unit) -> Packages:
        skill = owners[id(unit)]
        key = (id(skill), unit.pins)
        if key not in known:
            known[key] = _packages(unit.pins, skill, unpacked)
        return known[key]

    return Group(units, packages, paths, lambda unit: owners[id(unit)].siblings)


def _fill_in(found: Entries | BackendError, jobs: Sequence[Job]) -> None:
    if isinstance(found, BackendError):
        for skill, number, _ in jobs:
            skill.entries[number] = (_failed(skill, found),)
        return
    for (skill, number, key), entries in zip(jobs, found, strict=True):
        skill.entries[number] = entries
        skill.memory.keep(key, entries)


def _failed(skill: Subject, error: BackendError) -> Entry:
    path = skill.folder.at("SKILL.md")
    return Entry(path, 1, 1, "AV900", str(error), error.help, "dead", "back end", Level.UNPARSED)


def _packages(pins: Iterable[Pin], skill: Subject, unpacked: Unpacked, cache: Path | None = None) -> Packages:
    pins = tuple(pins)
    missing = {pin: unpacked.missing[pin] for pin in pins if pin in unpacked.missing}
    return Packages(wheels_of(pins, unpacked), missing, skill.units.local, cache)


def _proven(skill: Subject, unpacked: Unpacked, roots: Mapping[tuple[Pin, ...], Root], cache: Path) -> Proven:
    whole = skill.whole
    if whole is None:
        entries, places = _entries(skill, unpacked, cache), tuple(skill.places)
        whole = Whole(skill.pins, skill.sets, skill.stamp(unpacked, roots), entries, places)
        skill.keep(whole)
    missing = {pin: unpacked.missing[pin] for pin in whole.pins if pin in unpacked.missing}
    entries = tuple(entry for entry in whole.entries if skill.wants(entry.path))
    places = tuple(place for place in whole.places if skill.wants(place[0]))
    return Proven(skill.folder, wheels_of(whole.pins, unpacked), missing, entries, places)


def _entries(skill: Subject, unpacked: Unpacked, cache: Path) -> tuple[Entry, ...]:
    """Every use, by place; what is read of the packages' programs is kept, whatever is remembered of skills."""
    packages = _packages(skill.units.pins, skill, unpacked, cache)
    entries = [*skill.units.entries, *(e for found in skill.entries.values() for e in found)]
    entries += _others(skill, packages)
    entries = list(with_runs(skill.folder, skill.units.units, entries))
    return tuple(sorted(set(entries), key=lambda e: (e.path, e.line, e.column, e.code, e.use)))


def _others(skill: Subject, packages: Packages) -> Iterable[Entry]:
    """Commands and configurations of every document."""
    scripts = {file.path: skill.folder.text(file.path) for file in skill.folder.matching(".py")}
    proven = [wheel.sha256 for wheel in packages.wheels]
    against = "" if skill.cache is None else key_of("commands", proven, sorted(scripts.items()))
    for document in skill.documents:
        key = against and key_of(against, document.path, document.text, document.first_line)
        found = skill.memory.recall(key)
        if found is None:
            found = (
                *check_commands(document.path, document.blocks, packages.tools, scripts=scripts),
                *_configs(document, packages),
            )
        skill.memory.keep(key, found)
        yield from found


def _configs(document: Markdown, packages: Packages) -> Sequence[Entry]:
    """Its configurations; few skills have any, and what judges them takes a twentieth of a second to import."""
    if not any("schema" in block.attributes for block in document.blocks):
        return ()
    from airskills.verify.configs import check_configs

    return check_configs(document.path, document.blocks, packages.tools)
