"""Questions that mean the same in all units of a skill: each is asked once, in a file beside the units.

What `from trl import SFTConfig` brings is the same in every block that says it, and so is `SFTConfig.__init__`. Of a module
only what is imported is asked so, and no chain: its submodules show where something imports them, and elsewhere not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from airskills.verify.edits import Point
from airskills.verify.rewrites import PRELUDE_LINE
from airskills.verify.uses import Use, Uses

_REVEAL = "reveal_type("


class Commons:
    """The file that the units of one skill share.

    Args:
        name: of the file.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._lines = [PRELUDE_LINE]
        self._names: dict[str, str] = {}
        self._known: dict[str, Point] = {}

    @property
    def source(self) -> str:
        """Its text."""
        return "\n".join(self._lines)

    def ask(self, binding: str, chain: str) -> Point:
        """Where the type of a chain will stand; `binding` is an import that lacks the name it binds."""
        if binding not in self._names:
            self._names[binding] = f"k{len(self._names)}_"
            self._lines.append(f"{binding} {self._names[binding]}")
        expression = f"{self._names[binding]}{chain}"
        if expression not in self._known:
            self._lines.append(f"{_REVEAL}{expression})")
            self._known[expression] = (len(self._lines), len(_REVEAL))
        return self._known[expression]


@dataclass(slots=True)
class Shared:
    """What one unit asks in the file of its skill.

    Args:
        uses: of the unit.
        commons: of the skill.
        pinned: whether the module of an import is what it is called, and no file of the skill.
    """

    uses: Uses
    commons: Commons
    pinned: Callable[[Use], bool]
    _roots: Mapping[str, Use] = field(init=False)

    def __post_init__(self) -> None:
        self._roots = {
            use.root: use
            for use in self.uses.all
            if use.kind == "from"
            and use.root in self.uses.constant
            and not use.name.endswith(".*")
            and _is_outermost(use)
            and self.pinned(use)
        }

    def point(self, use: Use, expression: str) -> Point | None:
        """Where the type of an expression will stand that begins with the root of a use; None where it is the unit's own."""
        origin = self._roots.get(use.root)
        if origin is None or not expression.startswith(use.root):
            return None
        if use is not origin and not self._is_of_class(use, origin):
            return None
        binding = f"from {origin.module} import {origin.leaf} as"
        return self.commons.ask(binding, expression[len(use.root) :])

    def _is_of_class(self, use: Use, origin: Use) -> bool:
        """Whether a use behind an import is a plain chain from the class, as it seems, that it brings."""
        plain = use.kind in {"attribute", "call"} and self.uses.text(use.target) == use.name
        return plain and origin.leaf[:1].isupper() and origin.span.start < use.span.start

    def member(self, use: Use, name: str) -> Point | None:
        """Where the type of a name in the module will stand from which a use imports."""
        return (
            self.commons.ask(f"import {use.module} as", f".{name}")
            if self._roots.get(use.root) is use
            else None
        )


def _is_outermost(use: Use) -> bool:
    """Whether an import stands at the outermost level, so that everything behind it sees what it binds."""
    return use.target.start[1] == 0
