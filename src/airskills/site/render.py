"""The templates of the site's pages, and what they may call."""

from __future__ import annotations

from functools import cache
from html import escape
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from airskills.scaffold import templates


def render(name: str, /, **values: Any) -> str:
    """The page that `templates/site/<name>.j2` makes of these values."""
    return _environment().get_template(f"{name}.j2").render(values)


def cell(text: str) -> str:
    """Text for a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Text as a code span of HTML, which may stand in a table whatever is in it."""
    return f"<code>{escape(' '.join(text.split()), quote=False).replace('|', '&#124;')}</code>"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates() / "site"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown; what goes into HTML is escaped by the filter `e`
    )
    environment.filters |= {"cell": cell, "code": code, "thousands": lambda number: f"{number:,}"}
    return environment
