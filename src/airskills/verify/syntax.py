"""The syntax tree of a unit, walked once: its nodes in order, and the parent of each."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, TypeVar, overload

First = TypeVar("First", bound=ast.AST)
Second = TypeVar("Second", bound=ast.AST)

_BARE = frozenset({"ctx", "op", "ops"})  # fields whose nodes say nothing of a place, and are shared


class Syntax:
    """A tree and its nodes.

    Args:
        tree: of a unit.

    Attributes:
        tree: the same.
        nodes: all of them, those near the root first.
        parents: of every node but the root.
        below: the nodes right below each, without contexts and operators.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.nodes: list[ast.AST] = [tree]
        self.parents: dict[ast.AST, ast.AST] = {}
        self.below: dict[ast.AST, list[ast.AST]] = {}
        self._of: dict[type[ast.AST], list[ast.AST]] = defaultdict(list)
        for node in self.nodes:  # grows on the way
            self._of[type(node)].append(node)
            found = self.below[node] = list(_children(node))
            self.parents.update(dict.fromkeys(found, node))
            self.nodes += found

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
        return [node for node in self.nodes if type(node) in present] if present else []


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Faster than `ast.iter_child_nodes`."""
    for name in node._fields:
        value = getattr(node, name, None)
        if value.__class__ is list:
            for item in value:
                if isinstance(item, ast.AST):
                    yield item
        elif isinstance(value, ast.AST) and name not in _BARE:
            yield value
