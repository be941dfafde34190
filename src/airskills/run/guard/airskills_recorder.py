"""Writes down which expressions of a skill's own files ran: each call, attribute and import that came to its end.

Code is not changed for it: Python says before each instruction of such a file where it stands. Functions of packages are
not followed, which keeps the cost at about half of the time again. Standard library only.
"""

from __future__ import annotations

import dis
import os
import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

Trace = Callable[[FrameType, str, Any], Any]
_NONE = -1
ROUNDS = 100  # in which a line is followed, and calls of a function: what comes later is not seen


def start(folder: str, path: str) -> None:
    """Follow every frame whose file lies in `folder`, in this process and its forks; append new places to `path`."""
    recorder = _Recorder(f"{folder}/", os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
    sys._getframe().f_trace_opcodes = True  # noqa: SLF001 - Python 3.12 asks one frame for all
    threading.settrace(recorder.enter)
    sys.settrace(recorder.enter)


class _Recorder:
    def __init__(self, prefix: str, handle: int) -> None:
        self.prefix, self.handle = prefix, handle
        self._known: dict[CodeType, _Code] = {}

    def enter(self, frame: FrameType, _event: str, _arg: object) -> Trace | None:
        code = frame.f_code
        if not code.co_filename.startswith(self.prefix):
            return None
        known = self._known.get(code)
        if known is None:
            known = self._known[code] = _Code(code, self.say)
        known.calls += 1
        return _Visit(known).follow if known.places and known.calls <= ROUNDS else None

    def say(self, code: CodeType, place: str) -> None:
        os.write(self.handle, f"{code.co_filename.removeprefix(self.prefix)}\t{place}\n".encode())


class _Code:
    """One code object: the places that have not been seen to end yet, and how often each of their lines is still followed."""

    def __init__(self, code: CodeType, say: Callable[[CodeType, str], None]) -> None:
        self.code, self.say = code, say
        self.places = _places(code)
        self.rounds = {int(place.partition(":")[0]): ROUNDS for place in self.places.values()}
        self.calls = 0

    def ended(self, offset: int) -> None:
        place = self.places.pop(offset, None)
        if place is not None:
            self.say(self.code, place)

    def follows(self, line: int) -> bool:
        left = self.rounds.get(line, 0)
        if left:
            self.rounds[line] = left - 1
        return left > 0


class _Visit:
    """One frame: an instruction has come to its end when the next begins and nothing was raised in between.

    Lines are followed by instruction in their first rounds only, so that a long loop costs little.
    """

    def __init__(self, known: _Code) -> None:
        self.known = known
        self.begun = _NONE

    def follow(self, frame: FrameType, event: str, _arg: object) -> Trace:
        if event == "exception":
            self.begun = _NONE
            return self.follow
        if self.begun not in {_NONE, frame.f_lasti} or event == "return":
            self.known.ended(self.begun)
        self.begun = frame.f_lasti
        if event != "opcode":
            frame.f_trace_opcodes = self.known.follows(frame.f_lineno)
        if not self.known.places:
            frame.f_trace_lines = frame.f_trace_opcodes = False  # what is returned does not end it
        return self.follow


def _places(code: CodeType) -> dict[int, str]:
    """Offset of each instruction that ends a call, an attribute or an import, to where that stands."""
    found: dict[int, str] = {}
    imports: dict[str, int] = {}
    for instruction in dis.get_instructions(code):
        name, place = instruction.opname, _place(instruction.positions)
        if place and name.startswith("IMPORT_"):
            imports[place] = instruction.offset  # the last of a statement
        elif place and name.startswith(("CALL", "LOAD_ATTR", "LOAD_SUPER")):
            found[instruction.offset] = place
    return found | {offset: place for place, offset in imports.items()}


def _place(where: dis.Positions | None) -> str:
    if where is None or None in where:
        return ""
    last = "" if where.end_lineno == where.lineno else f"{where.end_lineno}:"
    return f"{where.lineno}:{where.col_offset}-{last}{where.end_col_offset}"
