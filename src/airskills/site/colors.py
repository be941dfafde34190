"""Fenced code as colored HTML, as `mkdocs.yml` asks for it: Python in one pass of one pattern, the rest by Pygments.

A library has megabytes of Python, on which Pygments spends more than a builder on all the rest; this is eight times as
fast.
"""

from __future__ import annotations

import builtins
import keyword
import re
from functools import cache
from html import escape
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_by_name
from pygments.util import ClassNotFound

PYTHON = ("python", "py")
_QUOTED = r'"""(?:[^\\]|\\.)*?"""|\'\'\'(?:[^\\]|\\.)*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\''
_NAMES = {
    **dict.fromkeys((name for name in dir(builtins) if not name.startswith("_")), "nb"),
    **{name: "ne" for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)},
    **dict.fromkeys(keyword.kwlist, "k"),
    **dict.fromkeys(("True", "False", "None"), "kc"),
    **dict.fromkeys(("and", "in", "is", "not", "or"), "ow"),
    **dict.fromkeys(("self", "cls"), "bp"),
}  # fmt: skip
# Over text whose <, > and & are entities already. An alternative's group is named by the class that it gives.
_TOKEN = re.compile(
    rf"""
      (?P<c1> \#[^\n]* )
    | (?P<sd> (?<![^\n]) [ ]* [rRuU]? (?: \"{{3}}(?:[^\\]|\\.)*?\"{{3}} | '{{3}}(?:[^\\]|\\.)*?'{{3}} ) )
    | (?P<s>  (?: (?<!\w) [rRbBuUfFtT]{{1,2}} )? (?: {_QUOTED} ) )
    | (?P<nd> (?<![^\n]) [ ]* @[\w.]+ )
    | (?P<nf> (?<=\bdef\ ) \w+ )
    | (?P<nc> (?<=\bclass\ ) \w+ )
    | (?P<name> (?<![\w.]) (?: {"|".join(sorted(_NAMES, key=len, reverse=True))} ) \b )
    | (?P<m>  (?<![\w.]) (?: 0[xXoObB][\da-fA-F_]+ | (?: \d[\d_]*\.?[\d_]* | \.\d[\d_]* ) (?:[eE][+-]?\d+)? j? ) )
    | \w+
    | (?P<o>  (?: &(?:lt|gt|amp); | [^\w\s"'\#\\] )+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_INSIDE = re.compile(r"(?P<two>\{\{|\}\})|\{(?P<expression>[^{}\n]+)\}|(?P<escape>\\.)", re.DOTALL)


def python(code: str) -> str:
    """The code as HTML; what is no Python stays as it is."""
    return _colored(escape(code, quote=False))


def fence(source: str, language: str, _css: str, options: dict[str, str], _md: Any, **_: Any) -> str:
    """A fence, as `pymdownx.superfences` asks for it."""
    lexer, name = _lexer(language)
    text = source.strip("\n")
    code = f"{python(text)}\n" if name in PYTHON else highlight(text, lexer, _formatter())
    title = f'<span class="filename">{escape(options["title"])}</span>' if "title" in options else ""
    return f'<div class="language-{name} highlight">{title}<pre><span></span><code>{code}</code></pre></div>'


def accept(_language: str, inputs: dict[str, str], options: dict[str, str], _attrs: Any, _md: Any) -> bool:
    """Whether the fence is one: a title is all that it may have."""
    options.update(inputs)
    return inputs.keys() <= {"title"}


@cache
def _lexer(language: str) -> tuple[Any, str]:
    """The lexer of a language, and the language; both those of plain text where there is none of that name."""
    try:
        return get_lexer_by_name(language), language
    except ClassNotFound:
        return TextLexer(), "text"


@cache
def _formatter() -> Any:
    """Building one takes Pygments longer than a short block does."""
    return HtmlFormatter(nowrap=True)


def _colored(text: str) -> str:
    return _TOKEN.sub(_span, text)


def _span(match: re.Match[str]) -> str:
    kind, found = match.lastgroup, match[0]
    if kind is None:
        return found
    if kind == "s":
        return _string(found)
    return f'<span class="{_NAMES[found] if kind == "name" else kind}">{found}</span>'


def _string(text: str) -> str:
    """A string, with its escapes, and with the expressions of an f-string colored as code."""
    prefix = text[: min(text.find('"') % len(text), text.find("'") % len(text))].lower()
    formatted, raw = "f" in prefix or "t" in prefix, "r" in prefix

    def part(match: re.Match[str]) -> str:
        if match["expression"] and formatted:
            return f'</span><span class="si">{{</span>{_colored(match["expression"])}<span class="si">}}</span><span class="s">'
        return f'<span class="se">{match[0]}</span>' if match["escape"] and not raw else match[0]

    return f'<span class="s">{_INSIDE.sub(part, text)}</span>'
