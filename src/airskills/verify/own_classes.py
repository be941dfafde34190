"""Classes that a unit defines: what they are built on, and whether all of them is to be seen."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Mapping
from functools import cached_property

from airskills.verify.class_index import simple_name
from airskills.verify.names import OwnClass
from airskills.verify.packages import Packages

_SELF = "Self@"
_BUILT_IN = frozenset(dir(builtins))


class OwnClasses:
    """The classes of one unit.

    Args:
        own: by name.
        imported: local name to the dotted name that an import gives it.
        defined: functions and classes of the unit.
        packages: what its pins bring.
    """

    def __init__(
        self,
        own: Mapping[str, OwnClass],
        imported: Mapping[str, str],
        defined: Collection[str],
        packages: Packages,
    ) -> None:
        self._own = own
        self._imported = imported
        self._defined = defined
        self._packages = packages

    @cached_property
    def bases(self) -> Mapping[str, tuple[str, ...]]:
        """Class to the simple names of its bases; "" for one that is nowhere to be seen."""
        return {name: tuple(map(self._base, cls.bases)) for name, cls in self._own.items()}

    def named(self, owner: str) -> frozenset[str]:
        """Classes of the unit that a type may mean; `Self@fit` is any that has such a method."""
        bare = owner.removeprefix("type[").removesuffix("]") if owner.startswith("type[") else owner
        if bare.startswith(_SELF):
            method = bare.removeprefix(_SELF)
            return frozenset(name for name, cls in self._own.items() if method in cls.methods)
        return frozenset({simple_name(bare)}) & self._own.keys()

    def is_grounded(self, name: str) -> bool:
        """Whether a class is built on one of a pinned package, and nothing unknown changes it."""
        seen, pending, grounded = set[str](), [name], False
        while pending:
            cls = pending.pop()
            if cls in seen:
                continue
            seen.add(cls)
            if not all(map(self._is_known_decorator, self._own[cls].decorators)):
                return False
            for base in self._own[cls].bases:
                if base in self._own:
                    pending.append(base)
                grounded |= self._packages.owner(self._origin(base)) is not None
        return grounded

    def _is_known_decorator(self, written: str) -> bool:
        return written in self._defined or bool(self._origin(written))

    def _base(self, written: str) -> str:
        """Simple name of a base; "" where it is not known."""
        if written in self._own or written in _BUILT_IN:
            return written
        return self._origin(written).rpartition(".")[2]

    def _origin(self, written: str) -> str:
        """Dotted name of what is imported from a pinned package or the standard library, else ""."""
        root, dot, rest = written.partition(".")
        origin = f"{self._imported.get(root, '')}{dot}{rest}"
        known = root in self._imported and (
            self._packages.owner(origin) is not None or self._packages.is_standard(origin)
        )
        return origin if known else ""
