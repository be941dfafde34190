"""Which lines of a skill a release breaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import yaml

from airskills.cells import parse_cell
from airskills.drift.change import Change
from airskills.drift.classes import Signature
from airskills.drift.names import EITHER, POSITIONAL, Class
from airskills.drift.surface import Surface, parent
from airskills.drift.uses import Reader, Use
from airskills.drift.world import Found
from airskills.folder import Folder

_FACTS = "facts.yaml"
_BROKEN_ON_PURPOSE = ("/wrong/", "/files/")
_BY_VALUE = frozenset({"gone", "renamed", "positional-only", "deprecated"})
_BY_ABSENCE = frozenset({"required", "default"})


class Piece(NamedTuple):
    """Code of a skill: its file, the line before its first, its text, and the section whose names it sees."""

    path: str
    offset: int
    text: str
    section: str


class Hit(NamedTuple):
    """A line that a change concerns."""

    path: str
    line: int
    column: int
    change: Change


def pieces(folder: Folder) -> Iterator[Piece]:
    """The Python of a skill that is meant to work: blocks, files, and the `new` of its facts."""
    for document in folder.documents:
        for block in document.blocks:
            proof = block.attributes.get("proof", "")
            if block.language in {"python", "py", "pycon"} and not proof.startswith(("fails", "skip")):
                yield Piece(
                    document.path, block.first_line - 1, block.text, f"{document.path}#{block.section}"
                )
    for file in folder.matching(".py"):
        if not any(part in f"/{file.path}" for part in _BROKEN_ON_PURPOSE):
            yield Piece(folder.at(file.path), 0, folder.text(file.path), folder.at(file.path))
    if folder.has(_FACTS):
        for number, (offset, text) in enumerate(_news(folder.text(_FACTS))):
            yield Piece(folder.at(_FACTS), offset, text, f"{_FACTS}#{number}")


def _news(text: str) -> Iterator[tuple[int, str]]:
    """(line before the first, code) of every `new` in a facts file; a file that is no YAML has none."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return
    for entry in root.value if isinstance(root, yaml.SequenceNode) else ():
        for key, value in entry.value if isinstance(entry, yaml.MappingNode) else ():
            if key.value == "new" and isinstance(value, yaml.ScalarNode):
                yield value.start_mark.line + (1 if value.style == "|" else 0), value.value


def hits(code: Iterable[Piece], surface: Surface, changes: Sequence[Change]) -> list[Hit]:
    """Where code meets one of the changes, in the order of its lines.

    Args:
        code: pieces; those of one section share their names.
        surface: the release that the code was written for, in a world with its other pins.
        changes: of that distribution, from that release on.
    """
    readers: dict[str, Reader] = {}
    matcher = _Matcher(surface, changes)
    found: list[Hit] = []
    for piece in code:
        tree = parse_cell(piece.text).tree
        reader = readers.setdefault(piece.section, Reader(surface))
        for use in reader.read(tree) if tree else ():
            place = piece.path, piece.offset + use.line, use.column
            found += (Hit(*place, change) for change in matcher.of(use, reader))
    unique = {(hit.path, hit.line, hit.change): hit for hit in reversed(found)}
    return sorted(unique.values(), key=lambda hit: (hit.path, hit.line, hit.column))


class _Matcher:
    """Changes by the paths that they concern."""

    def __init__(self, surface: Surface, changes: Sequence[Change]) -> None:
        self.surface = surface
        self._whole: dict[str, list[Change]] = {}
        self._called: dict[str, list[Change]] = {}
        self._options: list[Change] = []  # deprecated fields of an object that is passed on
        for change in changes:
            if "." in change.parameter:
                self._options.append(change)
                continue
            table = self._called if change.parameter else self._whole
            for path in (change.path, *change.paths) if change.kind != "added" else ():
                table.setdefault(path, []).append(change)

    def of(self, use: Use, reader: Reader) -> Iterator[Change]:
        """The changes that a use meets."""
        yield from dict.fromkeys(self._things(use))
        if use.passed is not None:
            signature = reader.signature(use.path)
            for change in dict.fromkeys(self._parameters(use, signature)):
                if _is_met(change, use, signature):
                    yield change
            options = (c for c in self._options if c.parameter.rpartition(".")[2] in use.passed)
            yield from (change for change in options if self._is_ours(use))

    def _is_ours(self, use: Use) -> bool:
        return use.path.partition(".")[0] in {top.partition(".")[0] for top in self.surface.tree.tops}

    def _things(self, use: Use) -> Iterator[Change]:
        """Changes of the thing itself, or of something above it."""
        spelled = [use.path]
        while "." in spelled[-1]:
            spelled.append(parent(spelled[-1]))
        for path in (*spelled, *self._best(use)):
            yield from self._whole.get(path, ())

    def _parameters(self, use: Use, signature: Signature | None) -> Iterator[Change]:
        for path in (use.path, *self._best(use)):
            yield from self._called.get(path, ())
        for name, owner in (signature.owners if signature else {}).items():
            item = self.surface.items.get(owner)
            for change in self._called.get(item.paths[0], ()) if item else ():
                if change.parameter == name:
                    yield change

    def _best(self, use: Use) -> Iterator[str]:
        """The path under which changes list the definition: of a member, behind its class and where that is inherited."""
        item = self.surface.items.get(use.thing)
        if item:
            yield item.paths[0]
        owner = self.surface.items.get(parent(use.thing))
        name = use.thing.rpartition(".")[2]
        if owner and isinstance(owner.found.binding, Class):
            yield f"{owner.paths[0]}.{name}"
        above = self.surface.world.find(parent(use.path)) if "." in use.path else None
        outer = self.surface.items.get(above.home) if isinstance(above, Found) else None
        if outer:
            yield f"{outer.paths[0]}.{name}"


def _is_met(change: Change, use: Use, signature: Signature | None) -> bool:
    """Whether a call meets the change of one parameter."""
    passed = use.passed or frozenset()
    if change.parameter.startswith("**"):
        named = {p.name for p in signature.parameters} if signature else set()
        return bool(passed - named)
    if change.kind in _BY_VALUE:
        return change.parameter in passed and not (
            change.kind != "deprecated" and _place(change, signature) < use.positional
        )
    if change.kind in _BY_ABSENCE:
        return use.complete and change.parameter not in passed
    if change.kind == "reordered":
        return use.positional >= int(change.old)
    return change.kind == "keyword-only" and _place(change, signature) < use.positional


def _place(change: Change, signature: Signature | None) -> int:
    """0-based position of the parameter, or one that no call reaches."""
    names = [p.name for p in signature.parameters if p.kind in {POSITIONAL, EITHER}] if signature else []
    return names.index(change.parameter) if change.parameter in names else 1_000_000
