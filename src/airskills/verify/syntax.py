"""The syntax tree of a unit, walked once: its nodes in order, and the parent of each."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar, overload

First = TypeVar("First", bound=ast.AST)
Second = TypeVar("Second", bound=ast.AST)

# Fields that hold names and numbers, or nodes that say nothing of a place, and are shared.
_BARE = frozenset(
    {"ctx", "op", "ops", "arg", "attr", "id", "level", "lineno", "module", "asname", "type_comment", "kind"}
)
# Two thirds of all nodes: these have no others below them.
_LEAVES = frozenset({ast.Name, ast.Constant, ast.alias, ast.Pass, ast.Break, ast.Continue})


class Syntax:
    """A tree and its nodes.

    Args:
        tree: of a unit.

    Attributes:
        tree: the same.
        nodes: all of them, those near the root first.
        parents: of every node but the root.
        below: the nodes right below each that has any, without contexts and operators.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.nodes: list[ast.AST] = [tree]
        self.parents: dict[ast.AST, ast.AST] = {}
        self.below: dict[ast.AST, list[ast.AST]] = {}
        self._of: dict[type[ast.AST], list[ast.AST]] = defaultdict(list)
        for node in self.nodes:  # grows on the way
            kind = type(node)
            self._of[kind].append(node)
            if kind not in _LEAVES and (found := _children(node)):
                self.below[node] = found
                self.nodes += found
                for child in found:
                    self.parents[child] = node

    @overload
    def of(self, kind: type[First], /) -> list[First]: ...
    @overload
    def of(self, kind: type[First], other: type[Second], /) -> list[First | Second]: ...
    @overload
    def of(self, *kinds: type[ast.AST]) -> list[ast.AST]: ...
    def of(self, *kinds: type[ast.AST]) -> list[Any]:
        """The nodes of these classes, those near the root first."""
        if len(kinds) == 1:
            return self._of.get(kinds[0], [])
        present = [kind for kind in kinds if kind in self._of]
        if len(present) < 2:
            return self._of[present[0]] if present else []
        return [node for node in self.nodes if type(node) in present]

    @property
    def statements(self) -> list[ast.stmt]:
        """All statements, in no order that means anything."""
        kinds = [kind for kind in self._of if issubclass(kind, ast.stmt)]
        return [node for kind in kinds for node in self.of(kind)]

    def inside(self, roots: Iterable[ast.AST]) -> set[ast.AST]:
        """These nodes and all below them."""
        found = set(roots)
        pending = list(found)
        while pending:
            below = self.below.get(pending.pop(), ())
            found.update(below)
            pending += below
        return found


def _children(node: ast.AST) -> list[ast.AST]:
    """Faster than `ast.iter_child_nodes`."""
    found: list[ast.AST] = []
    for name in _fields(type(node)):  # type: ignore[arg-type]  # every class has a hash
        value = getattr(node, name, None)
        if value.__class__ is list:
            found += [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


@cache
def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    return tuple(name for name in kind._fields if name not in _BARE)
