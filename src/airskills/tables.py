"""Tables of Markdown as rules read them: the text of each cell and its line.

Whether a table begins, markdown-it says. Its own rows cost three tokens a cell and a step for each character, together
half of the time that all blocks of a document take; here a cell is one token. A property test holds the two together.
"""

from __future__ import annotations

import re
from itertools import islice

from markdown_it.common.utils import mdTrim
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block import table as begins_table

_PIPE = re.compile(r"(?<!\\)\|")


def table(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    """Rule of markdown-it for a table that may begin at line `start`."""
    if not begins_table(state, start, end, True):
        return False
    if not silent:
        width = _add_cells(state, _text(state, start), start)
        kept, state.parentType = state.parentType, "table"
        line = start + 2
        while line < end and (text := _text(state, line)) and not _ends(state, text, line, end):
            _add_cells(state, text, line, width)
            line += 1
        state.parentType, state.line = kept, line
    return True


def _text(state: StateBlock, line: int) -> str:
    return mdTrim(state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]])


def _ends(state: StateBlock, text: str, line: int, end: int) -> bool:
    """Whether a line that is not empty is no row: it stands further left, is code, or begins another block."""
    if state.sCount[line] < state.blkIndent or state.is_code_block(line):
        return True
    interrupts = () if text.startswith("|") else state.md.block.ruler.getRules("blockquote")
    return any(rule(state, line, end, True) for rule in interrupts)


def _add_cells(state: StateBlock, text: str, line: int, width: int | None = None) -> int:
    """Take in the first `width` cells of a row, all of them when None, and return how many it has."""
    cells = split(text)
    for content in filter(None, map(mdTrim, islice(cells, width))):
        token = state.push("inline", "", 0)
        token.map, token.content = [line, line + 1], content
    return len(cells)


def split(text: str) -> list[str]:
    r"""The cells of a row; `\|` is a pipe that stands in one."""
    cells = _PIPE.split(text) if "\\" in text else text.split("|")
    if cells and not cells[0]:
        del cells[0]
    if cells and not cells[-1]:
        del cells[-1]
    return [cell.replace("\\|", "|") for cell in cells]
