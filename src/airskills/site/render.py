"""The templates of the site's pages, and what they may call."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from airskills.scaffold import templates

_MARKS = re.compile(r"[\[\]*_`$\\|~^]")  # what means something in Markdown


def render(name: str, /, **values: Any) -> str:
    """The page that `templates/site/<name>.j2` makes of these values."""
    return _environment().get_template(f"{name}.j2").render(values)


def cell(text: str) -> str:
    """Text for a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Text as a code span of HTML, in which no builder takes anything for Markdown, and which may stand in a table."""
    said = escape(" ".join(text.split()), quote=False)
    return f"<code>{_MARKS.sub(lambda mark: f'&#{ord(mark[0])};', said)}</code>"


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
