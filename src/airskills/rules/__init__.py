"""Every rule, by code. Importing this package registers all families."""

from __future__ import annotations

from importlib import import_module

from airskills.rules._base import FAMILIES, RULES, LibraryRule, Rule, fixable, page, title, why
from airskills.rules.profiles import PROFILES

__all__ = ["FAMILIES", "PROFILES", "RULES", "LibraryRule", "Rule", "fixable", "page", "title", "why"]

for _family in (
    "frontmatter",
    "body",
    "blocks",
    "files",
    "examples",
    "evals",
    "security",
    "library",
    "freshness",
):
    import_module(f"airskills.rules.{_family}")
