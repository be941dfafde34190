"""Mathematics between dollar signs as MathML, which browsers show by themselves: no script, no font, nothing to fetch.

An extension of Python-Markdown for `mkdocs.yml`; it needs `latex2mathml`, of the group `docs`.
"""

from __future__ import annotations

import re

from latex2mathml.converter import convert
from markdown import Markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor

# As in pandoc: no space within the marks, no digit after them, so that prices stay prices.
_FORMULA = r"(?<![\\$])(?P<marks>\${1,2})(?![\s$])(?P<latex>[^$]+?)(?<![\s\\])(?P=marks)(?![\d$])"
_PRIORITY = 185  # after code spans (190), before backslashes are taken for escapes (180)


class _Formula(InlineProcessor):  # type: ignore[misc]  # ships no types
    """One formula."""

    def handleMatch(self, match: re.Match[str], _data: str) -> tuple[str, int, int]:  # type: ignore[override,unused-ignore]  # noqa: N802 - Python-Markdown's name
        """The formula as MathML, and the place that it stands at."""
        display = "block" if match["marks"] == "$$" else "inline"
        shown = convert(" ".join(match["latex"].split()), display=display)
        return self.md.htmlStash.store(shown), match.start(), match.end()


class Formulas(Extension):  # type: ignore[misc]  # ships no types
    """The extension."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - Python-Markdown's name
        """Register it."""
        md.inlinePatterns.register(_Formula(_FORMULA, md), "formula", _PRIORITY)


def makeExtension(**settings: object) -> Formulas:  # noqa: N802 - the name by which Python-Markdown finds it
    """What `mkdocs.yml` names."""
    return Formulas(**settings)
