"""Releases of distributions, unpacked or only recorded: their modules and console scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PathDistribution
from importlib.resources import files
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from airskills.pins import Pin
from airskills.verify.flags import Command, from_json
from airskills.wheels import Wheel


@dataclass(frozen=True, slots=True)
class Package:
    """One release of one distribution, unpacked.

    Attributes:
        name: canonical.
        version: as its metadata says.
        root: folder to search for its modules.
        modules: what it lets one import.
        scripts: command name to `module:function`.
        digest: changes when its files do; "" for a folder that may change (its answers are not kept).
        requires: canonical names of the distributions that it asks for.
    """

    name: str
    version: str
    root: Path
    modules: tuple[str, ...]
    scripts: Mapping[str, str]
    digest: str = ""
    requires: frozenset[str] = frozenset()


def of_wheels(wheels: Iterable[Wheel], missing: Iterable[Pin] = ()) -> tuple[Package, ...]:
    """The packages of unpacked wheels, and of pins without a wheel whose programs were recorded."""
    found = [_of_wheel(wheel) for wheel in wheels]
    for pin in missing:
        recorded = recording(pin.name, pin.version)
        if recorded:
            scripts = dict.fromkeys(recorded.get("commands", ()), "")
            found.append(Package(pin.name, pin.version, Path(), (), scripts, "recorded"))
    return tuple(found)


@cache
def _of_wheel(wheel: Wheel) -> Package:
    """Once for all skills that pin it: to read its metadata takes milliseconds."""
    info = next(wheel.root.glob("*.dist-info"))
    requires = frozenset(_names(PathDistribution(info).requires or ()))
    pin = wheel.pin
    return Package(
        pin.name, pin.version, wheel.root, wheel.modules, wheel.console_scripts, wheel.sha256, requires
    )


def in_folder(root: Path) -> tuple[Package, ...]:
    """The packages of a folder that is laid out like `site-packages`."""
    return tuple(_package(root, info) for info in sorted(root.glob("*.dist-info")))


def _package(root: Path, info: Path) -> Package:
    found = PathDistribution(info)
    tops = {
        str(file).partition("/")[0].removesuffix(".py")
        for file in found.files or ()
        if str(file).endswith(".py")
    }
    scripts = {entry.name: entry.value for entry in found.entry_points.select(group="console_scripts")}
    requires = frozenset(_names(found.requires or ()))
    return Package(
        canonicalize_name(found.name), found.version, root, tuple(sorted(tops)), scripts, "", requires
    )


def _names(requirements: Iterable[str]) -> Iterator[str]:
    """Distributions that are always asked for; extras are not."""
    for line in requirements:
        if not re.search(r"\bextra\s*==", line):
            yield canonicalize_name(re.split(r"[^\w.-]", line, maxsplit=1)[0])


@cache
def recording(name: str, version: str) -> Mapping[str, Any]:
    """What a release said of itself when it was run (`benchmarks/verify_flags.py --record`); empty where nobody ran it."""
    file = files("airskills") / "data" / "captures" / f"{name}-{version}.json"
    found: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return found


@cache
def capture(name: str, version: str) -> Mapping[str, Command]:
    """The recorded command lines of a release, by console script."""
    return {script: from_json(data) for script, data in recording(name, version).get("commands", {}).items()}
