"""What is known of skills in the end: every use, how far each block is proven, and the findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from airskills.finding import Finding
from airskills.folder import Folder
from airskills.pins import Pin
from airskills.verify.ledger import Counts, Entry, Level, count
from airskills.wheels import Wheel


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
