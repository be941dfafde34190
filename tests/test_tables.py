"""Tables have the cells that markdown-it gives them, whatever stands around."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from airskills.markdown import Markdown
from clock import cpu_seconds

READER = MarkdownIt("commonmark", {"maxNesting": 50}).enable("table")
LINES = [
    "|a|b|",
    "|-|-|",
    "|:-|-:|",
    "| a | b |",
    "a|b",
    "-|-",
    "|a\\|b|c|",
    "|a\\\\|b|",
    "|`a|b`|c|",
    "||x||",
    "|a|b|c|d|",
    "|a",
    "|",
    "-",
    "--",
    "---|",
    "",
    "  ",
    "\xa0",
    "text",
    "# h",
    "- i",
    "> q",
    "1. n",
    "```",
    "~~~",
    "<div>",
    "***",
    "    |a|b|",
    "  |a|b|",
    "\t|a|b|",
    "> |a|b|",
    "> |-|-|",
    "- |a|b|",
    "  |-|-|",
    "|é|中|",
    "&|&",
    "\x0b|\x0b|",
    "===",
    "[a]: b",
]


def cells(tokens: list[Token]) -> list[tuple[list[int] | None, str]]:
    return [(token.map, token.content) for token in tokens if token.type == "inline" and token.content]


@given(st.lists(st.sampled_from(LINES), max_size=12).map("\n".join))
def test_cells_and_what_follows_them_are_those_of_markdown_it(text: str) -> None:
    ours, theirs = Markdown(text), READER.parse(text)

    assert cells(ours._tokens) == cells(theirs)
    assert [block.text for block in ours.blocks] == [
        token.content for token in theirs if token.type in {"fence", "code_block"}
    ]


@given(st.lists(st.sampled_from(["|a|b|", "|c\\|d|", "x|y", "| e", "|f|g|h|", "", "- i", "***"]), max_size=8))
def test_rows_end_where_markdown_it_ends_them(rows: list[str]) -> None:
    text = "\n".join(["|one|two|", "|---|---|", *rows])

    assert cells(Markdown(text)._tokens) == cells(READER.parse(text))


@pytest.mark.parametrize("row", ["|", "|a", "\\|", "a|b|", "|\n", "|-"])
def test_hostile_tables_take_time_that_grows_with_their_length(row: str) -> None:
    def seconds(size: int) -> float:
        text = "|a|b|\n|-|-|\n" + row * (size // len(row))
        return min(cpu_seconds(lambda: Markdown(text).prose) for _ in range(3))

    assert seconds(200_000) < 8 * seconds(50_000) + 0.05
