"""What is proven of a skill, unit by unit, as its pages show it. What is stale or was never run is unproven."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from airskills import proof
from airskills.folder import Folder, open_folder
from airskills.pins import KEY, of_skill
from airskills.proof import Part, Proof
from airskills.run.units import KINDS, Suite, Unit, collect
from airskills.skill import Skill

State = Literal["ran", "static", "skipped", "unproven"]
STATES: tuple[State, ...] = ("ran", "static", "skipped", "unproven")
SAID: Mapping[State, str] = {
    "ran": "ran",
    "static": "checked, not run",
    "skipped": "skipped",
    "unproven": "not proven",
}
Verdict = Literal["proven", "partly", "stale", "unproven"]
VERDICTS: Mapping[Verdict, str] = {
    "proven": "Proven",
    "partly": "Partly proven",
    "stale": "Proof out of date",
    "unproven": "Not proven",
}
_NEEDS = (
    ("cuda", re.compile(r"\b(CUDA|GPU|bitsandbytes)\b", re.IGNORECASE)),
    ("key", re.compile(r"\bAPI[ -]key", re.IGNORECASE)),
    ("network", re.compile(r"\bnetwork\b", re.IGNORECASE)),
)
_REQUIRED = {"cuda": "cuda", "api-key": "key", "network": "network"}


@dataclass(frozen=True, slots=True)
class Row:
    """One unit and what became of it; `note` says how it ran, or why it did not."""

    unit: Unit
    state: State
    note: str


@dataclass(frozen=True)
class Evidence:
    """Everything that the pages of one skill say of its proof.

    Attributes:
        skill: the skill.
        folder: its files.
        suite: its units.
        stored: the proof as the file has it.
        proof: its parts that are of this very content.
    """

    skill: Skill
    folder: Folder
    suite: Suite
    stored: Proof
    proof: Proof

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Each unit with its state, in the order of the files."""
        return tuple(_row(unit, self.proof.ran) for unit in self.suite.units)

    @property
    def verdict(self) -> Verdict:
        """`proven` where both halves are of this content, `partly` with one, `stale` where none is any more."""
        halves = (self.proof.static, self.proof.ran)
        if all(halves):
            return "proven"
        if any(halves):
            return "partly"
        return "stale" if self.stored.static or self.stored.ran else "unproven"

    @property
    def date(self) -> str:
        """ISO day of the older fresh half, or ""."""
        return min((half.date for half in (self.proof.static, self.proof.ran) if half), default="")

    @property
    def pins(self) -> dict[str, str]:
        """Distribution to version, in the order of the frontmatter: its own tool comes first."""
        written = self.skill.metadata.get(KEY, "")
        found = {pin.name: pin.version for pin in of_skill(self.skill)}
        return dict(sorted(found.items(), key=lambda pin: written.find(pin[0]) % (len(written) + 1)))

    @property
    def needs(self) -> tuple[str, ...]:
        """`cpu`, or what parts of it need besides: `cuda`, `key`, `network`."""
        found = {_REQUIRED[word] for unit in self.suite.units for word in unit.requires if word in _REQUIRED}
        said = " ".join(
            [
                str(self.skill.fields.get("compatibility", "")),
                *(u.skip.reason for u in self.suite.units if u.skip),
            ]
        )
        found |= {name for name, pattern in _NEEDS if pattern.search(said)}
        return tuple(name for name, _ in _NEEDS if name in found) or ("cpu",)

    def tally(self) -> dict[str, Counter[State]]:
        """Units by kind and state; kinds that the skill has none of are left out."""
        counts: dict[str, Counter[State]] = {kind: Counter() for kind in KINDS}
        for row in self.rows:
            counts[row.unit.kind][row.state] += 1
        return {kind: states for kind, states in counts.items() if states}

    def at(self, path: str, line: int) -> Row | None:
        """The code block whose fence stands there."""
        return self._blocks.get((path, line))

    @cached_property
    def _blocks(self) -> dict[tuple[str, int], Row]:
        return {(row.unit.path, row.unit.line): row for row in self.rows if row.unit.kind == "blocks"}


def gather(skill: Skill) -> Evidence:
    """Read the folder, the units and the proof of a skill."""
    folder = open_folder(skill.directory)
    stored = proof.read(Path(folder.path))
    return Evidence(skill, folder, collect(folder), stored, stored.fresh(proof.content_hash(folder)))


def shares(static: Part) -> Iterator[tuple[str, int, int]]:
    """(what, proven, of how many) of the static half."""
    for name, proven, total in (
        ("statements", "statements_proven", "statements"),
        ("uses of a library", "proven", "uses"),
    ):
        if static.counts.get(total):
            yield name, int(static.counts[proven]), int(static.counts[total])


def _row(unit: Unit, ran: Part | None) -> Row:
    """A proof is only written when every unit ran that nothing declared kept from it."""
    if ran is None:
        return Row(unit, "unproven", unit.skip.reason if unit.skip else "")
    if unit.skip is not None:
        return Row(unit, "static" if unit.skip.code == "AR201" else "skipped", unit.skip.reason)
    if unit.requires and f"{unit.path}:{unit.line}" not in ran.units:
        return Row(unit, "skipped", f"needs {', '.join(unit.requires)}")
    return Row(unit, "ran", _how(unit))


def _how(unit: Unit) -> str:
    """What it did when it ran, where that is more than to end."""
    if unit.fails is not None:
        return "fails as stated"
    if unit.silent is not None:
        return "wrong without an error, as stated"
    if unit.warns is not None:
        return "warns as stated"
    if unit.kind == "scripts":
        return "answers --help"
    if unit.kind == "evals":
        return "checker rejects it" if unit.status else "checker accepts it"
    return ""
