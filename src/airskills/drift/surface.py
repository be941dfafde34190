"""What a user of a distribution can reach: modules, names and the one place where each of them is defined.

Public is what is reached without an underscore. Where a module has `__all__`, that decides; elsewhere a module offers
what it defines, and a package also what it takes from its own modules. A re-export and its home are one thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from airskills.drift.classes import Classes
from airskills.drift.names import Alias, Binding, Class, Function, Value
from airskills.drift.tree import Tree
from airskills.drift.world import Found, World

_NOT_API = frozenset({"tests", "test", "test_utils", "conftest"})
_PLUMBING = re.compile(r"\bget_?[lL]ogger\(|^(?:typing\.)?(?:TypeVar|ParamSpec|TypeVarTuple)\(")


class Item(NamedTuple):
    """One public thing and every public path to it, the best to import from first.

    It is `deep` where only the module that defines it offers it, no package and no `__all__`.
    """

    found: Found
    paths: tuple[str, ...]
    deep: bool = False

    @property
    def home(self) -> str:
        """Where it is defined."""
        return self.found.home


class Surface:
    """The public side of one distribution in a world.

    Args:
        world: the distribution and whatever it builds on.
        tree: the distribution itself.
    """

    def __init__(self, world: World, tree: Tree) -> None:
        self.world = world
        self.tree = tree
        self.classes = Classes(world)

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """Public modules, shallow ones first."""
        public = (name for name in self.tree.files if is_public(name))
        return tuple(sorted(public, key=lambda name: (name.count("."), name)))

    @cached_property
    def items(self) -> dict[str, Item]:
        """Every public function, class and constant by its home."""
        paths: dict[str, list[str]] = {}
        found: dict[str, Found] = {}
        for module in self.modules:
            for name in self.public_names(module):
                target = self.world.attribute(module, name)
                if isinstance(target, Found) and not target.is_module and self._is_ours(target, module):
                    found[target.home] = target
                    paths.setdefault(target.home, []).append(f"{module}.{name}")
        return {home: self._item(found[home], sorted(set(at), key=_rank)) for home, at in paths.items()}

    def _item(self, found: Found, paths: list[str]) -> Item:
        places = (parent(path) for path in paths)
        offered = any(
            self.tree.is_package(place) or self.world.exports(place) is not None for place in places
        )
        return Item(found, tuple(paths), not offered)

    def public_names(self, module: str) -> Iterator[str]:
        """Names that a module offers."""
        exports = self.world.exports(module)
        if exports is not None:
            yield from exports
            return
        known = self.tree.module(module)
        for name, (place, binding) in self.world.names(module).items():
            if not name.startswith("_") and self._is_offered(module, name, place, binding):
                yield name
        for names in known.lazy.values():
            yield from (name for name in names if not name.startswith("_"))

    def _is_offered(self, module: str, name: str, place: str, binding: Binding) -> bool:
        if isinstance(binding, Alias):
            target = self.world.absolute(place, binding)
            return self.tree.is_package(module) and self.world.tree(target) is self.tree
        return not (isinstance(binding, Value) and _PLUMBING.search(binding.text or "")) and name != "logger"

    def _is_ours(self, target: Found, module: str) -> bool:
        """Things of other distributions count where `__all__` offers them."""
        return target.binding is not None or self.world.exports(module) is not None


def is_public(path: str) -> bool:
    """Whether no part of a dotted path begins with an underscore or names tests."""
    return not any(part.startswith("_") or part in _NOT_API for part in path.split("."))


def _rank(path: str) -> tuple[int, int, str]:
    return path.count("."), len(path), path


def kind_of(found: Found) -> str:
    """What a user calls the thing."""
    if found.is_module:
        return "module"
    return {Function: "function", Class: "class"}.get(type(found.binding), "name")


def last(path: str) -> str:
    """The last part of a dotted path."""
    return path.rpartition(".")[2]


def parent(path: str) -> str:
    """Everything before the last part of a dotted path."""
    return path.rpartition(".")[0]
