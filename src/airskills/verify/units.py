"""Units: the Python of a skill as virtual files, and the way back to the lines it was written on.

The blocks of one level-2 section make one file, in order, as they are run; a block that must fail makes one of its own
after the blocks before it. Each script of `examples/`, `scripts/` and `evals/` is a file, and so is each `new` of
`facts.yaml`; what is broken on purpose (`evals/*/wrong`, `evals/*/files`, `old`) is none.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from airskills.cells import Cell, parse_cell, tree_of
from airskills.folder import PYTHON
from airskills.pins import Pin, PinError, of_script, of_skill
from airskills.verify.ledger import Entry, Level

if TYPE_CHECKING:
    from airskills.folder import Folder
    from airskills.markdown import CodeBlock, Markdown

MAX_UNIT_LINES = 20_000
_IMPORT = re.compile(r"\b(?:from|import)\b((?:.*\\\n)*.*)")
_WORD = re.compile(r"\w+")
_FIRST = attrgetter("first")
LANGUAGES = PYTHON | {"pycon"}
EXPECTED = {
    "import": "AV001",
    "attribute": "AV002",
    "kwarg": "AV003",
    "keyword": "AV003",
    "missing": "AV004",
    "arity": "AV005",
    "overload": "AV006",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of lines of a unit that stands in one place of a file.

    Attributes:
        first: 1-based line of the unit on which it begins.
        lines: how many.
        path: the file.
        place: 1-based line of the file on which it begins.
        shifts: for each line, the difference between its column in the file and in the unit; none where all are 0.
        runs_on: whether line follows line in the file too; a folded YAML text stands on one line.
        fails: code that the author promises, or "".
        carried: whether it was seen in another unit already, and is here for its names only.
    """

    first: int
    lines: int
    path: str
    place: int
    shifts: tuple[int, ...]
    runs_on: bool = True
    fails: str = ""
    carried: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """A virtual file.

    Attributes:
        source: its text, which parses.
        pieces: where its lines come from, in order.
        pins: what it is proven against.
    """

    source: str
    pieces: tuple[Piece, ...]
    pins: tuple[Pin, ...] = field(default=())

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree, parsed when it is asked for."""
        return tree_of(self.source)

    @property
    def imports(self) -> frozenset[str]:
        """Words that stand behind `import` or `from`: every top-level module that it imports, and more."""
        return frozenset(word for line in _IMPORT.findall(self.source) for word in _WORD.findall(line))

    def piece(self, line: int) -> Piece:
        """The piece in which a 1-based line of the unit stands."""
        return self.pieces[bisect_right(self.pieces, line, key=_FIRST) - 1]

    def place(self, line: int, column: int) -> tuple[str, int, int]:
        """(file, 1-based line, 1-based column) of a point; `column` is 0-based."""
        piece = self.piece(line)
        inside = min(line - piece.first, piece.lines - 1)
        shift = piece.shifts[inside] if piece.shifts else 0
        return piece.path, piece.place + (inside if piece.runs_on else 0), column + shift + 1


@dataclass(frozen=True, slots=True)
class Units:
    """What a skill holds to be proven.

    Attributes:
        pins: of the skill; a script may have others besides.
        units: virtual files.
        entries: what cannot be read or is left out, as entries of the ledger.
        local: names of modules that the skill brings itself.
    """

    pins: tuple[Pin, ...]
    units: tuple[Unit, ...]
    entries: tuple[Entry, ...]
    local: frozenset[str]


def units_of(
    folder: Folder,
    *,
    pins: Sequence[Pin] | None = None,
    wanted: Callable[[str], bool] = lambda _path: True,
) -> Units:
    """Every unit of a skill.

    Args:
        folder: the skill.
        pins: instead of those that its frontmatter and its scripts name.
        wanted: whether a file is to be proven; of others only scripts are read, which may be imported.
    """
    found: list[Unit] = []
    entries: list[Entry] = []
    known = _pins(folder, entries) if pins is None else tuple(pins)
    for document in folder.documents:
        if wanted(document.path):
            _add_document(document, known, found, entries)
    for path in _scripts(folder):
        own = known if pins is not None else _script_pins(folder, path, known, entries)
        _add_text(folder.at(path), folder.text(path), own, found, entries)
    if folder.has("facts.yaml") and wanted(folder.at("facts.yaml")):
        _add_facts(folder.at("facts.yaml"), folder.text("facts.yaml"), known, found, entries)
    local = frozenset(f.path.rpartition("/")[2].removesuffix(".py") for f in folder.matching(".py"))
    return Units(known, tuple(found), tuple(entry for entry in entries if wanted(entry.path)), local)


def _pins(folder: Folder, entries: list[Entry]) -> tuple[Pin, ...]:
    if folder.skill is None:
        return ()
    try:
        return of_skill(folder.skill)
    except PinError as error:
        place = folder.skill.positions.get("metadata.airskills-tested-with", (1, 1))
        entries.append(_refused(folder.at("SKILL.md"), *place, error))
        return ()


def _script_pins(folder: Folder, path: str, known: tuple[Pin, ...], entries: list[Entry]) -> tuple[Pin, ...]:
    """The script's own pins before those of the skill."""
    try:
        own = {pin.name: pin for pin in of_script(folder.text(path))}
    except PinError as error:
        entries.append(_refused(folder.at(path), 1, 1, error))
        return known
    return tuple(sorted(({pin.name: pin for pin in known} | own).values()))


def _refused(path: str, line: int, column: int, error: PinError) -> Entry:
    return Entry(
        path, line, column, "AV901", str(error), error.help, "dead", error.requirement, Level.UNPARSED
    )


def _scripts(folder: Folder) -> Iterator[str]:
    for file in folder.matching(".py"):
        top, *rest = file.path.split("/")
        broken = top == "evals" and any(part in {"wrong", "files"} for part in rest)
        if top in {"examples", "scripts", "evals"} and rest and not broken:
            yield file.path


def _add_document(document: Markdown, pins: tuple[Pin, ...], found: list[Unit], entries: list[Entry]) -> None:
    lines = document.text.split("\n")
    python = (block for block in document.blocks if block.language in LANGUAGES)
    for _, blocks in groupby(python, key=lambda block: block.section):
        before: list[tuple[CodeBlock, Cell]] = []
        for block in blocks:
            cell = parse_cell(block.text.rstrip("\n"))
            problem = _unread(document.path, block, cell)
            if problem is not None:
                entries.append(problem)
            elif block.attributes.get("proof", "").startswith("fails"):
                found += _unit([*before, (block, cell)], document, lines, pins, alone=True)
            else:
                before.append((block, cell))
        found += _unit(before, document, lines, pins)


def _unread(path: str, block: CodeBlock, cell: Cell) -> Entry | None:
    proof = block.attributes.get("proof", "")
    if proof.startswith("skip"):
        reason = proof.partition(":")[2].strip() or "no reason given"
        message = f"The block is left out by its author: {reason}"
        return Entry(path, block.line, 1, "AV106", message, "", "unproven", "block", Level.UNPARSED)
    return _no_python(path, block.first_line, cell, "block") if cell.tree is None else None


def _no_python(path: str, first: int, cell: Cell, what: str) -> Entry:
    """Why a block, a file or a fact, whose first line this is, cannot be read."""
    line, why = cell.problem or (1, "it is no Python")
    message = f"The {what} cannot be read: {why}"
    return Entry(path, first + line - 1, 1, "AV106", message, "Correct it", "unproven", what, Level.UNPARSED)


def _unit(
    blocks: Sequence[tuple[CodeBlock, Cell]],
    document: Markdown,
    lines: list[str],
    pins: tuple[Pin, ...],
    *,
    alone: bool = False,
) -> Iterator[Unit]:
    """One unit of these blocks, if there are any; only the last one counts where it stands `alone`."""
    pieces: list[Piece] = []
    sources: list[str] = []
    first = 1
    for number, (block, cell) in enumerate(blocks):
        count = cell.source.count("\n") + 1
        written = lines[block.first_line - document.first_line :][:count]
        shifts, fails = _shifts(cell.source.split("\n"), written), _promised(block)
        carried = alone and number < len(blocks) - 1
        pieces.append(
            Piece(first, count, document.path, block.first_line, shifts, fails=fails, carried=carried)
        )
        sources.append(cell.source)
        first += count
    if sources and first <= MAX_UNIT_LINES:
        source = "\n".join(sources)
        if parse_cell(source).tree is not None:
            yield Unit(source, tuple(pieces), pins)


def _shifts(read: Sequence[str], written: Sequence[str]) -> tuple[int, ...]:
    """How far each line of code stands to the right in its file: the indent of a list, a quote, a prompt."""
    if read == written:
        return ()
    bare = ((code, code.strip(), line) for code, line in zip(read, written, strict=False))
    found = [(code, line.find(text) if text else -1) for code, text, line in bare]
    return tuple(at - (len(code) - len(code.lstrip())) if at >= 0 else 0 for code, at in found)


def _promised(block: CodeBlock) -> str:
    proof, _, kind = block.attributes.get("proof", "").partition(":")
    return EXPECTED.get(kind.strip().partition(" ")[0].lower(), "run") if proof == "fails" else ""


def _add_text(path: str, text: str, pins: tuple[Pin, ...], found: list[Unit], entries: list[Entry]) -> None:
    cell = parse_cell(text)
    if cell.tree is None or cell.problem:
        entries.append(_no_python(path, 1, cell, "file"))
    else:
        shifts = cell.removed if any(cell.removed) else ()
        found.append(Unit(cell.source, (Piece(1, text.count("\n") + 1, path, 1, shifts),), pins))


def _add_facts(path: str, text: str, pins: tuple[Pin, ...], found: list[Unit], entries: list[Entry]) -> None:
    """The `new` of every fact; what is no list of facts is for `airskills check` to say."""
    for place, code, runs_on, indent in _new_texts(text):
        cell = parse_cell(code.rstrip("\n"))
        if cell.tree is None:
            message = f"The code cannot be read: {cell.problem[1] if cell.problem else ''}"
            entries.append(Entry(path, place, 1, "AV106", message, "", "unproven", "fact", Level.UNPARSED))
            continue
        count = cell.source.count("\n") + 1
        piece = Piece(1, count, path, place, (indent,) * count if indent else (), runs_on)
        found.append(Unit(cell.source, (piece,), pins))


def _new_texts(text: str) -> Iterator[tuple[int, str, bool, int]]:
    """(1-based line, code, whether its lines are the file's lines, indent) of each `new`."""
    import yaml

    try:
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return
    lines = text.split("\n")
    for fact in root.value if isinstance(root, yaml.SequenceNode) else ():
        for key, value in fact.value if isinstance(fact, yaml.MappingNode) else ():
            if key.value == "new" and isinstance(value, yaml.ScalarNode):
                runs_on = value.style == "|"
                place = value.start_mark.line + (2 if runs_on else 1)
                line = lines[place - 1] if place <= len(lines) else ""
                yield place, value.value, runs_on, len(line) - len(line.lstrip()) if runs_on else 0
