"""Edits of a source text that keep its lines, and the way back from an edited column to the written one."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Point = tuple[int, int]  # 1-based line, 0-based column in characters


@dataclass(frozen=True, slots=True)
class Span:
    """From a point up to, not with, another."""

    start: Point
    end: Point

    def holds(self, point: Point) -> bool:
        """Whether a point lies in it."""
        return self.start <= point < self.end

    def within(self, other: Span) -> bool:
        """Whether all of it lies in the other."""
        return other.start <= self.start and self.end <= other.end


@dataclass(frozen=True, slots=True)
class Wrap:
    """Text put before and after a span; of two spans that begin or end together, the longer one's stands outside.

    With `replace`, the text `before` stands for the span, which lies on one line and holds no other wrap.
    """

    span: Span
    before: str
    after: str = ""
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Edited:
    """A text after its edits.

    Attributes:
        text: as many lines as before.
        placed: where `before` of each wrap begins, in the order the wraps were given.
        origins: for each edited line (1-based), sorted (edited column, written column, whether columns run on).
    """

    text: str
    placed: tuple[Point, ...]
    origins: Mapping[int, list[tuple[int, int, bool]]]

    def written(self, point: Point) -> Point:
        """Where a point of the edited text stands in the text before; inside an inserted text, where that stands."""
        line, column = point
        marks = self.origins.get(line, [])
        found = bisect_right(marks, column, key=lambda mark: mark[0]) - 1
        if found < 0:
            return point
        edited, written, runs_on = marks[found]
        return line, written + (column - edited if runs_on else 0)


@dataclass(frozen=True, slots=True)
class _Edit:
    column: int
    order: tuple[int, ...]
    text: str
    length: int
    number: int


def apply(source: str, wraps: Iterable[Wrap]) -> Edited:
    """Make all edits at once."""
    by_line: dict[int, list[_Edit]] = defaultdict(list)
    count = 0
    for number, wrap in enumerate(wraps):
        (first, start), (last, end) = wrap.span.start, wrap.span.end
        size = (last - first, end - start if first == last else end)
        length = end - start if wrap.replace else 0
        by_line[first].append(_Edit(start, (1, -size[0], -size[1]), wrap.before, length, number))
        if wrap.after:
            by_line[last].append(_Edit(end, (0, *size), wrap.after, 0, -1))
        count = number + 1
    lines = source.split("\n")
    placed: list[Point] = [(0, 0)] * count
    origins = {}
    for line, found in by_line.items():
        found.sort(key=lambda edit: (edit.column, edit.order, edit.number))
        lines[line - 1], origins[line] = _edit_line(lines[line - 1], line, found, placed)
    return Edited("\n".join(lines), tuple(placed), origins)


def _edit_line(
    text: str, line: int, found: list[_Edit], placed: list[Point]
) -> tuple[str, list[tuple[int, int, bool]]]:
    parts: list[str] = []
    marks = [(0, 0, True)]
    length, done = 0, 0
    for edit in found:
        column = max(edit.column, done)
        parts += [text[done:column], edit.text]
        length += column - done
        if edit.number >= 0:
            placed[edit.number] = (line, length)
        marks.append((length, column, False))
        length += len(edit.text)
        done = column + edit.length
        marks.append((length, done, True))
    return "".join([*parts, text[done:]]), marks
