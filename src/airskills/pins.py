"""Exact pins: which release of which distribution a skill was proven with.

    pins.parse_pins("trl==1.16.0 peft==0.21.2")

A pin is a name and a version, nothing else: a path, a URL, an option or a range is refused, so that no text of a
skill can tell an installer where to look or what to build.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from airskills.errors import AirskillsError

if TYPE_CHECKING:
    from airskills.skill import Skill

KEY = "airskills-tested-with"
BARE_KEY = "airskills-tested-without-dependencies"  # what can only be installed alone: its dependencies contradict the rest
MAX_PINS = 200  # the longest known set of a real skill has 15
_COMMENTS = re.compile(r"(?:^#(?: .*)?(?:\n|\Z))++", re.MULTILINE)
_OPENING = re.compile(r"# /// ([a-zA-Z0-9-]+)")


class PinError(AirskillsError, ValueError):
    """A requirement that is no exact pin.

    Attributes:
        requirement: as it was written.
        reason: what is wrong with it.
    """

    def __init__(self, requirement: str, reason: str) -> None:
        super().__init__(f"{requirement[:80]!r} is not an exact pin: {reason}", help="Write name==version")
        self.requirement = requirement
        self.reason = reason


@dataclass(frozen=True, slots=True, order=True)
class Pin:
    """One release of one distribution.

    Attributes:
        name: canonical (lower case, single hyphens).
        version: as PEP 440 writes it; a local part (`+cpu`) stays.
        extras: canonical, sorted; they matter to an environment, not to an unpacked wheel.
        bare: whether an environment has it without what it depends on.
    """

    name: str
    version: str
    extras: tuple[str, ...] = ()
    bare: bool = False

    def __str__(self) -> str:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        return f"{self.name}{extras}=={self.version}"


def parse_pins(text: str) -> tuple[Pin, ...]:
    """Pins separated by spaces, commas or line ends; what follows a `#` is a comment.

    Returns:
        Each pin once, sorted by name.

    Raises:
        PinError: one of them is no exact pin, a name has two versions, or there are more than 200.
    """
    lines = (re.sub(r"(?:^|\s)#.*", "", line) for line in text.splitlines())
    joined = re.sub(r"\s*==\s*", "==", "\n".join(lines))
    return _united(_pin(word) for word in re.findall(r"(?:\[[^\]]*\]|[^\s,])+", joined))


def of_skill(skill: Skill) -> tuple[Pin, ...]:
    """The pins of `airskills-tested-with` and `airskills-tested-without-dependencies`; none where it has neither field.

    Raises:
        PinError: as `parse_pins`.
    """
    bare = (replace(pin, bare=True) for pin in parse_pins(skill.metadata.get(BARE_KEY, "")))
    return _united([*parse_pins(skill.metadata.get(KEY, "")), *bare])


def of_script(text: str) -> tuple[Pin, ...]:
    """The `dependencies` of a script's PEP 723 block that hold on this machine; none where there is no block.

    Raises:
        PinError: one of them is no exact pin, or the block is not TOML.
    """
    block = next(script_blocks(text), None)
    if block is None:
        return ()
    try:
        dependencies = tomllib.loads(block).get("dependencies", [])
    except (ValueError, RecursionError) as error:  # ValueError: also a number of over 4,300 digits
        raise PinError("# /// script", f"the block is not TOML: {error}") from error
    if not isinstance(dependencies, list) or not all(isinstance(item, str) for item in dependencies):
        raise PinError(str(dependencies), "the dependencies are not a list of strings")
    return _united(_pin(item) for item in dependencies if _holds(item))


def script_blocks(text: str) -> Iterator[str]:
    """The TOML of each `# /// script` block of a Python file, as the regular expression of PEP 723 finds it.

    That one takes time that grows with the square of the comments. In a run of comments there is one block at most, from
    its first opening down to its last `# ///`.
    """
    for run in _COMMENTS.finditer(text) if "# /// script\n" in text else ():
        lines = run[0].removesuffix("\n").split("\n")
        last = len(lines) - 1 - lines[::-1].index("# ///") if "# ///" in lines else 0
        openings = (
            (number, _OPENING.fullmatch(line)) for number, line in enumerate(lines[: max(0, last - 1)])
        )
        number, opening = next((place for place in openings if place[1]), (0, None))
        if opening and opening[1] == "script":
            yield "".join(f"{line[2:]}\n" for line in lines[number + 1 : last])


def _holds(requirement: str) -> bool:
    """Whether its environment marker, if it has one, is true here."""
    marker = _requirement(requirement).marker
    try:
        return marker is None or marker.evaluate()
    except UndefinedEnvironmentName as error:
        raise PinError(requirement, str(error)) from error


def _united(pins: Iterable[Pin]) -> tuple[Pin, ...]:
    known: dict[str, Pin] = {}
    for pin in pins:
        if known.setdefault(pin.name, pin).version != pin.version:
            raise PinError(str(pin), f"{known[pin.name]} is pinned as well")
        extras = tuple(sorted({*known[pin.name].extras, *pin.extras}))
        known[pin.name] = replace(known[pin.name], extras=extras)
        if len(known) > MAX_PINS:
            raise PinError(str(pin), f"there are more than {MAX_PINS} pins")
    return tuple(sorted(known.values()))


def _pin(text: str) -> Pin:
    found = _requirement(text)
    clauses = list(found.specifier)
    if len(clauses) != 1 or clauses[0].operator != "==" or clauses[0].version.endswith(".*"):
        raise PinError(text, "it names no single version with ==")
    try:
        version = str(Version(clauses[0].version))
    except InvalidVersion as error:
        raise PinError(text, str(error)) from error
    return Pin(canonicalize_name(found.name), version, tuple(sorted(map(canonicalize_name, found.extras))))


def _requirement(text: str) -> Requirement:
    if text.startswith("-"):
        raise PinError(text, "it is an option of an installer")
    try:
        found = Requirement(text)
    except InvalidRequirement as error:
        raise PinError(text, str(error).partition("\n")[0]) from error
    if found.url is not None:
        raise PinError(text, "it names a place, not a release")
    return found
