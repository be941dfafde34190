"""Edits of a source text, and the way back from a point of the edited text to the written one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Point = tuple[int, int]  # 1-based line, 0-based column in characters


def column_of(line: str, offset: int) -> int:
    """Characters before an offset in UTF-8 bytes, in which Python's syntax trees count."""
    if line.isascii():
        return offset
    return len(line.encode(errors="surrogateescape")[:offset].decode(errors="ignore"))


class Span(NamedTuple):
    """From a point up to, not with, another."""

    start: Point
    end: Point

    def holds(self, point: Point) -> bool:
        """Whether a point lies in it."""
        return self.start <= point < self.end

    def moved(self, lines: int, columns: int) -> Span:
        """The same span as many lines and columns on."""
        (first, start), (last, end) = self
        return Span((first + lines, start + columns), (last + lines, end + columns))

    def within(self, other: Span) -> bool:
        """Whether all of it lies in the other."""
        return other.start <= self.start and self.end <= other.end


class Wrap(NamedTuple):
    """Text put before and after a span; of two spans that begin or end together, the longer one's stands outside.

    With `replace`, the text `before` stands for the span, which lies on one line and holds no other wrap. With `aside`,
    `before` is a statement or a line of its own, which stands before all that begins there and is nobody's code.
    """

    span: Span
    before: str
    after: str = ""
    replace: bool = False
    aside: bool = False


class _Edit(NamedTuple):
    """What is put in at a column of a line; edits are made in the order in which they sort."""

    column: int
    order: tuple[int, ...]
    number: int  # of its wrap; -1 behind the span
    text: str
    length: int  # of what it stands for
    aside: bool


class _Mark(NamedTuple):
    """From this column of an edited line on: the written column, and whether both run on together."""

    column: int
    written: int
    runs_on: bool
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Edited:
    """A text after its edits.

    Attributes:
        text: as many lines as before, and those that were put in.
        placed: where `before` of each wrap begins, in the order the wraps were given.
        lines: for each edited line the written one.
        edits: those of each written line, in order; a line without any is as it was.
    """

    text: str
    placed: Sequence[Point]
    lines: Sequence[int]
    edits: Mapping[int, Sequence[_Edit]]
    _marked: dict[int, list[list[_Mark]]] = field(default_factory=dict, compare=False)

    def written(self, point: Point) -> Point | None:
        """Where a point of the edited text stands in the text before; None inside what was put in aside.

        Inside another inserted text it is where that stands.
        """
        line, column = point
        origin = self.lines[line - 1] if line <= len(self.lines) else line
        if origin not in self.edits:
            return origin, column
        if origin not in self._marked:
            self._marked[origin] = _marks(self.edits[origin])
        marks = self._marked[origin][line - 1 - bisect_left(self.lines, origin)]
        mark = marks[max(0, bisect_right(marks, column, key=lambda mark: mark.column) - 1)]
        if mark.aside:
            return None
        return origin, mark.written + (column - mark.column if mark.runs_on else 0)


def apply(source: str, wraps: Iterable[Wrap]) -> Edited:
    """Make all edits at once."""
    by_line: dict[int, list[_Edit]] = defaultdict(list)
    count = 0
    for number, wrap in enumerate(wraps):
        _add(wrap, number, by_line)
        count = number + 1
    placed: list[Point] = [(0, 0)] * count
    texts = source.split("\n")
    lines: list[int] = []
    for line in range(1, len(texts) + 1):
        first = len(lines) + 1
        lines.append(line)
        if line in by_line:
            by_line[line].sort()
            text = texts[line - 1] = _edit_line(texts[line - 1], first, by_line[line], placed)
            lines += [line] * text.count("\n")
    return Edited("\n".join(texts), placed, lines, dict(by_line))


def _add(wrap: Wrap, number: int, by_line: dict[int, list[_Edit]]) -> None:
    """The edits of one wrap: what ends at a column comes before what stands aside, then what begins there.

    Of what stands aside, what goes around something comes last.
    """
    (first, start), (last, end) = wrap.span
    rows, columns = last - first, end - start if first == last else end
    length = end - start if wrap.replace else 0
    order = (1, len(wrap.after)) if wrap.aside else (2, -rows, -columns)
    by_line[first].append(_Edit(start, order, number, wrap.before, length, wrap.aside))
    if wrap.after:
        by_line[last].append(_Edit(end, (0, rows, columns, -number), -1, wrap.after, 0, aside=False))


def _edit_line(text: str, line: int, edits: Iterable[_Edit], placed: list[Point]) -> str:
    """The line, which becomes this line of the edited text, after its edits; it may be several then."""
    parts: list[str] = []
    done = width = 0
    for edit in edits:
        column = max(edit.column, done)
        parts += text[done:column], edit.text
        width += column - done
        if edit.number >= 0:
            placed[edit.number] = (line, width)
        rows = edit.text.count("\n")
        line += rows
        width = len(edit.text) - edit.text.rindex("\n") - 1 if rows else width + len(edit.text)
        done = column + edit.length
    return "".join([*parts, text[done:]])


def _marks(edits: Iterable[_Edit]) -> list[list[_Mark]]:
    """What columns mean on each of the lines that one line became."""
    marks = [[_Mark(0, 0, runs_on=True)]]
    done = width = 0
    for edit in edits:
        column = max(edit.column, done)
        width += column - done
        marks[-1].append(_Mark(width, column, runs_on=False, aside=edit.aside))
        head, *others = edit.text.split("\n")
        width += len(head)
        for other in others:
            marks.append([_Mark(0, column, runs_on=False, aside=edit.aside)])
            width = len(other)
        done = column + edit.length
        marks[-1].append(_Mark(width, done, runs_on=True))
    return marks
