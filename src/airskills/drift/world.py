"""Where a dotted path leads, as Python would find it at run time, over the modules of some unpacked wheels."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from enum import Enum
from fnmatch import fnmatchcase
from typing import NamedTuple

from airskills.drift.names import Alias, Binding, Class, Function, Module, Value
from airskills.drift.tree import Tree

_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_MAX_HOPS = 40  # re-exports of re-exports; the longest chain seen has 6
_SPARE = Value("", "", "", 1)  # what a branch that only runs when another fails would bind


class Absent(Enum):
    """Why a path leads nowhere: it is not there, or nobody can tell without running code."""

    MISSING = "missing"
    UNKNOWN = "unknown"


class Found(NamedTuple):
    """Where a path ends.

    Attributes:
        home: dotted path of the definition, the same for every path that leads to it.
        module: the module that holds the definition.
        binding: what is defined; None for a module or something outside of the world.
        is_module: whether it is a module.
    """

    home: str
    module: str
    binding: Binding | None
    is_module: bool = False


class World:
    """Some distributions, side by side, as one environment would have them."""

    def __init__(self, trees: Iterable[Tree]) -> None:
        self.trees = tuple(trees)
        self._names: dict[str, dict[str, tuple[str, Binding]]] = {}
        self._found: dict[tuple[str, str], Found | Absent] = {}
        self._owners: dict[str, Tree | None] = {}
        self._dark: dict[str, bool] = {}

    def tree(self, module: str) -> Tree | None:
        """The distribution that has this module or one above it."""
        if module not in self._owners:
            self._owners[module] = self._owner(module)
        return self._owners[module]

    def _owner(self, module: str) -> Tree | None:
        tops = [(top, tree) for tree in self.trees for top in tree.tops]
        return next((tree for top, tree in tops if module == top or module.startswith(f"{top}.")), None)

    def find(self, path: str) -> Found | Absent:
        """Where `path` leads: as an import of its longest module, else attribute by attribute.

        The two differ where a package binds another thing to the name of its submodule.
        """
        parts = path.split(".")
        longest = next((n for n in range(len(parts) - 1, 1, -1) if self._is_module(".".join(parts[:n]))), 1)
        found = self._walk(".".join(parts[:longest]), parts[longest:])
        if found is Absent.MISSING and longest > 1:
            found = self._walk(parts[0], parts[1:])
        return Absent.UNKNOWN if found is Absent.MISSING and self._is_hooked(parts) else found

    def _is_hooked(self, parts: list[str]) -> bool:
        """Whether an import hook may answer to this path or one above it."""
        tree = self.tree(parts[0])
        above = [".".join(parts[:n]) for n in range(2, len(parts) + 1)] if tree else []
        return tree is not None and any(
            fnmatchcase(path, pattern) for path in above for pattern in tree.hooked
        )

    def _walk(self, module: str, names: list[str]) -> Found | Absent:
        found: Found | Absent = (
            Found(module, module, None, is_module=True) if "." in module else self._top(module)
        )
        for number, name in enumerate(names):
            if not isinstance(found, Found):
                return found
            if not found.is_module:
                return self._inside(found, names[number:])
            found = self.attribute(found.home, name)
        return found

    def _is_module(self, path: str) -> bool:
        tree = self.tree(path)
        return bool(tree and (path in tree.files or path in tree.folders))

    def attribute(self, module: str, name: str) -> Found | Absent:
        """What `module.name` is once everything that can be imported has been."""
        key = (module, name)
        if key not in self._found:
            self._found[key] = Absent.UNKNOWN  # what a cycle of imports finds
            self._found[key] = self._attribute(module, name)
        return self._found[key]

    def names(self, module: str) -> dict[str, tuple[str, Binding]]:
        """Every name of a module's namespace, star imports included, with the module that binds it."""
        if module not in self._names:
            self._names[module] = {}  # what a cycle of star imports sees
            self._names[module] = dict(self._namespace(module))
        return self._names[module]

    def resolve(self, module: str, text: str) -> Found | Absent:
        """Where an expression such as a base class, written in `module`, leads; type arguments do not count."""
        path = text.partition("[")[0]
        if not _PATH.fullmatch(path):
            return Absent.UNKNOWN
        head, *rest = path.split(".")
        found = self.attribute(module, head)
        if found is Absent.MISSING:
            return Found(f"builtins.{path}", "builtins", None)
        if not isinstance(found, Found) or not rest:
            return found
        return self._walk(found.home, rest) if found.is_module else self._inside(found, rest)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _module(self, name: str) -> Module | None:
        tree = self.tree(name)
        return tree.module(name) if tree and name in tree.files else None

    def _top(self, name: str) -> Found | Absent:
        if any(top.partition(".")[0] == name for tree in self.trees for top in tree.tops):
            return Found(name, name, None, is_module=True)
        return Found(name, name, None)

    def _inside(self, found: Found, names: list[str]) -> Found | Absent:
        """Members of a class, without its bases; anything outside of the world is taken to be there."""
        if found.binding is None:
            path = ".".join([found.home, *names])
            return Found(path, found.module, None)
        for name in names:
            if not isinstance(found.binding, Class) or name not in found.binding.members:
                return Absent.UNKNOWN
            found = Found(f"{found.home}.{name}", found.module, found.binding.members[name])
        return found

    def _attribute(self, module: str, name: str) -> Found | Absent:
        known = self._module(module)
        bound = self._bound(module, name)
        if bound is not None:
            found = self._follow(*bound, name)
            spare = known is not None and name in known.spare
            return Found(f"{module}.{name}", module, _SPARE) if found is Absent.MISSING and spare else found
        inner = self._submodule(module, name)
        if inner is not None or known is None:
            return inner or (Absent.MISSING if self._is_folder(module) else Absent.UNKNOWN)
        for place, names in known.lazy.items():
            if name in names:
                return self.find(f"{module}.{place}.{name}")
        if known.answers == "any" or (known.answers == "words" and name in known.words):
            return Absent.UNKNOWN
        return Absent.UNKNOWN if self._has_dark_star(module) else Absent.MISSING

    def _bound(self, module: str, name: str) -> tuple[str, Binding] | None:
        """As `names(module).get(name)`; star imports are only looked at for names that nothing else binds."""
        known = self._module(module)
        if module in self._names or known is None:
            return self.names(module).get(name)
        if name in known.names and (known.answers or name not in known.typing_only):
            return module, known.names[name]
        return self.names(module).get(name) if known.stars else None

    def _is_folder(self, module: str) -> bool:
        return any(
            module in tree.folders or any(top.startswith(f"{module}.") for top in tree.tops)
            for tree in self.trees
        )

    def _submodule(self, module: str, name: str) -> Found | Absent | None:
        path = f"{module}.{name}"
        tree = self.tree(path)
        if tree is None:
            is_above = any(top.startswith(f"{path}.") for each in self.trees for top in each.tops)
            return Found(path, path, None, is_module=True) if is_above else None
        if path in tree.files or path in tree.folders:
            return Found(path, path, None, is_module=True)
        return Absent.UNKNOWN if path in tree.compiled else None

    def _namespace(self, module: str) -> Iterator[tuple[str, tuple[str, Binding]]]:
        known = self._module(module)
        if known is None:
            return
        for star in known.stars:
            if star.name != "typing" or known.answers:
                target = self.absolute(module, star)
                for name in self.star(target):
                    yield name, (module, Alias(0, target, name))
        hidden = set() if known.answers else set(known.typing_only)
        for name, binding in known.names.items():
            if name not in hidden:
                yield name, (module, binding)

    def star(self, module: str) -> Iterator[str]:
        """Names that `from module import *` brings."""
        known = self._module(module)
        if known is None:
            return
        exports = self.exports(module)
        yield from (
            exports if exports is not None else (n for n in self.names(module) if not n.startswith("_"))
        )

    def exports(self, module: str) -> tuple[str, ...] | None:
        """`__all__` with what it takes from other modules; None where there is none."""
        known = self._module(module)
        if known is None or known.exports is None:
            return None
        names = list(known.exports)
        for other in known.export_of:
            found = self.resolve(module, other)
            names += (self.exports(found.home) or ()) if isinstance(found, Found) and found.is_module else ()
        return tuple(dict.fromkeys(names))

    def _has_dark_star(self, module: str) -> bool:
        """Whether a star import brings names from outside of the world."""
        if module not in self._dark:
            known = self._module(module)
            stars = known.stars if known else ()
            self._dark[module] = any(self._is_dark(self.absolute(module, star)) for star in stars)
        return self._dark[module]

    def _is_dark(self, module: str) -> bool:
        tree = self.tree(module)
        if tree is None:
            return module.partition(".")[0] not in sys.stdlib_module_names
        if module not in tree.files:
            return module in tree.compiled
        return tree.module(module).answers == "any"

    def absolute(self, module: str, alias: Alias) -> str:
        """The module that a relative or absolute import names."""
        if not alias.level:
            return alias.module
        tree = self.tree(module)
        up = alias.level - (1 if tree and tree.is_package(module) else 0)
        parts = module.split(".")
        base = parts[: len(parts) - up] if up else parts
        return ".".join([*base, alias.module] if alias.module else base)

    def _follow(self, module: str, binding: Binding, name: str, hops: int = 0) -> Found | Absent:
        """The definition behind a binding of `module`."""
        if isinstance(binding, Alias):
            target = self.absolute(module, binding)
            if not binding.name:
                return self._as_module(target)
            if (target, binding.name) == (module, name):  # `from . import x` in a package: the submodule
                return self._submodule(target, name) or Absent.MISSING
            return self._imported(target, binding.name)
        if isinstance(binding, Value) and binding.text and hops < _MAX_HOPS and _PATH.fullmatch(binding.text):
            found = self._named(module, binding.text, name)
            if isinstance(found, Found) and isinstance(found.binding, Class | Function):
                return found
        return Found(f"{module}.{name}", module, binding)

    def _named(self, module: str, text: str, name: str) -> Found | Absent:
        """What `name = text` at the level of a module makes `name` another word for."""
        return Absent.UNKNOWN if text.partition(".")[0] == name else self.resolve(module, text)

    def _as_module(self, path: str) -> Found | Absent:
        tree = self.tree(path)
        if tree is None:
            return self._top(path) if "." not in path else Found(path, path, None)
        if path in tree.files or path in tree.folders or path in tree.tops:
            return Found(path, path, None, is_module=True)
        return Absent.UNKNOWN if path in tree.compiled else Absent.MISSING

    def _imported(self, module: str, name: str) -> Found | Absent:
        """What `from module import name` brings."""
        found = self._as_module(module)
        if not isinstance(found, Found):
            return found
        if found.is_module:
            return self.attribute(module, name)
        return Found(f"{module}.{name}", module, None)
