"""The ledger: every use of a library in a skill, and what is known of it.

An entry is `proven`, `dead`, or `unproven` with the reason; what is not proven never looks like passed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from airskills.finding import Finding
from airskills.verify import codes as codes  # noqa: PLC0414 - gives every code its severity

State = Literal["proven", "dead", "unproven"]


class Level(IntEnum):
    """How far a use or a block is proven; each level includes the ones before it."""

    UNPARSED = 0
    PARSED = 1
    RESOLVED = 2  # by the checker, against the unpacked wheel
    CONFIRMED = 3  # by `inspect.signature` in the pins' environment
    RAN = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """One use.

    Attributes:
        path: file, as findings name it.
        line: 1-based.
        column: 1-based.
        code: `AV...`; "" where it is proven.
        message: one sentence without a full stop; "" where it is proven.
        help: one imperative sentence, or "".
        state: what is known.
        use: what is used, as it is written: `trl.SFTConfig`, `accelerate launch --num_processes`.
        level: how far it is proven.
        statement: 1-based line on which the Python statement begins that it stands in; 0 outside of Python.
        target: where to find it in an environment: `module:Class.name`, or `$ program sub --flag`; "" where that is not
            known.
        shape: of a call, what it gives: `2 lr dtype * **` are two by place, two keywords, and both stars; else "".
        by_run: whether nothing but a run proves it.
    """

    path: str
    line: int
    column: int
    code: str = ""
    message: str = ""
    help: str = ""
    state: State = "proven"
    use: str = ""
    level: Level = Level.RESOLVED
    statement: int = 0
    target: str = ""
    shape: str = ""
    by_run: bool = False

    def finding(self) -> Finding:
        """The same as a finding; only for what is not proven."""
        return Finding(self.path, self.line, self.column, self.code, self.message, self.help)

    def as_dict(self) -> dict[str, str | int | bool]:
        """All fields, for JSON."""
        return {
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "statement": self.statement,
            "state": self.state,
            "level": self.level.name.lower(),
            "by_run": self.by_run,
            "use": self.use,
            "code": self.code,
            "message": self.message,
            "help": self.help,
        }


@dataclass(frozen=True, slots=True)
class Counts:
    """How many uses are in which state, and why those that are not proven are not.

    Attributes:
        proven: uses.
        dead: uses.
        unproven: uses.
        reasons: code to the number of uses that are not proven for it.
        levels: how many of the proven ones are proven how far.
        statements: Python statements that use a package; of a compound one, its first line.
        whole: those in which every use is proven.
        read: those in which every use is proven by reading, without a run.
    """

    proven: int
    dead: int
    unproven: int
    reasons: dict[str, int]
    levels: Mapping[Level, int]
    statements: int
    whole: int
    read: int

    @property
    def total(self) -> int:
        """All uses."""
        return self.proven + self.dead + self.unproven

    @property
    def share(self) -> float:
        """Proven uses over all uses; 1.0 where there are none."""
        return self.proven / self.total if self.total else 1.0


def count(entries: Iterable[Entry]) -> Counts:
    """Count by state, and the unproven by code."""
    entries = list(entries)
    states = Counter(entry.state for entry in entries)
    reasons = Counter(entry.code for entry in entries if entry.state == "unproven")
    levels = Counter(entry.level for entry in entries if entry.state == "proven")
    statements = {(entry.path, entry.statement) for entry in entries if entry.statement}
    broken = {(entry.path, entry.statement) for entry in entries if entry.state != "proven"}
    by_run = {(entry.path, entry.statement) for entry in entries if entry.by_run}
    return Counts(
        states["proven"],
        states["dead"],
        states["unproven"],
        dict(sorted(reasons.items())),
        dict(sorted(levels.items())),
        len(statements),
        len(statements - broken),
        len(statements - broken - by_run),
    )
