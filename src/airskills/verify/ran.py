"""What a run proves: uses that `airskills test --write` saw come to their end, in this content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from airskills import proof
from airskills.folder import Folder
from airskills.verify.edits import Point, Span
from airskills.verify.ledger import Entry, Level
from airskills.verify.units import Unit
from airskills.verify.uses import Use, Uses

_SETTLED = frozenset({"AV101", "AV102", "AV103", "AV104", "AV105"})  # reasons that a run does away with


def with_runs(folder: Folder, units: Sequence[Unit], entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries, those that ran at the level `ran`; what is dead or deprecated stays so."""
    known = proof.read(Path(folder.path)).ran
    seen = set[tuple[str, int, int, str]]()
    if known is not None and known.ran and known.content == proof.content_hash(folder):
        ran = {folder.at(path): frozenset(places.split(" ")) for path, places in known.ran.items()}
        seen = {place for unit in units for place in _seen(unit, ran)}
    for entry in entries:
        settled = entry.state == "proven" or entry.code in _SETTLED
        if settled and (entry.path, entry.line, entry.column, entry.use) in seen:
            code = entry.code if entry.state == "proven" else ""
            message, help_ = (entry.message, entry.help) if code else ("", "")
            yield replace(
                entry,
                state="proven",
                code=code,
                message=message,
                help=help_,
                level=Level.RAN,
                by_run=entry.state != "proven",
            )
        else:
            yield entry


def _seen(unit: Unit, ran: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, int, int, str]]:
    """Path, line, column and name of every use that ran, and of the keywords of calls that did."""
    if not any(piece.path in ran and not piece.fails and not piece.carried for piece in unit.pieces):
        return
    lines = unit.source.split("\n")
    for use in Uses(unit.source).all:
        span = _evaluated(use)
        piece = unit.piece(span.start[0])
        if piece.fails or piece.carried:
            continue
        path, first = piece.path, piece.place - piece.first
        if _written(span, lines, first) in ran.get(path, ()):
            for point in (use.span.start, *(keyword.span.start for keyword in use.keywords)):
                yield *unit.place(*point), use.name


def _evaluated(use: Use) -> Span:
    """What Python evaluates for it: of an import, the whole statement."""
    return use.target if use.kind in {"import", "from"} else use.span


def _written(span: Span, lines: Sequence[str], first: int) -> str:
    """A span as runs are recorded: lines of the file, columns in bytes."""
    (begin, start), (end, stop) = (_in_bytes(point, lines) for point in (span.start, span.end))
    return proof.place(first + begin, start, first + end, stop)


def _in_bytes(point: Point, lines: Sequence[str]) -> Point:
    line, column = point
    text = lines[line - 1]
    return line, column if text.isascii() else len(text[:column].encode())
