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
from functools import cache
from types import CodeType, FrameType
from typing import Any

Trace = Callable[[FrameType, str, Any], Any]
_NONE = -1


def start(folder: str, path: str) -> None:
    """Follow every frame whose file lies in `folder`, in this process and its forks; append new places to `path`."""
    recorder = _Recorder(f"{folder}/", os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
    sys._getframe().f_trace_opcodes = True  # noqa: SLF001 - Python 3.12 asks one frame for all
    threading.settrace(recorder.enter)
    sys.settrace(recorder.enter)


class _Recorder:
    def __init__(self, prefix: str, handle: int) -> None:
        self.prefix, self.handle = prefix, handle
        self.written: set[tuple[CodeType, int]] = set()

    def enter(self, frame: FrameType, _event: str, _arg: object) -> Trace | None:
        code = frame.f_code
        if not code.co_filename.startswith(self.prefix):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return _Visit(self).follow

    def ended(self, code: CodeType, offset: int) -> None:
        if (code, offset) not in self.written:
            self.written.add((code, offset))
            place = _places(code).get(offset)
            if place is not None:
                os.write(self.handle, f"{code.co_filename.removeprefix(self.prefix)}\t{place}\n".encode())


class _Visit:
    """One frame: an instruction has come to its end when the next begins and nothing was raised in between."""

    def __init__(self, recorder: _Recorder) -> None:
        self.recorder = recorder
        self.begun = _NONE

    def follow(self, frame: FrameType, event: str, _arg: object) -> Trace:
        if event == "exception":
            self.begun = _NONE
        elif event in {"opcode", "return"}:
            if self.begun != _NONE:
                self.recorder.ended(frame.f_code, self.begun)
            self.begun = frame.f_lasti
        return self.follow


@cache
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
