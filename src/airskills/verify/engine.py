"""From units to entries, group by group: one process of the back end for all units of a group."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path

from airskills.verify.backend import Answer, Asking, Backend, BackendError, Diagnostic, Kind
from airskills.verify.class_index import source_of
from airskills.verify.edits import Point
from airskills.verify.exam import Exam, Exams
from airskills.verify.judge import Judged
from airskills.verify.ledger import Entry, Level
from airskills.verify.packages import Packages
from airskills.verify.rewrites import PRELUDE, PRELUDE_SOURCE
from airskills.verify.shares import Team, Work
from airskills.verify.siblings import Siblings, module_name
from airskills.verify.units import Piece, Unit
from airskills.verify.uses import Use

SHARE = 200  # units that are worth a process of ours
PROCESSES = 4


@dataclass(frozen=True, slots=True)
class _Files:
    """What a share of the units needs to have checked: module name to source.

    Attributes:
        own: the files of skills that its units import, and those that these import.
        shared: the files in which its units ask together.
        units: the file of each unit.
    """

    own: Mapping[str, str]
    shared: Mapping[str, str]
    units: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Said:
    """What the back end said of files."""

    diagnostics: dict[str, list[Diagnostic]] = field(default_factory=lambda: defaultdict(list))
    types: dict[str, Mapping[Point, str]] = field(default_factory=dict)
    _denied: dict[str, frozenset[Point]] = field(default_factory=dict)

    def denied(self, file: str) -> frozenset[Point]:
        """Points of a file at which an attribute is said to be missing."""
        if file not in self._denied:
            found = self.diagnostics.get(file, ())
            self._denied[file] = frozenset(said.start for said in found if said.kind is Kind.ATTRIBUTE)
        return self._denied[file]

    def at(self, file: str, point: Point) -> tuple[str | None, bool]:
        """The type at a point, and whether that is said to be missing."""
        return self.types.get(file, {}).get(point), point in self.denied(file)

    @classmethod
    def of(cls, answer: Answer) -> _Said:
        """All that it said."""
        said = cls(types=dict(answer.types))
        for diagnostic in answer.diagnostics:
            said.diagnostics[diagnostic.file].append(diagnostic)
        return said

    def about(self, files: _Files) -> _Said:
        """What was said of these."""
        names = [*files.shared, *files.units]
        return _Said(
            {name: self.diagnostics[name] for name in names if name in self.diagnostics},
            {name: self.types[name] for name in names if name in self.types},
        )


@dataclass(frozen=True, slots=True)
class Group:
    """Units that share a root.

    Attributes:
        units: to be checked together, those of a skill one after the other.
        packages: what the pins of a unit bring.
        paths: the root: where the back end looks for packages.
        siblings: the files of the skill that a unit belongs to.
    """

    units: Sequence[Unit]
    packages: Callable[[Unit], Packages]
    paths: Sequence[Path]
    siblings: Callable[[Unit], Siblings] = lambda _: Siblings()


Entries = list[tuple[Entry, ...]]  # of each unit


def examine(groups: Iterable[Group], backend: Backend) -> Generator[Entries | BackendError, None, None]:
    """The entries of each group, or why its back end failed.

    While the back end is at work on one group, the next is prepared and the one before is judged; it is never at work on
    two, which would take the memory of both.
    """
    at_work: list[_Examination] = []
    try:
        for group in groups:
            at_work.append(_Examination(group, backend))
            at_work[-1].prepare()
            for other in at_work[:-1]:
                other.wait()
            at_work[-1].start()
            for other in at_work[:-1]:
                yield other.judge()
                at_work.pop(0).stop()
        for last in at_work:
            last.wait()
            yield last.judge()
    finally:
        for left in at_work:
            left.stop()


class _Examination:
    """A group on its way through the back end."""

    def __init__(self, group: Group, backend: Backend) -> None:
        self._group = group
        self._backend = backend
        self._needed: list[_Files] = []
        self._asking: Asking | None = None
        self._failure: BackendError | None = None
        self._said = _Said()
        self._team = Team([self._share(part) for part in _parts(group.units)])

    def _share(self, part: slice) -> Work[_Files, _Said, Entries]:
        group = self._group
        exams = Exams(group.packages, group.siblings, wired=self._backend.wired, first=part.start)
        return _examined(group.units[part], part.start, exams)

    def prepare(self) -> None:
        """Learn what it needs."""
        self._needed = self._team.needs()

    def start(self) -> None:
        """Set the back end to work."""
        files = {PRELUDE: PRELUDE_SOURCE}
        for needed in self._needed:
            files |= {**needed.own, **needed.shared, **needed.units}
        try:
            self._asking = self._backend.start(files, self._group.paths)
        except BackendError as error:
            self._failure = error

    def wait(self) -> None:
        """Until the back end has come to its end."""
        try:
            self._said = _Said.of(self._asking.answer()) if self._asking else _Said()
        except BackendError as error:
            self._failure = error

    def judge(self) -> Entries | BackendError:
        """The entries of each unit, or why there are none."""
        if self._failure:
            return self._failure
        found = self._team.found([self._said.about(files) for files in self._needed])
        return [entries for share in found for entries in share]

    def stop(self) -> None:
        """Let go of everything."""
        self._team.stop()
        if self._asking:
            self._asking.stop()


def _parts(units: Sequence[Unit]) -> list[slice]:
    """Stretches of the units that are about as long, one for each process."""
    processes = max(1, min(os.cpu_count() or 1, PROCESSES, len(units) // SHARE))
    ends = list(accumulate(len(unit.source) for unit in units))
    shares = [number * processes // (ends[-1] + 1) for number in ends] if ends else []
    borders = [0, *(n for n in range(1, len(shares)) if shares[n] != shares[n - 1]), len(units)]
    return [slice(start, end) for start, end in pairwise(borders) if start < end]


def _examined(units: Sequence[Unit], first: int, made: Exams) -> Work[_Files, _Said, Entries]:
    """The entries of a share of the units, whose numbers begin with `first`; the trees are gone when it asks."""
    exams = [made.of(unit, number) for number, unit in enumerate(units, first)]
    for exam in exams:
        exam.prepare()
    own = _own_files(exams)
    said = yield _Files(own, made.shared, {exam.name: exam.file for exam in exams})
    found = [tuple(_entries(exam, _judged(exam, said))) for exam in exams]
    for source in {source_of(wheel) for exam in exams for wheel in exam.packages.wheels}:
        source.save()
    return found


def _own_files(exams: Iterable[Exam]) -> dict[str, str]:
    """The files of skills that their units import, and those that these import."""
    found: dict[str, str] = {}
    pending = [other for exam in exams for other in exam.own.values()]
    while pending:
        exam = pending.pop()
        name = module_name(exam.unit)
        if name not in found:
            found[name] = exam.read()
            pending += exam.own.values()
    return found


def _judged(exam: Exam, said: _Said) -> Iterator[Judged]:
    return exam.judged(
        said.diagnostics.get(exam.name, ()),
        said.types.get(exam.name, {}),
        said.denied(exam.name),
        partial(said.at, exam.commons.name),
    )


def _entries(exam: Exam, judged: Iterator[Judged]) -> Iterator[Entry]:
    """Entries at their places in the files; what the author promised to fail is turned around."""
    unit = exam.unit
    kept: set[Piece] = set()
    for found in judged:
        piece = unit.piece(found.span.start[0])
        if piece.carried:
            continue
        entry = _entry(exam, found)
        if piece.fails and entry.code == piece.fails:
            kept.add(piece)
            entry = replace(entry, code="", message="", help="", state="proven", level=Level.RESOLVED)
        yield entry
    for piece in unit.pieces:
        if piece.fails not in {"", "run"} and not piece.carried and piece not in kept:
            message = f"The block is said to fail with {piece.fails}, and nothing in it does"
            yield Entry(piece.path, piece.place, 1, "AV009", message, "Correct the fence", "dead", "block")


def _entry(exam: Exam, found: Judged) -> Entry:
    unit = exam.unit
    path, line, column = unit.place(*found.span.start)
    verdict = found.verdict
    level = Level.RESOLVED if verdict.state != "unproven" else Level.PARSED
    line_of = found.use.span.start[0]
    _, statement, _ = unit.place(exam.uses.statements.get(line_of, line_of), 0)
    return Entry(
        path,
        line,
        column,
        verdict.code,
        verdict.message,
        verdict.help,
        verdict.state,
        found.use.name,
        level,
        statement,
        found.target,
        _shape(found.use) if found.use.kind == "call" else "",
    )


def _shape(use: Use) -> str:
    """What a call gives, as the ledger writes it."""
    stars = ["*"] * (use.shape.starred or use.elided) + ["**"] * (use.shape.expanded or use.elided)
    return " ".join([str(use.shape.positional), *use.shape.keywords, *stars])
