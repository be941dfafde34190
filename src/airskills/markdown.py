"""Markdown of skills: headings, links and code blocks with their lines, from markdown-it's tokens.

Parsing is put off until something asks, so that loading a skill does not pay for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, cached_property
from itertools import pairwise
from types import MappingProxyType

from airskills.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

_ATTRIBUTE = r"""([\w-]+)(?:=(?:"([^"]*)"|'([^']*)'|([^\s"'}]+)))?"""
MAX_HEADING = (
    1000  # characters of a heading that are read: brackets take time that grows with their number squared
)


class Heading(Record):
    """A heading of the body: `level` 1-6, its plain `text`, and its 1-based `line` in the file."""

    level: int
    text: str
    line: int


class Link(Record):
    """A link or image: where it leads, its `text`, and the 1-based `line` in the file on which it begins.

    The `target` is as written, with Markdown's own escapes and entities resolved; percent signs stay.
    """

    target: str
    text: str
    line: int


class CodeBlock(Record):
    """A fenced or indented code block.

    Attributes:
        language: first word of the info string, lower case; empty when there is none.
        attributes: `key="value"` pairs in the braces of the info string; a bare word has the value "".
        text: the code, without fences.
        line: 1-based line of the opening fence in the file.
        first_line: 1-based line of the first line of `text`.
        section: text of the level-2 heading above it, or "".
    """

    language: str
    attributes: Mapping[str, str]
    text: str
    line: int
    first_line: int
    section: str


class Markdown(Record):
    """A Markdown text.

    Attributes:
        text: the text, line feeds only.
        path: the file it stands in.
        first_line: 1-based line of that file on which `text` begins.
    """

    text: str
    path: str = ""
    first_line: int = 1

    @cached_property
    def headings(self) -> tuple[Heading, ...]:
        """Headings, in order."""
        return tuple(_headings(self._tokens, self._references, self.first_line))

    @cached_property
    def blocks(self) -> tuple[CodeBlock, ...]:
        """Code blocks, in order, also those inside lists and quotes."""
        return tuple(_blocks(self._tokens, self.headings, self.first_line))

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Links and images, in order; autolinks included, code spans not."""
        return tuple(_links(self.tokens, self.first_line))

    @cached_property
    def _tokens(self) -> list[Token]:
        """Blocks only: what stands inside their lines is read where somebody asks for it."""
        return _reader().parse(self.text, self._references)

    @cached_property
    def tokens(self) -> list[Token]:
        """markdown-it's tokens (CommonMark with tables), the text of lines included."""
        for token in self._tokens:
            if token.type == "inline":
                token.children = _inline(token.content, self._references)
        return self._tokens

    @cached_property
    def _references(self) -> dict[str, Any]:
        """Targets of links by name, which `_tokens` fills in."""
        return {}

    @cached_property
    def prose(self) -> tuple[tuple[int, str], ...]:
        """(line, text) of every line of running text, tables and lists; code, code spans and HTML are left out."""
        return tuple(_prose(self.tokens, self.first_line))

    def section(self, heading: str) -> str | None:
        """The heading whose text is `heading` (case does not matter) and what is under it, down to the next of its level.

        Returns:
            That text, or None when there is no such heading.
        """
        wanted = heading.strip().casefold()
        lines = self.text.split("\n")
        for number, found in enumerate(self.headings):
            if found.text.casefold() == wanted:
                rest = (h.line for h in self.headings[number + 1 :] if h.level <= found.level)
                end = next(rest, self.first_line + len(lines))
                return "\n".join(lines[found.line - self.first_line : end - self.first_line]).rstrip() + "\n"
        return None


@cache
def _reader() -> MarkdownIt:
    """CommonMark with tables, where a link is any link and remembers where it began."""
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import autolink, image, link

    class Reader(MarkdownIt):
        def normalizeLink(self, url: str) -> str:  # noqa: N802 - overrides markdown-it's name
            return url

        def validateLink(self, url: str) -> bool:  # noqa: ARG002, N802 - overrides markdown-it's name
            return True

    reader = Reader("commonmark", {"maxNesting": 50}).enable("table")
    reader.core.ruler.enableOnly(["normalize", "block"])
    for name, rule in (("link", link), ("image", image), ("autolink", autolink)):
        reader.inline.ruler.at(name, _placed(rule))
    return reader


def _placed(rule: Callable[[StateInline, bool], bool]) -> Callable[[StateInline, bool], bool]:
    """`rule`, noting on the link or image that it finds at which character it begins."""

    def placed(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
        start, count = state.pos, len(state.tokens)
        found = rule(state, silent)
        if found and not silent:
            first = next(token for token in state.tokens[count:] if token.type in {"link_open", "image"})
            first.meta["at"] = start
        return found

    return placed


def _inline(content: str, references: dict[str, Any]) -> list[Token]:
    reader = _reader()
    tokens = reader.inline.parse(content, reader, references, [])
    for token in tokens:
        token.type = "text" if token.type == "text_special" else token.type  # an escape or entity, resolved
    return tokens


def _plain(tokens: Iterable[Token]) -> str:
    """Text as a reader sees it: no markup, no HTML, a space for each line end."""
    parts = []
    for token in tokens:
        if token.type in {"text", "code_inline"}:
            parts.append(token.content)
        elif token.type in {"softbreak", "hardbreak"}:
            parts.append(" ")
        elif token.type == "image":
            parts.append(_plain(token.children or ()))
    return "".join(parts)


def _headings(tokens: list[Token], references: dict[str, Any], first_line: int) -> Iterator[Heading]:
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.map:
            text = _plain(_inline(inline.content[:MAX_HEADING], references)).strip()
            yield Heading(int(opening.tag[1]), text, first_line + opening.map[0])


def _blocks(tokens: list[Token], headings: tuple[Heading, ...], first_line: int) -> Iterator[CodeBlock]:
    section = ""
    following = iter(headings)
    for token in tokens:
        if token.type == "heading_open":
            heading = next(following)
            section = {1: "", 2: heading.text}.get(heading.level, section)
        elif token.type in {"fence", "code_block"} and token.map:
            language, attributes = _info(token.info)
            line = first_line + token.map[0]
            yield CodeBlock(
                language, attributes, token.content, line, line + (token.type == "fence"), section
            )


def _links(tokens: list[Token], first_line: int) -> Iterator[Link]:
    for token in tokens:
        if token.type != "inline" or not token.map:
            continue
        children = token.children or []
        for number, child in enumerate(children):
            line = first_line + token.map[0] + token.content.count("\n", 0, child.meta.get("at", 0))
            if child.type == "link_open":
                yield Link(
                    str(child.attrGet("href")), _plain(_until(children[number + 1 :], "link_close")), line
                )
            elif child.type == "image":
                yield Link(str(child.attrGet("src")), _plain(child.children or ()), line)


def _info(info: str) -> tuple[str, Mapping[str, str]]:
    """Language and attributes of an info string such as `python {proof="static: needs CUDA"}`."""
    head, brace, rest = info.strip().partition("{")
    language = head.split()[0].lower() if head.split() else ""
    found = re.findall(_ATTRIBUTE, rest.rpartition("}")[0] or rest) if brace else []
    return language, MappingProxyType({key: double or single or bare for key, double, single, bare in found})


def _until(tokens: list[Token], end: str) -> Iterator[Token]:
    for token in tokens:
        if token.type == end:
            return
        yield token


def _prose(tokens: list[Token], first_line: int) -> Iterator[tuple[int, str]]:
    for token in tokens:
        if token.type != "inline" or not token.map:
            continue
        line = first_line + token.map[0]
        text = ""
        for child in token.children or []:
            if child.type in {"softbreak", "hardbreak"}:
                yield line, text
                line, text = line + 1, ""
            elif child.type == "text":
                text += child.content
        if text:
            yield line, text
