"""Methods that return the object they are called on, and do not say so."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from airskills.verify.patches import Edit, id_of, statements
from airskills.verify.wheel_source import Source

SELF = "airskills_self_"


class ReturnsSelf:
    """`CountVectorizer().fit(rows).vocabulary_`: every `return` of `fit` is `return self`, and it has no type."""

    def concerns(self, text: str, _source: Source) -> bool:
        """Whether it may change a file."""
        return "return self\n" in text

    def __call__(self, tree: ast.Module, source: Source) -> Iterator[Edit]:
        """`-> Self` behind the parameters of every such method, and an import of it beside the first one."""
        imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        first = next((node for node in imports if getattr(node, "module", "") != "__future__"), None)
        methods = [method for method in _methods(tree) if _returns_self(method)]
        if first is None or not methods:
            return
        yield _put(first.lineno, first.col_offset, f"from typing import Self as {SELF}; ")
        lines = source.text(source.path).encode("utf-8", "surrogateescape").split(b"\n")
        for method in methods:
            yield _put(*_closing(method, lines), f" -> {SELF}")


def _put(line: int, column: int, text: str) -> Edit:
    return Edit(line, column, line, column, text)


def _methods(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for owner in statements(tree):
        for node in owner.body if isinstance(owner, ast.ClassDef) else ():
            if isinstance(node, ast.FunctionDef) and node.returns is None:
                yield node


def _returns_self(method: ast.FunctionDef) -> bool:
    if [arg.arg for arg in method.args.args[:1]] != ["self"] or not isinstance(method.body[-1], ast.Return):
        return False
    nodes = list(_own(method))
    returned = [node.value for node in nodes if isinstance(node, ast.Return)]
    stays = not any(
        isinstance(node, ast.Name) and node.id == "self" and isinstance(node.ctx, ast.Store) for node in nodes
    )
    yields = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in nodes)
    return stays and not yields and all(value is not None and id_of(value) == "self" for value in returned)


def _own(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Nodes of a function, those of functions and classes in it left out."""
    inside = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, inside):
            pending += ast.iter_child_nodes(node)


def _closing(function: ast.FunctionDef, lines: list[bytes]) -> tuple[int, int]:
    """Line and column behind the parenthesis that closes the parameters; none of theirs is left open behind the last."""
    spec = function.args
    parts = [
        *spec.posonlyargs,
        *spec.args,
        *spec.kwonlyargs,
        *spec.defaults,
        *spec.kw_defaults,
        spec.vararg,
        spec.kwarg,
    ]
    line, column = max((node.end_lineno or 0, node.end_col_offset or 0) for node in parts if node is not None)
    while True:
        code = lines[line - 1][column:].partition(b"#")[0]
        at = code.find(b")")
        if at >= 0:
            return line, column + at + 1
        line, column = line + 1, 0
