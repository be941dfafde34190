"""AI-research skills that agents and researchers can trust. `from airskills import Library` is the way in.

Nothing is imported until a name is asked for, so that `airskills.rl` and `airskills.grokking` stay free of the
tool's dependencies and the tool stays free of theirs.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from airskills.errors import AirskillsError as AirskillsError
    from airskills.finding import Finding as Finding
    from airskills.index import Hit as Hit
    from airskills.library import Library as Library
    from airskills.skill import Skill as Skill
    from airskills.skill import parse as parse

__version__ = "0.1.0"

_HOMES = {
    "AirskillsError": "errors",
    "Finding": "finding",
    "Hit": "index",
    "Library": "library",
    "Skill": "skill",
    "parse": "skill",
}

__all__ = ["AirskillsError", "Finding", "Hit", "Library", "Skill", "parse"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"airskills.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'airskills' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
