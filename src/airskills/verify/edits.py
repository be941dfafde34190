"""Edits of a source text, and the way back from a point of the edited text to the written one."""

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

    def moved(self, lines: int, columns: int) -> Span:
        """The same span as many lines and columns on."""
        (first, start), (last, end) = self.start, self.end
        return Span((first + lines, start + columns), (last + lines, end + columns))

    def within(self, other: Span) -> bool:
        """Whether all of it lies in the other."""
        return other.start <= self.start and self.end <= other.end


@dataclass(frozen=True, slots=True)
class Wrap:
    """Text put before and after a span; of two spans that begin or end together, the longer one's stands outside.

    With `replace`, the text `before` stands for the span, which lies on one line and holds no other wrap. With `aside`,
    `before` is a statement or a line of its own, which stands before all that begins there and is nobody's code.
    """

    span: Span
    before: str
    after: str = ""
    replace: bool = False
    aside: bool = False


@dataclass(frozen=True, slots=True)
class _Mark:
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
        marks: for each edited line (1-based) what its columns mean; a line without any is as it was.
    """

    text: str
    placed: tuple[Point, ...]
    lines: tuple[int, ...]
    marks: Mapping[int, list[_Mark]]

    def written(self, point: Point) -> Point | None:
        """Where a point of the edited text stands in the text before; None inside what was put in aside.

        Inside another inserted text it is where that stands.
        """
        line, column = point
        marks = self.marks.get(line)
        origin = self.lines[line - 1] if line <= len(self.lines) else line
        if not marks:
            return origin, column
        mark = marks[max(0, bisect_right(marks, column, key=lambda mark: mark.column) - 1)]
        if mark.aside:
            return None
        return origin, mark.written + (column - mark.column if mark.runs_on else 0)


@dataclass(frozen=True, slots=True)
class _Edit:
    column: int
    order: tuple[int, ...]
    text: str
    length: int
    number: int
    aside: bool


def apply(source: str, wraps: Iterable[Wrap]) -> Edited:
    """Make all edits at once."""
    by_line: dict[int, list[_Edit]] = defaultdict(list)
    count = 0
    for number, wrap in enumerate(wraps):
        _add(wrap, number, by_line)
        count = number + 1
    placed: list[Point] = [(0, 0)] * count
    texts: list[str] = []
    lines: list[int] = []
    marks: dict[int, list[_Mark]] = {}
    for line, text in enumerate(source.split("\n"), 1):
        if line not in by_line:
            texts.append(text)
            lines.append(line)
            continue
        found = sorted(by_line[line], key=lambda edit: (edit.column, edit.order))
        for part, own in _edit_line(text, len(texts) + 1, found, placed):
            marks[len(texts) + 1] = own
            texts.append(part)
            lines.append(line)
    return Edited("\n".join(texts), tuple(placed), tuple(lines), marks)


def _add(wrap: Wrap, number: int, by_line: dict[int, list[_Edit]]) -> None:
    """The edits of one wrap: what ends at a column comes before what stands aside, then what begins there."""
    (first, start), (last, end) = wrap.span.start, wrap.span.end
    size = (last - first, end - start if first == last else end)
    length = end - start if wrap.replace else 0
    order = (1, number) if wrap.aside else (2, -size[0], -size[1], number)
    by_line[first].append(_Edit(start, order, wrap.before, length, number, wrap.aside))
    if wrap.after:
        by_line[last].append(_Edit(end, (0, *size, -number), wrap.after, 0, -1, aside=False))


def _edit_line(
    text: str, first: int, found: list[_Edit], placed: list[Point]
) -> list[tuple[str, list[_Mark]]]:
    """The line after its edits, which may be several lines, each with its marks."""
    parts: list[str] = [""]
    marks: list[list[_Mark]] = [[_Mark(0, 0, runs_on=True)]]
    done = 0
    for edit in found:
        column = max(edit.column, done)
        parts[-1] += text[done:column]
        if edit.number >= 0:
            placed[edit.number] = (first + len(parts) - 1, len(parts[-1]))
        head, *others = edit.text.split("\n")
        marks[-1].append(_Mark(len(parts[-1]), column, runs_on=False, aside=edit.aside))
        parts[-1] += head
        for other in others:
            parts.append(other)
            marks.append([_Mark(0, column, runs_on=False, aside=edit.aside)])
        done = column + edit.length
        marks[-1].append(_Mark(len(parts[-1]), done, runs_on=True))
    parts[-1] += text[done:]
    return list(zip(parts, marks, strict=True))
