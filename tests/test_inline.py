"""The inside of lines: CommonMark's answer, held together with markdown-it's, in linear time on hostile text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from airskills import inline
from clock import cpu_seconds

REFERENCES = {"A": "ref-a", "B C": "ref-bc"}
ATOMS = """a|b| |\n|*|_|**|[|]|(|)|![|](|`|``|<|<a>|\\|&amp;|<b c='d'>|</b>|<!-- c -->|[a]|[b c]|[]|(/u)|(u 't')|<u>|<http://x>|"|'|!|é|¡|-|.|<x@y.z>|&#65;|\\[|\\`"""

Shown = tuple[str, ...]


class Verbatim(MarkdownIt):
    def normalizeLink(self, url: str) -> str:  # noqa: N802 - overrides markdown-it's name
        return url

    def validateLink(self, url: str) -> bool:  # noqa: ARG002, N802 - overrides markdown-it's name
        return True


READER = Verbatim("commonmark")


def ours(source: str) -> list[Shown]:
    pieces = inline.read(source, REFERENCES)
    named = {"open": ("target",), "image": ("target", "text")}
    return merged((p.kind, *(getattr(p, field) for field in named.get(p.kind, ("text",)))) for p in pieces)


def theirs(source: str) -> list[Shown]:
    env = {"references": {label: {"href": target, "title": ""} for label, target in REFERENCES.items()}}
    return merged(shown(READER.inline.parse(source, READER, env, [])))


def shown(tokens: Iterable[Token]) -> Iterator[Shown]:
    for token in tokens:
        if token.type in {"text", "text_special"}:
            yield "text", token.content
        elif token.type in {"softbreak", "hardbreak"}:
            yield "break", ""
        elif token.type == "link_open":
            yield "open", str(token.attrGet("href"))
        elif token.type == "link_close":
            yield "close", ""
        elif token.type == "image":
            inside = [
                piece
                for piece in shown(token.children or ())
                if piece[0] in {"text", "code", "break", "image"}
            ]
            text = "".join(" " if piece[0] == "break" else piece[-1] for piece in inside)
            yield "image", str(token.attrGet("src")), text
        elif token.type in {"code_inline", "html_inline"}:
            yield token.type.removesuffix("_inline"), token.content


def merged(pieces: Iterable[Shown]) -> list[Shown]:
    """Neighboring texts as one; spaces before a line end, which no reader sees, do not count."""
    out: list[Shown] = []
    for piece in pieces:
        if piece[0] == "text" and out and out[-1][0] == "text":
            out[-1] = ("text", out[-1][1] + piece[1])
        else:
            if piece[0] == "break" and out and out[-1][0] == "text":
                out[-1] = ("text", out[-1][1].rstrip(" "))
            out.append(piece)
    return [piece for piece in out if piece != ("text", "")]


@given(st.lists(st.sampled_from(ATOMS.split("|")), max_size=9).map("".join))
def test_pieces_are_those_of_markdown_it(source: str) -> None:
    # Where a `(` after a text is no target, markdown-it looks for a label behind it instead of before it.
    assume(not re.search(r"\]\([^)]*\[", source))
    source = source.strip() + " ."

    assert ours(source) == theirs(source)


@pytest.mark.parametrize(
    ("source", "target", "text"),
    [
        ("[a](<b c>)", "b c", "a"),
        ("[a](b(c)d 'title')", "b(c)d", "a"),
        ("[a](b\\)c&amp;d)", "b)c&d", "a"),
        ("[*a* `b`][b C]", "ref-bc", "a b"),
        ("[a][]", "ref-a", "a"),
        ("[a]", "ref-a", "a"),
        ("![one ![two](x) three](y)", "y", "one two three"),
        ("<https://example.org>", "https://example.org", "https://example.org"),
        ("[a [b](c) d](e)", "c", "b"),  # no link inside a link
    ],
)
def test_link_has_its_target_and_text(source: str, target: str, text: str) -> None:
    pieces = inline.read(source, REFERENCES)
    at, found = next((n, piece) for n, piece in enumerate(pieces) if piece.kind in {"open", "image"})
    end = next((n for n, piece in enumerate(pieces) if piece.kind == "close"), at)

    assert (found.target, found.text or inline.plain(pieces[at + 1 : end])) == (target, text)


@pytest.mark.parametrize(
    "source", ["`[a](b)`", "\\[a](b)", "[a] (b)", "[a](b c)", "[unknown]", "[a](<b", "&lbrack;a](b)"]
)
def test_what_is_no_link_is_none(source: str) -> None:
    kinds = {piece.kind for piece in inline.read(source.replace("[a]", "[z]"), REFERENCES)}

    assert not kinds & {"open", "image"}


def test_lines_are_found_by_offset() -> None:
    lines = inline.Lines("ab\nc\n\nd")

    assert [lines.at(offset) for offset in range(7)] == [0, 0, 0, 1, 1, 2, 3]


HOSTILE = {
    "images": "![",
    "brackets": "[",
    "closed brackets": "[a]",
    "nested images": "![a",
    "targets": "[a](",
    "bracketed targets": "[a](<",
    "parentheses": "[a](b(c)",
    "titles": '[a](b "c',
    "mixed titles": """[a](b "c [d](e 'f """,
    "references": "[a][b",
    "links": "[a](b) ",
    "openers and links": "[ [a](b)",
    "emphasis": "*a_",
    "runs of emphasis": "**a *b ",
    "words with lines": "_a __b ",
    "code": "`a``b",
    "tags": "<a b='c' d",
    "quoted tags": """ x='<a y="'""",
    "comments": "<!-- <? <![CDATA[ <!a",
    "autolinks": "<a:",
    "mail": "<a@a.",
    "entities": "&amp",
    "backslashes": "\\",
    "line ends": "\\\n \n",
}


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_takes_linear_time(unit: str) -> None:
    def seconds(size: int) -> float:
        return _seconds((unit * (size // len(unit) + 1))[:size] + ")" * (size // 200) + "]" * (size // 200))

    assert (
        seconds(200_000) < 8 * seconds(50_000) + 0.05
    )  # four times the text; markdown-it: minutes for the first


def test_images_in_images_in_images_take_linear_time() -> None:
    def images(size: int) -> str:
        return "![" * size + "x" * 2 * size + "](y)" * size

    pieces = inline.read(images(50_000), REFERENCES)

    assert [(piece.kind, piece.text) for piece in pieces] == [("image", "x" * inline.MAX_ALT)]
    assert _seconds(images(50_000)) < 8 * _seconds(images(12_500)) + 0.05


def _seconds(source: str) -> float:
    """CPU time of the better of two readings."""
    return min(cpu_seconds(lambda: inline.read(source, REFERENCES)) for _ in range(2))
