"""From units to entries: one process of the back end for all units that share a root."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path

from airskills.verify import edits
from airskills.verify.backend import Answer, Backend, Diagnostic, Kind
from airskills.verify.cases import Scene
from airskills.verify.edits import Edited, Point, Wrap
from airskills.verify.judge import Judged, judge
from airskills.verify.ledger import Entry, Level
from airskills.verify.packages import Packages
from airskills.verify.questions import Asked, ask
from airskills.verify.rewrites import (
    PRELUDE,
    PRELUDE_LINE,
    PRELUDE_SOURCE,
    LiteralKeywords,
    OwnModules,
    Unpinned,
    WithoutNone,
)
from airskills.verify.siblings import Siblings, module_name
from airskills.verify.units import Piece, Unit
from airskills.verify.uses import Use, Uses
from airskills.verify.wires import Foreign, Wires


class _Exam:
    """One unit on its way through the back end: as it is checked, and as it is asked."""

    def __init__(
        self, unit: Unit, packages: Packages, siblings: Siblings, *, wired: bool, number: int = 0
    ) -> None:
        self.unit = unit
        self.packages = packages
        self.uses = Uses(unit.source, unit.tree)
        self.names = (f"check{number:06}", f"ask{number:06}")
        self._wires = Wires(self.uses) if wired else None
        self._siblings = siblings

    @cached_property
    def own(self) -> Mapping[str, _Exam]:
        """The files of the skill that the unit imports, by the name that it uses."""
        found = {module: self._siblings.find(self.unit, module) for module in self.unit.imports}
        return {
            module: _Exam(unit, self.packages, self._siblings, wired=self._wires is not None)
            for module, unit in found.items()
            if unit is not None and self.packages.is_local(module)
        }

    @property
    def returns(self) -> Mapping[str, str]:
        """Its functions, each with the wire that it sets."""
        return self._wires.returns if self._wires else {}

    @cached_property
    def _wraps(self) -> tuple[Wrap, ...]:
        rewrites = (
            WithoutNone(),
            Unpinned(self._is_pinned),
            OwnModules({module: module_name(exam.unit) for module, exam in self.own.items()}),
            LiteralKeywords(),
        )
        found = chain.from_iterable(rewrite(self.uses) for rewrite in rewrites)
        return (*found, *(self._wires.wraps(dict(self._foreign())) if self._wires else ()))

    def _foreign(self) -> Iterator[tuple[str, Foreign]]:
        for use in self.uses.all:
            if use.kind in {"import", "from"} and use.module in self.own:
                exam = self.own[use.module]
                function = use.leaf if use.kind == "from" else ""
                returns = exam.returns
                yield use.root, Foreign(module_name(exam.unit), function, returns)

    def _is_pinned(self, use: Use) -> bool:
        packages, module = self.packages, use.module
        return packages.is_standard(module) or packages.is_local(module) or packages.owner(module) is not None

    @cached_property
    def checked(self) -> Edited:
        """The unit with everything that makes a checker see more."""
        return edits.apply(self.unit.source, self._wraps)

    @cached_property
    def _asked(self) -> Asked:
        return ask(self.uses, self._wraps)

    @property
    def files(self) -> dict[str, str]:
        """Name to text, below the line that brings the helpers."""
        texts = (self.checked.text, self._asked.source)
        return {name: f"{self.head}\n{text}" for name, text in zip(self.names, texts, strict=True)}

    @property
    def head(self) -> str:
        """The first line of its files."""
        return "; import ".join(
            [PRELUDE_LINE, *sorted({module_name(exam.unit) for exam in self.own.values()})]
        )

    def judged(
        self, diagnostics: Sequence[Diagnostic], types: Mapping[Point, str], denied: Collection[Point]
    ) -> Iterator[Judged]:
        """The verdicts; all arguments speak of the virtual files.

        Args:
            diagnostics: of the file that is checked.
            types: of the file that asks.
            denied: points of that file at which an attribute is said to be missing.
        """
        known = self._asked.answers(
            self.uses.all,
            {_up(point): text for point, text in types.items()},
            {_up(point) for point in denied},
        )
        yield from judge(Scene(self.uses, known, list(self._written(diagnostics)), self.packages))

    def _written(self, diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
        """Complaints at the places that they are about, those about what was put in left out."""
        for said in diagnostics:
            start, end = self.checked.written(_up(said.start)), self.checked.written(_up(said.end))
            if start is not None and end is not None:
                yield replace(said, start=start, end=end)


def _up(point: Point) -> Point:
    """Without the line of the prelude."""
    return point[0] - 1, point[1]


def examine(
    units: Sequence[Unit],
    packages: Callable[[Unit], Packages],
    paths: Sequence[Path],
    backend: Backend,
    siblings: Callable[[Unit], Siblings] = lambda _: Siblings(),
) -> list[tuple[Entry, ...]]:
    """The entries of each unit.

    Args:
        units: to be checked together.
        packages: what the pins of a unit bring.
        paths: the root: where the back end looks for packages.
        backend: who looks.
        siblings: the files of the skill that a unit belongs to.

    Raises:
        BackendError: it failed.
    """
    exams = [
        _Exam(unit, packages(unit), siblings(unit), wired=backend.wired, number=number)
        for number, unit in enumerate(units)
    ]
    files = {PRELUDE: PRELUDE_SOURCE} | {name: text for exam in exams for name, text in exam.files.items()}
    files |= _own_files(exams)
    answer = backend.ask(files if exams else {}, paths)
    said: dict[str, list[Diagnostic]] = defaultdict(list)
    for diagnostic in answer.diagnostics:
        said[diagnostic.file].append(diagnostic)
    return [tuple(_entries(exam.unit, _judged(exam, said, answer))) for exam in exams]


def _own_files(exams: Iterable[_Exam]) -> dict[str, str]:
    """The files of skills that their units import, and those that these import."""
    found: dict[str, str] = {}
    pending = [other for exam in exams for other in exam.own.values()]
    while pending:
        exam = pending.pop()
        name = module_name(exam.unit)
        if name not in found:
            found[name] = f"{exam.head}\n{exam.checked.text}"
            pending += exam.own.values()
    return found


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
            entry = replace(entry, code="", message="", help="", state="proven", level=Level.RESOLVED)
        yield entry
    for piece in unit.pieces:
        if piece.fails not in {"", "run"} and not piece.carried and piece not in kept:
            message = f"The block is said to fail with {piece.fails}, and nothing in it does"
            yield Entry(piece.path, piece.place, 1, "AV009", message, "Correct the fence", "dead", "block")


def _entry(unit: Unit, found: Judged) -> Entry:
    path, line, column = unit.place(*found.span.start)
    verdict = found.verdict
    level = Level.RESOLVED if verdict.state != "unproven" else Level.PARSED
    _, statement, _ = unit.place(unit.statement(found.use.span.start[0]), 0)
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
