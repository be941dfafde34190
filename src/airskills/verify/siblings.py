"""Files of a skill that its other files import: `from fixtures import tiny` in a fact, `import store` in a check."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property

from airskills.verify.units import Unit


class Siblings:
    """The files of one skill.

    Args:
        units: of the skill.
    """

    def __init__(self, units: Sequence[Unit] = ()) -> None:
        self._units = units

    @cached_property
    def _files(self) -> dict[str, list[Unit]]:
        """Name of a module to the files that are called so."""
        found: dict[str, list[Unit]] = {}
        for unit in self._units:
            path = unit.pieces[0].path
            if path.endswith(".py"):
                found.setdefault(path.rpartition("/")[2].removesuffix(".py"), []).append(unit)
        return found

    def find(self, unit: Unit, module: str) -> Unit | None:
        """The file that a unit imports: the one in its own folder, else the only one of that name."""
        named = self._files.get(module, [])
        folder = unit.pieces[0].path.rpartition("/")[0]
        beside = [other for other in named if other.pieces[0].path.rpartition("/")[0] == folder]
        found = beside if len(beside) == 1 else named
        return found[0] if len(found) == 1 and found[0] is not unit else None

    def imported(self, unit: Unit) -> tuple[Unit, ...]:
        """The files that a unit imports, and those that they import."""
        found: dict[int, Unit] = {}
        pending = list(self._imported(unit))
        while pending:
            other = pending.pop()
            if id(other) not in found:
                found[id(other)] = other
                pending += self._imported(other)
        return tuple(found.values())

    def _imported(self, unit: Unit) -> Iterator[Unit]:
        written = [name for name in self._files if name in unit.source]
        for name in sorted(unit.imports.intersection(written)) if written else ():
            other = self.find(unit, name)
            if other is not None:
                yield other


def module_name(unit: Unit) -> str:
    """The name under which a checker finds a file of a skill."""
    digest = hashlib.sha256(f"{unit.pieces[0].path}\0{unit.source}".encode(errors="surrogateescape"))
    return f"own_{digest.hexdigest()[:16]}"
