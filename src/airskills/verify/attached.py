"""Modules that get their `__getattr__` from a helper: `__getattr__, __dir__, __all__ = lazy.attach(__name__, ...)`."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from airskills.verify.patches import Edit, id_of, whole
from airskills.verify.wheel_source import Source

_LITERAL = (ast.Dict, ast.List, ast.Set, ast.Tuple)


class AttachedModule:
    """`from huggingface_hub import HfFolder`: the helper looks the name up in tables, and these do not hold it.

    The names of the tables are declared; where a table says which file has a name (`{"file": ["name"]}`), as what it is there.
    """

    def concerns(self, text: str, _source: Source) -> bool:
        """Whether it may change a file."""
        return "\n__getattr__, " in text

    def __call__(self, tree: ast.Module, source: Source) -> Iterator[Edit]:
        """Declarations, and another name for the helper's function."""
        tables = {
            id_of(target): node.value
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, _LITERAL)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        }
        for node in tree.body:
            if isinstance(node, ast.Assign) and _attaches(node):
                given = [*node.value.args, *(keyword.value for keyword in node.value.keywords)]  # type: ignore[attr-defined]  # `_attaches` says so
                listed = [tables.get(id_of(value), value) for value in given[1:]]
                bound = source.bound(tree)
                if bound is None or not all(isinstance(value, _LITERAL) for value in listed):
                    return
                yield from _edits(node, _declared(listed, bound))


def _attaches(node: ast.Assign) -> bool:
    """Whether it is `__getattr__, ... = helper(__name__, ...)`."""
    first = _first(node)
    if first is None or id_of(first) != "__getattr__" or not isinstance(node.value, ast.Call):
        return False
    return [id_of(arg) for arg in node.value.args[:1]] == ["__name__"]


def _first(node: ast.Assign) -> ast.expr | None:
    target = node.targets[0]
    return target.elts[0] if isinstance(target, ast.Tuple) and target.elts else None


def _edits(node: ast.Assign, declared: Mapping[str, str]) -> Iterator[Edit]:
    first = _first(node)
    if first is not None:
        texts = ["from typing import Any as _Any", *(declared[name] for name in sorted(declared))]
        yield whole(first, f"{'; '.join(texts)}; airskills_getattr_")


def _declared(listed: list[ast.expr], bound: set[str]) -> dict[str, str]:
    """Name to its declaration, of all names in these tables that the module does not bind itself."""
    found = {name: f"{name}: _Any" for table in listed for name in _texts(table)}
    for table in listed:
        for key, value in zip(table.keys, table.values, strict=True) if isinstance(table, ast.Dict) else ():
            for file in _texts(key) if key and not isinstance(value, ast.Constant) else ():
                found.update((name, f"from .{file} import {name}") for name in _texts(value))
    return {name: text for name, text in found.items() if name not in bound}


def _texts(table: ast.expr) -> list[str]:
    nodes = [node for node in ast.walk(table) if isinstance(node, ast.Constant)]
    return [node.value for node in nodes if isinstance(node.value, str) and node.value.isidentifier()]
