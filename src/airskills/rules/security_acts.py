"""What code does, as findings say it."""

from __future__ import annotations

from typing import NamedTuple

from airskills.rules.security_reader import Block


class Act(NamedTuple):
    """Something that code does: which rule it breaks, where, and in words."""

    code: str
    path: str
    line: int
    message: str


def act_at(block: Block, at: int, code: str, message: str) -> Act:
    """Something that stands at a character of a block."""
    return Act(code, block.path, block.line + block.text.count("\n", 0, at), message)
