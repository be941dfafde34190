"""Python of a skill as rules ask for it: parsed once."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property

from airskills.cells import Cell, parse_cell
from airskills.markdown import CodeBlock

_BODIES = frozenset({"body", "orelse", "finalbody", "handlers", "cases"})


@dataclass(frozen=True)
class Program:
    """A Python block or file.

    Attributes:
        path: the file it stands in, as findings print it.
        line: 1-based line of that file on which `text` begins.
        text: as it was written.
        block: the code block, or None for a file.
    """

    path: str
    line: int
    text: str
    block: CodeBlock | None = None

    @cached_property
    def cell(self) -> Cell:
        """The text, read as a notebook would read it."""
        return parse_cell(self.text)

    @property
    def problem(self) -> tuple[int, str] | None:
        """(line, message) of the first fault, or None; a file, unlike a block, must be a module as it stands."""
        if self.block is None and (self.cell.source != self.text or self.cell.awaits):
            return self.cell.problem or _module_problem(self.text)
        return self.cell.problem

    @cached_property
    def statements(self) -> tuple[ast.stmt, ...]:
        """All statements, those inside others too, in no particular order."""
        found: list[ast.stmt] = []
        pending: list[ast.AST] = [self.cell.tree] if self.cell.tree else []
        while pending:
            for name, value in pending.pop().__dict__.items():
                if name in _BODIES:
                    pending += value
                    found += value
        return tuple(node for node in found if isinstance(node, ast.stmt))

    @cached_property
    def calls(self) -> tuple[ast.Call, ...]:
        """All calls; it takes several times as long as `statements`."""
        tree = self.cell.tree
        return tuple(node for node in ast.walk(tree) if isinstance(node, ast.Call)) if tree else ()


def _module_problem(text: str) -> tuple[int, str]:
    """What keeps a notebook's or terminal's text from being a module."""
    try:
        compile(text, "<file>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return error.lineno or 1, error.msg
    except (ValueError, RecursionError, MemoryError) as error:
        return 1, str(error) or type(error).__name__
    raise AssertionError("the text is a module")
