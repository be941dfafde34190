"""Where a node of a unit stands: its parents, its scope, and the statement before which another may be put."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cached_property

from airskills.verify.syntax import Syntax

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSION = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SIMPLE = (
    ast.Expr,
    ast.Assign,
    ast.AugAssign,
    ast.AnnAssign,
    ast.Return,
    ast.Raise,
    ast.Assert,
    ast.Delete,
    ast.Pass,
    ast.Import,
    ast.ImportFrom,
    ast.Global,
    ast.Nonlocal,
    ast.Break,
    ast.Continue,
)


class Places:
    """The nodes of a tree and where each stands.

    Args:
        syntax: of a unit.
        lines: of its source.
    """

    def __init__(self, syntax: Syntax, lines: list[str]) -> None:
        self.tree = syntax.tree
        self.parents = syntax.parents
        self._syntax = syntax
        self._lines = lines

    @cached_property
    def bindings(self) -> Counter[str]:
        """How often the unit binds each name, in whatever scope."""
        found: Counter[str] = Counter()
        of = self._syntax.of
        found.update(node.name for node in of(ast.FunctionDef, ast.AsyncFunctionDef))
        found.update(node.name for node in of(ast.ClassDef))
        found.update((node.asname or node.name).partition(".")[0] for node in of(ast.alias))
        found.update(node.arg for node in of(ast.arg))
        found.update(node.id for node in of(ast.Name) if not isinstance(node.ctx, ast.Load))
        found.update(node.name for node in of(ast.ExceptHandler) if node.name)
        return found

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """The parents of a node, the nearest first."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def scope(self, node: ast.AST) -> ast.AST:
        """The function, lambda, class or module in whose scope a node stands."""
        kinds = (*FUNCTION, ast.Lambda, ast.ClassDef)
        child = node
        for parent in self.above(node):
            if isinstance(parent, kinds) and child in _body(parent):
                return parent
            child = parent
        return self.tree

    def owner(self, function: ast.AST) -> ast.ClassDef | None:
        """The class of a method."""
        parent = self.parents.get(function)
        return parent if isinstance(parent, ast.ClassDef) else None

    def statement(self, node: ast.AST) -> ast.stmt | None:
        """The statement before which one may be put that speaks of a node: no `elif`, which belongs to its `if`."""
        found = node if isinstance(node, ast.stmt) else None
        for parent in self.above(node):
            if found is not None and not self._is_elif(found):
                break
            if isinstance(parent, ast.stmt):
                found = parent
        return found

    def _is_elif(self, node: ast.stmt) -> bool:
        return isinstance(node, ast.If) and self._lines[node.lineno - 1][node.col_offset :].startswith("elif")

    def expression(self, node: ast.expr, argument: ast.expr) -> str | None:
        """`argument` written so that it means before the statement what it means in `node`; None where that cannot be.

        A variable of a comprehension is any of its values.
        """
        text = ast.unparse(argument)
        child: ast.AST = node
        for parent in self.above(node):
            if isinstance(parent, ast.stmt):
                return text
            if isinstance(parent, ast.Lambda):
                return None
            if isinstance(parent, _COMPREHENSION):
                text = _any_of(text, parent, child)
            if not (isinstance(parent, ast.comprehension) and child is parent.iter):
                child = parent
        return None

    def is_simple(self, statement: ast.stmt) -> bool:
        """Whether others may stand on its line."""
        return isinstance(statement, _SIMPLE)


def _body(scope: ast.AST) -> list[ast.AST]:
    body = getattr(scope, "body", [])
    return body if isinstance(body, list) else [body]


def _any_of(text: str, node: ast.AST, child: ast.AST) -> str:
    """`next(text for ...)` with the clauses that come before the part of a comprehension in which the text stands."""
    generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]  # comprehensions have them
    before = []
    for generator in generators:
        if child is generator.iter:
            break
        before.append(ast.unparse(generator))
        if child is generator:
            break
    return f"next({text} {' '.join(part.strip() for part in before)})" if before else text
