"""Small faults that people and models make in code of a library, made on purpose: mutants of a skill's blocks.

Each operator changes one place of one block and keeps its lines. A mutant that still parses is a fault that only somebody
who knows the library, or runs the code, can see.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

OPERATORS = {
    "drop-argument": "a positional argument of a call is gone",
    "drop-keyword": "a keyword argument of a call is gone",
    "misspell-attribute": "two letters of an attribute are swapped",
    "misspell-keyword": "two letters of a keyword argument are swapped",
    "misspell-import": "two letters of an imported name are swapped",
    "swap-module": "a name is imported from another package that the block imports",
    "misspell-flag": "two letters of a command's flag are swapped",
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed block.

    Attributes:
        operator: one of `OPERATORS`.
        line: 1-based line of the block.
        before: what stood there.
        after: what stands there now.
        source: the whole block.
        probe: of a dropped keyword the block as it was, made to fail unless the value is always the default; else "".
    """

    operator: str
    line: int
    before: str
    after: str
    source: str
    probe: str = ""


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a Python block that still parses, in the order of its places."""
    tree = ast.parse(source)
    lines = source.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    roots = [_root(node) for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    for node in ast.walk(tree):
        for edit in _edits(node, sorted({root for root in roots if root})):
            begin, end = (starts[line - 1] + column for line, column in (edit.begin, edit.end))
            text, after = source.encode(), edit.after
            before = text[begin:end].decode()
            new = after if after is not None else _swapped(before)
            lonely = re.match(rb"\s*,", text[end:]) if after == "" and before[-1:] not in {",", " "} else None
            end += lonely.end() if lonely else 0  # the comma after the only argument goes with it
            changed = (text[:begin] + new.encode() + text[end:]).decode()
            if new != before and changed != source and _parses(changed):
                probe = _probe(text, edit, starts) if edit.function else ""
                yield Mutant(edit.operator, edit.begin[0], before, new, changed, probe)


Place = tuple[int, int]


class Edit(NamedTuple):
    """A change: what is put between two places; None swaps two letters of what is there."""

    operator: str
    begin: Place
    end: Place
    after: str | None
    function: ast.expr | None = None  # of a dropped keyword: what is called
    keyword: str = ""


# Stands before a block: calls go through it, and what is not the default is an error.
_ASKED = """
def _asked(function, name, calls=[]):
    def call(*args, **given):
        import inspect
        default = inspect.signature(function).parameters[name].default
        assert type(default) is type(given[name]) and bool(default == given[name])
        calls.append(name)
        return function(*args, **given)
    return call
"""


def _probe(text: bytes, edit: Edit, starts: list[int]) -> str:
    """The block with the call that loses a keyword led through `_asked`."""
    assert edit.function is not None
    places = (_begin(edit.function), _end(edit.function))
    begin, end = (starts[line - 1] + column for line, column in places)
    call = f"_asked({text[begin:end].decode()}, {edit.keyword!r})".encode()
    block = (text[:begin] + call + text[end:]).decode()
    return f"{_ASKED}{block}\nassert _asked.__defaults__[0]\n"


def _edits(node: ast.AST, roots: list[str]) -> Iterator[Edit]:
    if isinstance(node, ast.Call) and not _is_plain(node.func):
        yield from _arguments(node)
    if isinstance(node, ast.Attribute):
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        end = (node.end_lineno, node.end_col_offset)
        yield Edit("misspell-attribute", (end[0], end[1] - len(node.attr.encode())), end, None)
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield from _imports(node, roots)


def _is_plain(function: ast.expr) -> bool:
    """Whether it is a builtin, of which no skill says anything."""
    return isinstance(function, ast.Name) and hasattr(builtins, function.id)


def _arguments(node: ast.Call) -> Iterator[Edit]:
    given = sorted([*node.args, *node.keywords], key=lambda part: (part.lineno, part.col_offset))
    for number, part in enumerate(given):
        if isinstance(part, ast.Starred) or (isinstance(part, ast.keyword) and part.arg is None):
            continue
        operator = "drop-keyword" if isinstance(part, ast.keyword) else "drop-argument"
        first = _begin(part) if number + 1 < len(given) or not number else _end(given[number - 1])
        last = _begin(given[number + 1]) if number + 1 < len(given) else _end(part)
        if isinstance(part, ast.keyword) and part.arg is not None:
            yield Edit(operator, first, last, "", node.func, part.arg)
            begin = _begin(part)
            yield Edit("misspell-keyword", begin, (begin[0], begin[1] + len(part.arg.encode())), None)
        else:
            yield Edit(operator, first, last, "")


def _imports(node: ast.ImportFrom, roots: list[str]) -> Iterator[Edit]:
    for alias in node.names:
        if alias.name != "*":
            begin = _begin(alias)
            yield Edit("misspell-import", begin, (begin[0], begin[1] + len(alias.name.encode())), None)
    begin = (node.lineno, node.col_offset + len("from "))
    end = (begin[0], begin[1] + len((node.module or "").encode()))
    for other in roots:
        if other != _root(node):
            yield Edit("swap-module", begin, end, other)


def _root(node: ast.Import | ast.ImportFrom) -> str:
    name = node.names[0].name if isinstance(node, ast.Import) else node.module or ""
    return name.partition(".")[0]


def _begin(node: ast.expr | ast.keyword | ast.alias) -> Place:
    return node.lineno, node.col_offset


def _end(node: ast.expr | ast.keyword) -> Place:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return node.end_lineno, node.end_col_offset


def _swapped(name: str) -> str:
    """The name with the first two neighbours that differ swapped, from its second letter on; `nprobe` is `nrpobe`."""
    for at in range(1, len(name) - 1):
        if name[at] != name[at + 1] and name[at].isalpha() and name[at + 1].isalpha():
            return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    return f"{name}_x"


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def flag_mutants(source: str) -> Iterator[Mutant]:
    """A shell block with one of its `--flags` misspelt."""
    for number, line in enumerate(source.splitlines(), 1):
        for found in re.finditer(r"(?<=\s)--([A-Za-z][\w-]+)", line):
            after = f"--{_swapped(found[1])}"
            at = sum(len(before) + 1 for before in source.splitlines()[: number - 1]) + found.start()
            changed = source[:at] + after + source[at + len(found[0]) :]
            yield Mutant("misspell-flag", number, found[0], after, changed)
