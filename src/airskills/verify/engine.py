"""From units to entries: one process of the back end for all units that share a root."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from airskills.verify import edits
from airskills.verify.backend import Answer, Backend, Diagnostic, Kind
from airskills.verify.cases import Scene
from airskills.verify.edits import Point, Wrap
from airskills.verify.judge import Judged, judge
from airskills.verify.ledger import Entry, Level
from airskills.verify.packages import Packages
from airskills.verify.questions import ask
from airskills.verify.rewrites import (
    PRELUDE,
    PRELUDE_LINE,
    PRELUDE_SOURCE,
    LiteralKeywords,
    Unpinned,
    WithoutNone,
)
from airskills.verify.units import Piece, Unit
from airskills.verify.uses import Use, Uses


class _Exam:
    """One unit on its way through the back end: as it is checked, and as it is asked."""

    def __init__(self, unit: Unit, packages: Packages, number: int) -> None:
        self.unit = unit
        self.packages = packages
        self.uses = Uses(unit.source, unit.tree)
        self.names = (f"check{number:06}", f"ask{number:06}")
        wraps = list(self._rewrites())
        self.checked = edits.apply(unit.source, wraps)
        self.asked = ask(self.uses, wraps)

    def _rewrites(self) -> Iterator[Wrap]:
        return chain(
            WithoutNone()(self.uses), Unpinned(self._is_pinned)(self.uses), LiteralKeywords()(self.uses)
        )

    def _is_pinned(self, use: Use) -> bool:
        packages, module = self.packages, use.module
        return packages.is_standard(module) or packages.is_local(module) or packages.owner(module) is not None

    @property
    def files(self) -> dict[str, str]:
        """Name to text, below the line that brings the helpers."""
        texts = (self.checked.text, self.asked.source)
        return {name: f"{PRELUDE_LINE}\n{text}" for name, text in zip(self.names, texts, strict=True)}

    def judged(
        self, diagnostics: Sequence[Diagnostic], types: Mapping[Point, str], denied: Collection[Point]
    ) -> Iterator[Judged]:
        """The verdicts; all arguments speak of the virtual files.

        Args:
            diagnostics: of the file that is checked.
            types: of the file that asks.
            denied: points of that file at which an attribute is said to be missing.
        """
        written = [
            replace(said, start=self._written(said.start), end=self._written(said.end))
            for said in diagnostics
        ]
        known = self.asked.answers(
            self.uses.all,
            {_up(point): text for point, text in types.items()},
            {_up(point) for point in denied},
        )
        yield from judge(Scene(self.uses, known, written, self.packages))

    def _written(self, point: Point) -> Point:
        return self.checked.written(_up(point))


def _up(point: Point) -> Point:
    """Without the line of the prelude."""
    return point[0] - 1, point[1]


def examine(
    units: Sequence[Unit], packages: Callable[[Unit], Packages], paths: Sequence[Path], backend: Backend
) -> list[tuple[Entry, ...]]:
    """The entries of each unit.

    Args:
        units: to be checked together.
        packages: what the pins of a unit bring.
        paths: the root: where the back end looks for packages.
        backend: who looks.

    Raises:
        BackendError: it failed.
    """
    exams = [_Exam(unit, packages(unit), number) for number, unit in enumerate(units)]
    files = {PRELUDE: PRELUDE_SOURCE} | {name: text for exam in exams for name, text in exam.files.items()}
    answer = backend.ask(files if exams else {}, paths)
    said: dict[str, list[Diagnostic]] = defaultdict(list)
    for diagnostic in answer.diagnostics:
        said[diagnostic.file].append(diagnostic)
    return [tuple(_entries(exam.unit, _judged(exam, said, answer))) for exam in exams]


def _judged(exam: _Exam, said: Mapping[str, list[Diagnostic]], answer: Answer) -> Iterator[Judged]:
    checked, asked = exam.names
    denied = {found.start for found in said.get(asked, ()) if found.kind is Kind.ATTRIBUTE}
    return exam.judged(said.get(checked, ()), answer.types.get(asked, {}), denied)


def _entries(unit: Unit, judged: Iterator[Judged]) -> Iterator[Entry]:
    """Entries at their places in the files; what the author promised to fail is turned around."""
    kept: set[Piece] = set()
    for found in judged:
        piece = unit.piece(found.span.start[0])
        if piece.carried:
            continue
        entry = _entry(unit, found)
        if piece.fails and entry.code == piece.fails:
            kept.add(piece)
            entry = Entry(entry.path, entry.line, entry.column, state="proven", use=entry.use)
        yield entry
    for piece in unit.pieces:
        if piece.fails not in {"", "run"} and not piece.carried and piece not in kept:
            message = f"The block is said to fail with {piece.fails}, and nothing in it does"
            yield Entry(piece.path, piece.place, 1, "AV009", message, "Correct the fence", "dead", "block")


def _entry(unit: Unit, found: Judged) -> Entry:
    path, line, column = unit.place(*found.span.start)
    verdict = found.verdict
    level = Level.RESOLVED if verdict.state != "unproven" else Level.PARSED
    return Entry(
        path, line, column, verdict.code, verdict.message, verdict.help, verdict.state, found.use.name, level
    )
