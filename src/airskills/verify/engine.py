"""From units to entries: one process of the back end for all units that share a root."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from airskills.verify.backend import Backend, Diagnostic, Kind
from airskills.verify.edits import Point
from airskills.verify.exam import Exam, Exams
from airskills.verify.judge import Judged
from airskills.verify.ledger import Entry, Level
from airskills.verify.packages import Packages
from airskills.verify.rewrites import PRELUDE, PRELUDE_SOURCE
from airskills.verify.siblings import Siblings, module_name
from airskills.verify.units import Piece, Unit
from airskills.verify.uses import Use

TOGETHER = 1_000  # units whose two files go to one process; 360 of ours took 0.66 GB
ASKED = 2_500  # units of which one process is asked; 4,200 took 1.16 GB


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
    made = Exams(packages, siblings, wired=backend.wired)
    exams = [made.of(unit, number) for number, unit in enumerate(units)]
    said: dict[str, list[Diagnostic]] = defaultdict(list)
    types: dict[str, Mapping[Point, str]] = {}
    for files in _files(exams):
        answer = backend.ask(files, paths)
        types |= answer.types
        for diagnostic in answer.diagnostics:
            said[diagnostic.file].append(diagnostic)
    return [tuple(_entries(exam, _judged(exam, said, types))) for exam in exams]


def _files(exams: Sequence[Exam]) -> list[dict[str, str]]:
    """All files of the back end, by the process that gets them; the trees are gone afterwards."""
    for exam in exams:
        exam.prepare()
    shared = {PRELUDE: PRELUDE_SOURCE} | _own_files(exams)
    checked = {name: text for exam in exams for name, text in exam.checks.items()}
    asked = [named for exam in exams for named in exam.asks.items()]
    if len(exams) <= TOGETHER:
        return [shared | checked | dict(asked)] if exams else []
    parts = -(-len(asked) // ASKED)
    return [shared | checked, *(shared | dict(asked[part::parts]) for part in range(parts))]


def _own_files(exams: Iterable[Exam]) -> dict[str, str]:
    """The files of skills that their units import, and those that these import."""
    found: dict[str, str] = {}
    pending = [other for exam in exams for other in exam.own.values()]
    while pending:
        exam = pending.pop()
        name = module_name(exam.unit)
        if name not in found:
            exam.prepare()
            found[name] = f"{exam.head}\n{exam.checked.text}"
            pending += exam.own.values()
    return found


def _judged(
    exam: Exam, said: Mapping[str, list[Diagnostic]], types: Mapping[str, Mapping[Point, str]]
) -> Iterator[Judged]:
    checked, asked = exam.names
    denied = {found.start for found in said.get(asked, ()) if found.kind is Kind.ATTRIBUTE}
    return exam.judged(said.get(checked, ()), types.get(asked, {}), denied)


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
