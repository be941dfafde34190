"""Releases of one distribution, unpacked and read when they are asked for, and their comparisons, kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from airskills import wheels
from airskills.drift.cache import Cache
from airskills.drift.change import Change
from airskills.drift.classes import External
from airskills.drift.compare import Comparison, compare
from airskills.drift.names import Class
from airskills.drift.surface import Surface
from airskills.drift.tree import Tree
from airskills.drift.world import World
from airskills.errors import AirskillsError
from airskills.pins import Pin

# Packages whose wheels are gigabytes: what classes derive from them is in data/bases.json or stays unknown.
HEAVY = frozenset({"jax", "jaxlib", "sglang", "tensorflow", "torch", "vllm"})

Progress = Callable[[str, int, int], None]


class Shelf:
    """One distribution's releases.

    Args:
        name: the distribution.
        cache: the tool's cache folder; the user's when None.
        offline: use only what is unpacked already or lies in uv's cache.
        companions: pins of what it builds on, used beside both sides of a comparison.
        progress: called with (what, done, in all) while wheels are fetched and files read.
    """

    def __init__(
        self,
        name: str,
        *,
        cache: Path | None = None,
        offline: bool = False,
        companions: Iterable[Pin] = (),
        progress: Progress | None = None,
    ) -> None:
        self.name = canonicalize_name(name)
        self.offline = offline
        self._folder = cache or wheels.cache_folder()
        self._kept = Cache(self._folder / "drift.sqlite")
        self._progress = progress
        self._companions = [pin for pin in companions if pin.name != self.name]
        self._wheels: dict[Pin, wheels.Wheel] = {}
        self._surfaces: dict[str, Surface] = {}

    def compare(self, old: str, new: str) -> Comparison:
        """What changed between two releases; answered from the cache where their wheels were compared before.

        Raises:
            AirskillsError: one of them cannot be had.
        """
        key = self._key(old, new)
        for row in self._kept.get([key]).values():
            return _decode(row)
        found = compare(self.surface(old), self.surface(new))
        self._kept.put({key: _encode(found)})
        return found

    def surface(self, version: str) -> Surface:
        """The public side of one release, read whole; of all the releases only the last two asked for stay in memory."""
        if version not in self._surfaces:
            while len(self._surfaces) > 1:
                self._surfaces.pop(next(iter(self._surfaces)))
            tree = self._tree(self.wheel(version))
            tree.load(self._progress, os.cpu_count() or 1)
            others = [self._tree(wheel) for wheel in self._companion_wheels()]
            self._surfaces[version] = Surface(World([tree, *others]), tree)
        self._surfaces[version] = self._surfaces.pop(version)  # most recent last
        return self._surfaces[version]

    def wheel(self, version: str) -> wheels.Wheel:
        """The unpacked wheel of one release.

        Raises:
            AirskillsError: it cannot be had.
        """
        pin = Pin(self.name, version)
        problem = self._unpack([pin]).get(pin)
        if problem is not None:
            raise AirskillsError(f"{pin} cannot be had: {problem}", help=self._advice())
        return self._wheels[pin]

    def bases(self, version: str) -> list[Pin]:
        """Releases of the requirements from which public classes derive, so that what they inherit is known.

        They are the newest ones when a wheel is first asked about, and stay the same for it.

        Raises:
            AirskillsError: the release cannot be had, or the index does not answer.
        """
        key = sha256(repr((_code(), self.wheel(version).sha256)).encode()).hexdigest()
        for row in self._kept.get([key]).values():
            return [Pin(*pin) for pin in row]
        paths = _unknown_bases(self.surface(version))
        tops = {path.partition(".")[0].replace("_", "-").lower() for path in paths}
        found = []
        for requirement in _requirements(self.wheel(version).root):
            name = canonicalize_name(requirement.name)
            if name in tops and name not in HEAVY:
                known = wheels.releases(name)
                fitting = [v for v in known if v in requirement.specifier and not v.is_prerelease]
                found += [Pin(name, str(fitting[-1]))] if fitting else []
        self._kept.put({key: [[pin.name, pin.version] for pin in found]})
        return found

    def add_companions(self, pins: Iterable[Pin]) -> None:
        """Read these beside both sides from now on; one that is there already stays as it is."""
        known = {self.name, *(pin.name for pin in self._companions)}
        fresh = [pin for pin in pins if pin.name not in known]
        if fresh:
            self._companions += fresh
            self._surfaces.clear()

    @property
    def companions(self) -> tuple[Pin, ...]:
        """What is read beside both sides."""
        return tuple(self._companions)

    def _companion_wheels(self) -> list[wheels.Wheel]:
        light = [pin for pin in self._companions if pin.name not in HEAVY]
        missing = self._unpack(light)
        return [self._wheels[pin] for pin in light if pin not in missing]

    def _advice(self) -> str:
        if self.offline:
            return "Run it once without --offline"
        try:
            known = wheels.releases(self.name)
        except AirskillsError:
            return "Check the name of the package"
        return f"The newest releases with a wheel are {', '.join(map(str, known[-5:]))}"

    def _unpack(self, pins: Sequence[Pin]) -> dict[Pin, str]:
        """Have wheels unpacked; returns why some could not be."""
        wanted = [pin for pin in pins if pin not in self._wheels]
        if not wanted:
            return {}
        got = wheels.unpack(wanted, cache=self._folder, offline=self.offline, progress=self._progress)
        self._wheels |= got.wheels
        return dict(got.missing)

    def _tree(self, wheel: wheels.Wheel) -> Tree:
        return Tree(wheel.root, wheel.modules, self._kept, f"reading {wheel.pin}")

    def _key(self, old: str, new: str) -> str:
        sides = [self.wheel(old).sha256, self.wheel(new).sha256]
        others = sorted(wheel.sha256 for wheel in self._companion_wheels())
        return sha256(repr((_code(), sides, others)).encode()).hexdigest()


def between(name: str, old: str, new: str) -> list[str]:
    """Released versions from `old` to `new`, both included; previews only where an end is one.

    Raises:
        AirskillsError: the index cannot be reached or does not know the distribution.
    """
    first, final = Version(old), Version(new)
    previews = first.is_prerelease or final.is_prerelease
    inner = [v for v in wheels.releases(name) if first < v < final and (previews or not v.is_prerelease)]
    return [old, *map(str, inner), new]


def newest(name: str) -> str:
    """The newest release that is no preview.

    Raises:
        AirskillsError: there is none, or the index cannot be reached.
    """
    found = [version for version in wheels.releases(name) if not version.is_prerelease]
    if not found:
        raise AirskillsError(f"{name} has no release with a wheel", help="Name the newer version")
    return str(found[-1])


def _requirements(root: Path) -> list[Requirement]:
    """What a wheel always needs."""
    found = []
    for info in root.glob("*.dist-info"):
        for text in PathDistribution(info).requires or ():
            try:
                requirement = Requirement(text)
            except InvalidRequirement:  # an old wheel may say anything
                continue
            if requirement.marker is None or "extra" not in str(requirement.marker):
                found.append(requirement)
    return found


def _unknown_bases(surface: Surface) -> set[str]:
    """Paths of the bases of public classes of which nobody knows what they bring."""
    classes = (item.found for item in surface.items.values() if isinstance(item.found.binding, Class))
    orders = (surface.classes.view(found).order for found in classes)
    return {
        place.path
        for order in orders
        for place in order
        if isinstance(place, External) and place.names is None
    }


def _code() -> str:
    """Hash of the code that compares: a changed rule empties the cache."""
    total = sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()


def _encode(comparison: Comparison) -> dict[str, Any]:
    return {
        "changes": [change.as_dict() for change in comparison.changes],
        "undecided": dict(comparison.undecided),
    }


def _decode(row: dict[str, Any]) -> Comparison:
    changes = ({**fields, "paths": tuple(fields.get("paths", ()))} for fields in row["changes"])
    return Comparison(tuple(Change(**fields) for fields in changes), row["undecided"])
