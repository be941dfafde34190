"""Edits of source by the places of a syntax tree, and the small questions about trees that revisions ask."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Edit:
    """A stretch of source, by its place in a syntax tree (1-based lines, 0-based bytes), and what stands there instead."""

    first: int
    start: int
    last: int
    end: int
    instead: str = ""


def whole(node: ast.expr | ast.stmt, instead: str = "") -> Edit:
    """All of a node, and what stands there instead."""
    return Edit(node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0, instead)


def edited(text: str, edits: list[Edit]) -> str:
    """The text with every edit made, from the end; line ends inside a stretch stay."""
    lines = text.encode("utf-8", "surrogateescape").split(b"\n")
    for edit in sorted(edits, key=lambda edit: (edit.first, edit.start), reverse=True):
        before, after = lines[edit.first - 1][: edit.start], lines[edit.last - 1][edit.end :]
        middle = [b""] * (edit.last - edit.first)
        lines[edit.first - 1 : edit.last] = [before + edit.instead.encode(), *middle]
        lines[edit.last - 1] += after
    return b"\n".join(lines).decode("utf-8", "surrogateescape")


def parse(text: str) -> ast.Module | None:
    """The tree of a file; None where it has none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.encode("utf-8", "surrogateescape"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Every statement, at any depth; expressions, which are most of a tree, are not looked into."""
    pending: list[ast.stmt] = list(tree.body)
    while pending:
        node = pending.pop()
        yield node
        for name in ("body", "orelse", "finalbody"):
            pending += getattr(node, name, ())
        for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            pending += part.body


def name_of(decorator: ast.expr) -> str:
    """The last name of a decorator, called or not."""
    node = decorator.func if isinstance(decorator, ast.Call) else decorator
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[str]:
    """Names of the parameters that are written out."""
    given = node.args
    return frozenset(arg.arg for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs))


def is_method(node: ast.expr, owner: str, name: str) -> bool:
    """Whether it is `owner.name`."""
    return isinstance(node, ast.Attribute) and node.attr == name and is_name(node.value, owner)


def is_name(node: ast.expr, name: str) -> bool:
    """Whether it is that name."""
    return id_of(node) == name


def id_of(node: ast.AST) -> str:
    """The name that it is, or ""."""
    return node.id if isinstance(node, ast.Name) else ""


def function_of(text: str, name: str) -> ast.FunctionDef | None:
    """The function of that name at the outermost level, parsed alone: decorators are few, their files long."""
    found = re.search(rf"^def {re.escape(name)}\(.*(?:\n(?:[ \t)#].*)?)*", text, re.MULTILINE)
    tree = parse(found[0]) if found else None
    return next((node for node in tree.body if isinstance(node, ast.FunctionDef)), None) if tree else None


def bound_names(tree: ast.Module) -> set[str]:
    """Names of a module that its file binds, star imports left out; in functions and classes only what is `global`."""
    found: set[str] = set()
    pending: list[tuple[ast.AST, bool]] = [(tree, True)]
    while pending:
        node, outside = pending.pop()
        if isinstance(node, ast.Global):
            found |= set(node.names)
        elif outside and isinstance(node, FUNCTION | ast.ClassDef):
            found.add(node.name)
        elif outside and isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif outside and isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        inside = isinstance(node, FUNCTION | ast.ClassDef | ast.Lambda)
        pending += [(child, outside and not inside) for child in ast.iter_child_nodes(node)]
    return found
