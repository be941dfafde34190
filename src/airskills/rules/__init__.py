"""Every rule, by code. The families are imported when the first rule is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module

from airskills.rules import _base
from airskills.rules._base import FAMILIES, LibraryRule, Rule, fixable, page, title, why
from airskills.rules.profiles import PROFILES

__all__ = ["FAMILIES", "PROFILES", "RULES", "LibraryRule", "Rule", "fixable", "page", "title", "why"]


class _Rules(Mapping[str, type[Rule]]):
    """All rules: a run that the cache answers imports none of them."""

    @cached_property
    def _all(self) -> dict[str, type[Rule]]:
        for family in _FAMILIES:
            import_module(f"airskills.rules.{family}")
        return _base.RULES

    def __getitem__(self, code: str) -> type[Rule]:
        return self._all[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


_FAMILIES = (
    "frontmatter",
    "body",
    "blocks",
    "pinning",
    "files",
    "links",
    "examples",
    "evals",
    "security",
    "library",
    "triggers",
    "freshness",
)
RULES: Mapping[str, type[Rule]] = _Rules()
