"""Codes that no rule stands behind: what `airskills test` says of code that ran, with a page for each as rules have one.

A code is described once, where it is given; `airskills rule` and the reports read it from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from airskills.finding import Severity, declare

FAMILIES: dict[str, str] = {}
CODES: dict[str, Code] = {}


@dataclass(frozen=True, slots=True)
class Code:
    """A code and its page.

    Attributes:
        title: what is wrong, in one line without a full stop.
        severity: `error`, `warning` or `note`.
        why: what it means and what to do, as running text.
    """

    title: str
    severity: Severity
    why: str


def describe(families: Mapping[str, str], codes: Mapping[str, Code]) -> None:
    """Add families (first three characters of their codes) and codes.

    Raises:
        ValueError: a code has another severity already.
    """
    for name, code in codes.items():
        declare(name, code.severity)
    FAMILIES.update(families)
    CODES.update(codes)


def page(name: str) -> str:
    """The manual page of a code as Markdown."""
    code = CODES[name]
    return (
        f"# {name}: {code.title}\n\nSeverity: {code.severity}. Family: {FAMILIES[name[:3]]}.\n\n{code.why}\n"
    )
