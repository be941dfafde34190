"""Python of a code block as a parser reads it, on the same lines as it was written.

Blocks come from notebooks, terminals and slides: they hold magics (`%pip`, `!ls`, `%%time`, `files = !ls`), prompts
(`>>>`), an indent of the list they stand in, top-level `await`, and three dots for what was left out.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, zip_longest

_PYTHON_CELLS = frozenset({"time", "timeit", "capture", "prun", "python", "python3", "memit", "mprun"})
_ASSIGNED = re.compile(r"^(\s*[A-Za-z_][\w\s,.]*=\s*)[!%](?=[A-Za-z(]).*")
_HELP = re.compile(r"\?\w|\w[\w.]*\?\??$")


@dataclass(frozen=True, slots=True)
class Cell:
    """A block, read.

    Attributes:
        source: a module with as many lines as the block.
        tree: its syntax tree, or None where it has none.
        problem: (line, message) of the first fault in what was written, or None. A cell whose only fault is dots after
            keywords has a problem and a tree.
        removed: characters taken off the beginning of each line.
        awaits: whether `await`, `async for` or `async with` stand outside a function.
    """

    source: str
    tree: ast.Module | None
    problem: tuple[int, str] | None
    removed: tuple[int, ...]
    awaits: bool = False

    def column(self, line: int, column: int) -> int:
        """0-based column in the block of a 0-based column in `source`; `line` is 1-based."""
        return column + (self.removed[line - 1] if line <= len(self.removed) else 0)


@lru_cache(maxsize=512)
def parse_cell(text: str) -> Cell:
    """Read a block; never raises on what it holds."""
    problem: tuple[int, str] | None = None
    for source, removed in _readings(text):
        tree, problem = _parsed(source)
        if tree is not None:
            return Cell(source, tree, None, removed, _awaits(tree, source))
    elided = _without_elisions(source)
    tree, _ = _parsed(elided)
    return Cell(elided if tree else source, tree, problem, removed, bool(tree and _awaits(tree, elided)))


def tree_of(source: str) -> ast.Module:
    """The syntax tree of a cell's `source` that is known to have one."""
    tree = parse_cell(source).tree
    if tree is None:
        raise ValueError("it is no Python")
    return tree


def _readings(text: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The text as it stands, then without prompts and indent, then without magics too."""
    lines = text.split("\n")
    yield text, (0,) * len(lines)
    plain = _without_prompts(lines)
    indent = _indent(plain)
    plain = [line[indent:] for line in plain]
    removed = tuple(len(before) - len(after) for before, after in zip(lines, plain, strict=True))
    yield "\n".join(plain), removed
    yield "\n".join(_without_magics(plain)), removed


def _without_prompts(lines: list[str]) -> list[str]:
    if not any(line.lstrip().startswith(">>> ") for line in lines):
        return lines
    return [_after_prompt(line) for line in lines]


def _after_prompt(line: str) -> str:
    """What was typed; nothing of a line of output."""
    found = re.match(r"\s*(?:>>>|\.\.\.)(?: (?P<code>.*)|$)", line)
    return (found["code"] or "") if found else ""


def _indent(lines: list[str]) -> int:
    """Width of the white space with which every line that is not empty begins."""
    filled = [line for line in lines if line.strip()]
    first = filled[0] if filled else ""
    width = len(first) - len(first.lstrip())
    return width if all(line[:width].isspace() or not width for line in filled) else 0


def _without_magics(lines: list[str]) -> list[str]:
    """Magics become `pass`, what they are assigned becomes an unknown name; another language's cell becomes empty."""
    first = next((line for line in lines if line.strip()), "")
    cell = re.match(r"%%(\w+)", first)
    if cell and cell[1] not in _PYTHON_CELLS:
        return [""] * len(lines)
    return [_plain(line) for line in lines]


def _plain(line: str) -> str:
    bare = line.lstrip()
    if (bare.startswith(("%", "!")) and not bare.startswith("!=")) or _HELP.match(bare):
        return f"{line[: len(line) - len(bare)]}pass"
    return _ASSIGNED.sub(r"\1get_ipython()", line)


def _without_elisions(source: str) -> str:
    """Dots that stand for arguments of a call or entries of a dictionary become `**{}`."""
    lines = source.split("\n")
    for row, found in groupby(_elisions(source), key=lambda place: place[0]):
        starts = [0, *(column + 3 for _, column in found)]
        ends = [start - 3 for start in starts[1:]]
        parts = [lines[row - 1][start:end] for start, end in zip_longest(starts, ends)]
        lines[row - 1] = "**{}".join(parts)
    return "\n".join(lines)


def _elisions(source: str) -> Iterator[tuple[int, int]]:
    """(1-based line, column) of each."""
    opened: list[bool] = []  # for each open bracket: whether `**{}` may stand in it
    before = ""
    for token in _tokens(source):
        if token.string in {"(", "[", "{"}:
            called = before.isidentifier() or before in {")", "]"}
            opened.append(token.string == "{" or (token.string == "(" and called))
        elif token.string in {")", "]", "}"}:
            del opened[-1:]
        elif token.string == "..." and opened and opened[-1] and before in {"(", "{", ","}:
            yield token.start
        before = token.string


def _tokens(source: str) -> Iterator[tokenize.TokenInfo]:
    """Every token up to the first fault; no line ends, no comments."""
    layout = {tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT}
    with suppress(tokenize.TokenError, SyntaxError, IndentationError):
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type not in layout:
                yield token


def _parsed(source: str) -> tuple[ast.Module | None, tuple[int, str] | None]:
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return compile(source, "<block>", "exec", flags=flags, dont_inherit=True), None
    except SyntaxError as error:
        return None, (error.lineno or 1, error.msg)
    except (ValueError, RecursionError, MemoryError) as error:
        return None, (1, str(error) or type(error).__name__)


def _awaits(tree: ast.Module, source: str) -> bool:
    pending: list[ast.AST] = list(tree.body) if "await" in source or "async" in source else []
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith):
            return True
        if isinstance(node, ast.comprehension) and node.is_async:
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            pending.extend(ast.iter_child_nodes(node))
    return False
