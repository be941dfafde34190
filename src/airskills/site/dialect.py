"""CommonMark, in which skills are written, as the text from which Python-Markdown makes the same page.

Four things differ: Python-Markdown nests lists by four columns and wants a blank line before the first item, it knows no
`key="value"` after a fence's language, a bar in the code of a table is not escaped, and links lead to pages where a skill's
lead to files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_FENCE = re.compile(r"(?P<indent> *)(?P<marks>`{3,}|~{3,})(?P<info>.*)")
_ITEM = re.compile(r"(?P<indent> *)(?P<marker>[-*+]|\d{1,9}[.)])(?P<gap> +)(?=\S)")
_LINK = re.compile(r"(?P<open>!?\[[^\]]*\]\()(?P<target>[^()\s<>]+)(?P<rest>(?:\s+\"[^\"]*\")?\))")
_DEFINITION = re.compile(r"(?P<open> {0,3}\[[^\]]+\]:\s+)(?P<target>\S+)(?P<rest>.*)")
_HEADING = re.compile(r"#{1,6} ")
_BULLETS = "-*+"
_INTERRUPTS = frozenset(
    {"-", "*", "+", "1.", "1)"}
)  # the items that may follow a paragraph without a blank line
_CODE_SPAN = re.compile(r"(`+).*?\1")

Resolve = Callable[[str], str]
Mark = Callable[[int], str]


def convert(text: str, *, resolve: Resolve, mark: Mark, first_line: int = 1) -> str:
    """The same document for Python-Markdown.

    Args:
        text: CommonMark with tables.
        resolve: where a link of the page leads, by its target as written.
        mark: HTML to put above a fence, by the fence's line in its file; "" for none.
        first_line: line of the file on which `text` begins.
    """
    page = _Page(resolve, mark)
    lines = enumerate(text.rstrip("\n").split("\n"), first_line)
    return "\n".join(written for number, line in lines for written in page.write(number, line)) + "\n"


class _Page:
    """The lines of a page on their way into the other dialect.

    Attributes:
        columns: at which the text of the open list items begins, outermost first.
        previous: the line before, as it was written; "" after a blank line and after code.
        closing: the marks that end the open fence; "" outside of one.
        shift: by how many columns the lines of the open fence move.
        kind: "-" or "1" for the kind of the last item that is in no other; "" where no list is open.
    """

    def __init__(self, resolve: Resolve, mark: Mark) -> None:
        self._resolve, self._mark = resolve, mark
        self.columns: list[int] = []
        self.previous, self.closing, self.kind = "", "", ""
        self.shift = 0

    def write(self, number: int, line: str) -> Iterator[str]:
        """The line, with what must stand before it."""
        if self.closing:
            yield from self._code(line)
        elif not line.strip():
            self.previous = ""
            yield ""
        elif fence := _FENCE.fullmatch(line):
            yield from self._fence(fence, self._mark(number))
        elif (item := _ITEM.match(line)) and (
            self.columns or not self.previous or item["marker"] in _INTERRUPTS
        ):
            yield from self._item(line, item)
        else:
            yield from self._text(line)

    def _enter(self, indent: int) -> int:
        """Close the items that a line of this indent is outside of; the indent that it has among the others."""
        while self.columns and indent < self.columns[-1]:
            self.columns.pop()
        return 4 * len(self.columns) + indent - (self.columns[-1] if self.columns else 0)

    def _code(self, line: str) -> Iterator[str]:
        yield _shifted(line, self.shift)
        if _closes(line, self.closing):
            self.closing, self.previous = "", ""
            yield ""

    def _fence(self, fence: re.Match[str], mark: str) -> Iterator[str]:
        """The opening line with its language alone, below its mark."""
        indent = self._enter(len(fence["indent"]))
        self.shift, self.closing = indent - len(fence["indent"]), fence["marks"]
        space = " " * indent
        yield from [""] if self.previous else []
        yield from [f"{space}{mark}", ""] if mark else []
        language = re.match(r"[\w+#.-]*", fence["info"].strip())
        yield f"{space}{fence['marks']}{language[0].lower() if language and language[0] else 'text'}"

    def _item(self, line: str, item: re.Match[str]) -> Iterator[str]:
        outside = not self.columns
        indent = self._enter(len(item["indent"]))
        kind = "-" if item["marker"] in _BULLETS else "1"
        if outside and self.previous:
            yield ""
        if not self.columns and self.kind not in {"", kind}:
            yield from ["", "<!-- another list -->", ""]
        if not self.columns:
            self.kind = kind
        self.columns.append(item.end())
        self.previous = line
        yield f"{' ' * indent}{item['marker'].replace(')', '.'):<3} {_linked(line[item.end() :], self._resolve)}"

    def _text(self, line: str) -> Iterator[str]:
        """A line of a paragraph, heading or table; within a paragraph its indent does not matter."""
        if _HEADING.match(line):
            self.columns.clear()
        indent = len(line) - len(line.lstrip(" "))
        if not self.previous:
            indent = self._enter(indent)
        elif self.columns:
            indent = 4 * len(self.columns)
        if not self.columns:
            self.kind = ""
        if line.startswith("|") and self.previous and not self.previous.startswith("|"):
            yield ""
        self.previous = line
        yield f"{' ' * indent}{_linked(line.strip(), self._resolve)}"


def _closes(line: str, marks: str) -> bool:
    bare = line.strip()
    return bare.startswith(marks) and not bare.strip(marks[0])


def _shifted(line: str, shift: int) -> str:
    if shift >= 0:
        return f"{' ' * shift}{line}" if line.strip() else ""
    return line[min(-shift, len(line) - len(line.lstrip(" "))) :]


def _linked(line: str, resolve: Resolve) -> str:
    """The line with each target resolved; code spans stay as they are."""

    def resolved(match: re.Match[str]) -> str:
        return f"{match['open']}{resolve(match['target'])}{match['rest']}"

    definition = _DEFINITION.fullmatch(line)
    if definition:
        return resolved(definition)
    spans: list[str] = []
    row = line.startswith("|")  # in a table a bar in code is escaped in one dialect and not in the other

    def hide(match: re.Match[str]) -> str:
        spans.append(match[0].replace("\\|", "|") if row else match[0])
        return f"\0{len(spans) - 1}\0"

    hidden = _LINK.sub(resolved, _CODE_SPAN.sub(hide, line))
    return re.sub(r"\0(\d+)\0", lambda match: spans[int(match[1])], hidden)


def without_title(text: str) -> tuple[str, str, int]:
    """(title, the rest, how many lines the rest begins lower) of a document whose first line is a level-1 heading."""
    first, _, rest = text.partition("\n")
    if not first.startswith("# "):
        return "", text, 0
    kept = rest.lstrip("\n")
    return first[2:].strip(), kept, 1 + len(rest) - len(kept)
