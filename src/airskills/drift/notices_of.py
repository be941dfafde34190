"""Which deprecations concern a thing."""

from __future__ import annotations

import re

from airskills.drift.names import Class, Function
from airskills.drift.surface import Surface, last
from airskills.drift.world import Found

_DECORATOR = re.compile(r"""(?:^|\.)deprecate\w*\(\s*['"](.*?)['"]""", re.DOTALL)
_RENAMES = re.compile(r"(?:deprecat|rename)\w*\(")
_PAIR = re.compile(r"(\w+)='(\w+)'")
_QUOTED = re.compile(r"(?<!=)'(\w+)'")


def _quoted(message: str) -> set[str]:
    return set(re.findall(r"[`'\"](\w+)", message))


class Notices:
    """The deprecations of one release."""

    def __init__(self, surface: Surface) -> None:
        self.surface = surface

    def of(self, found: Found) -> dict[str, str]:
        """Message by parameter; "" stands for the thing itself. A condition about anything else is not followed."""
        known: dict[str, str] = {}
        parameters, sources = self._parts(found)
        for text in getattr(found.binding, "decorators", ()):
            said = _DECORATOR.search(text)
            if said:
                known[said[1] if said[1] in parameters else ""] = said[1]
        for notice in (notice for source in sources for notice in source.notices):
            about = [subject for subject in notice.subjects if subject.partition(".")[0] in parameters]
            about = [subject for subject in about if last(subject) in _quoted(notice.message)] or about
            for subject in about or ([] if notice.subjects else [""]):
                known.setdefault(subject, notice.message)
        return known

    def taken(self, function: Found) -> dict[str, str]:
        """Keywords that a function takes although it has no parameter of that name, and what it says of them."""
        if not isinstance(function.binding, Function):
            return {}
        found: dict[str, str] = {}
        for text in function.binding.decorators:
            if _RENAMES.search(text):
                found |= {old: f"the decorator says it is `{new}`" for old, new in _PAIR.findall(text)}
                found |= dict.fromkeys(_QUOTED.findall(text), f"@{text}")
        for notice in function.binding.notices:
            found |= dict.fromkeys(notice.subjects, notice.message)
        return found

    def messages(self, found: Found) -> list[str]:
        """Every message of a thing."""
        return [notice.message for source in self._parts(found)[1] for notice in source.notices]

    def _parts(self, found: Found) -> tuple[set[str], list[Function]]:
        """Names of parameters, and the functions that run when the thing is called."""
        if isinstance(found.binding, Function):
            return {p.name for p in found.binding.parameters}, [found.binding]
        if not isinstance(found.binding, Class):
            return set(), []
        view = self.surface.classes.view(found)
        makers = [view.members.get(name) for name in ("__init__", "__post_init__")]
        sources = [maker.binding for maker in makers if maker and isinstance(maker.binding, Function)]
        return {p.name for p in view.constructor.parameters}, sources
