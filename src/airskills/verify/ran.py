"""What a run proves: uses that surely ran in a unit which `airskills test --write` saw run to its end, in this content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from airskills import proof
from airskills.folder import Folder
from airskills.verify.executed import executed
from airskills.verify.ledger import Entry, Level
from airskills.verify.units import Piece, Unit

_SETTLED = frozenset({"AV101", "AV102", "AV103", "AV104", "AV105"})  # reasons that a run does away with


def with_runs(folder: Folder, units: Sequence[Unit], entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries, those that surely ran at the level `ran`; what is dead or deprecated stays so."""
    known = proof.read(Path(folder.path)).ran
    places = set[tuple[str, int, int]]()
    if known is not None and known.units and known.content == proof.content_hash(folder):
        ran = {folder.at(unit) for unit in known.units}
        places = {place for unit in units for place in _places(unit, ran)}
    for entry in entries:
        settled = entry.state == "proven" or entry.code in _SETTLED
        if settled and (entry.path, entry.line, entry.column) in places:
            code = entry.code if entry.state == "proven" else ""
            message, help_ = (entry.message, entry.help) if code else ("", "")
            yield replace(entry, state="proven", code=code, message=message, help=help_, level=Level.RAN)
        else:
            yield entry


def _places(unit: Unit, ran: set[str]) -> Iterator[tuple[str, int, int]]:
    lines = unit.source.split("\n")
    pieces = {id(piece) for piece in unit.pieces if _ran(piece, ran)}
    if not pieces:
        return
    for line, column in executed(unit.tree, lambda line: id(unit.piece(line)) in pieces):
        text = lines[line - 1]
        yield unit.place(line, len(text.encode()[:column].decode(errors="ignore")))


def _ran(piece: Piece, ran: set[str]) -> bool:
    """Whether the piece is one of these, each named by the line above its code, or that of its key, or line 1."""
    names = {f"{piece.path}:{piece.place - 1}", f"{piece.path}:{piece.place}"}
    return not piece.fails and not piece.carried and not names.isdisjoint(ran)
