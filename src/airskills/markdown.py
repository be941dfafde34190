"""Markdown of skills: headings, links and code blocks with their lines. markdown-it reads the blocks, `inline` their lines.

Parsing is put off until something asks, so that loading a skill does not pay for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from itertools import pairwise
from types import MappingProxyType

from airskills.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

    from airskills.inline import Lines, Piece

_ATTRIBUTE = r"""([\w-]+)(?:=(?:"([^"]*)"|'([^']*)'|([^\s"'}]+)))?"""


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

    def line_at(self, offset: int) -> int:
        """1-based line of the file on which the character of `text` at `offset` stands."""
        return self.first_line + self._ends.at(offset)

    @cached_property
    def _ends(self) -> Lines:
        from airskills.inline import Lines

        return Lines(self.text)

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Links and images, in order; autolinks included, code spans not."""
        return tuple(_links(self._lines))

    @cached_property
    def prose(self) -> tuple[tuple[int, str], ...]:
        """(line, text) of every line of running text, tables and lists; code, code spans and HTML are left out."""
        return tuple(_prose(self._lines))

    @cached_property
    def running_text(self) -> str:
        """All of `prose`, a line each, for those who look for words."""
        return "\n".join(text for _, text in self.prose)

    @cached_property
    def _tokens(self) -> list[Token]:
        """markdown-it's tokens (CommonMark with tables), blocks only."""
        return _reader().parse(self.text, self._definitions)

    @cached_property
    def _definitions(self) -> dict[str, Any]:
        """markdown-it's environment, into which `_tokens` writes the link reference definitions."""
        return {}

    @cached_property
    def _references(self) -> dict[str, str]:
        """Targets of the link reference definitions, by label."""
        found = self._definitions.get("references", {}) if self._tokens else {}
        return {label: definition["href"] for label, definition in found.items()}

    @cached_property
    def _lines(self) -> list[tuple[int, Lines, list[Piece]]]:
        """(line, its line ends, pieces) of every paragraph, heading and table cell."""
        from airskills import inline

        return [
            (
                self.first_line + token.map[0],
                inline.Lines(token.content),
                inline.read(token.content, self._references),
            )
            for token in self._tokens
            if token.type == "inline" and token.map
        ]

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
    """CommonMark's blocks and tables; what stands inside their lines, `airskills.inline` reads."""
    from markdown_it import MarkdownIt

    from airskills.tables import table

    class Reader(MarkdownIt):
        def normalizeLink(self, url: str) -> str:  # noqa: N802 - overrides markdown-it's name
            return url

        def validateLink(self, url: str) -> bool:  # noqa: ARG002, N802 - overrides markdown-it's name
            return True

    reader = Reader("commonmark", {"maxNesting": 50}).enable("table")
    reader.block.ruler.at("table", table, {"alt": ["paragraph", "reference"]})
    reader.core.ruler.enableOnly(["normalize", "block"])
    return reader


def _headings(tokens: list[Token], references: Mapping[str, str], first_line: int) -> Iterator[Heading]:
    from airskills import inline

    for opening, content in pairwise(tokens):
        if opening.type == "heading_open" and opening.map:
            text = inline.plain(inline.read(content.content, references)).strip()
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


def _links(lines: Iterable[tuple[int, Lines, list[Piece]]]) -> Iterator[Link]:
    from airskills import inline

    for first, ends, pieces in lines:
        opened: tuple[int, Piece] | None = None
        images: list[Link] = []  # inside a link, which comes before them
        for number, piece in enumerate(pieces):
            if piece.kind == "open":
                opened = number, piece
            elif piece.kind == "image":
                images.append(Link(piece.target, piece.text, first + ends.at(piece.at)))
            if piece.kind == "close" and opened is not None:
                begin, link = opened
                yield Link(link.target, inline.plain(pieces[begin + 1 : number]), first + ends.at(link.at))
                opened = None
            if opened is None:
                yield from images
                images.clear()


def _info(info: str) -> tuple[str, Mapping[str, str]]:
    """Language and attributes of an info string such as `python {proof="static: needs CUDA"}`."""
    head, brace, rest = info.strip().partition("{")
    language = head.split()[0].lower() if head.split() else ""
    found = re.findall(_ATTRIBUTE, rest.rpartition("}")[0] or rest) if brace else []
    return language, MappingProxyType({key: double or single or bare for key, double, single, bare in found})


def _prose(lines: Iterable[tuple[int, Lines, list[Piece]]]) -> Iterator[tuple[int, str]]:
    for first, ends, pieces in lines:
        line, parts = first, list[str]()
        for piece in pieces:
            if piece.kind == "break":
                yield line, "".join(parts)
                line, parts = first + ends.at(piece.at) + 1, []
            elif piece.kind == "text":
                parts.append(piece.text)
        if parts:
            yield line, "".join(parts)
