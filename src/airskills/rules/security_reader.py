"""Markdown as the security rules read it: sentences across lines, what no reader sees, and code with what introduces it.

Line by line and in linear time. A sentence is `shown` when the text around it says that it is an example or an attack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

MAX_SENTENCE = 2_000  # characters of one sentence that are judged
MAX_HIDDEN = 50  # hidden texts of one line that are judged
_EXHIBIT = re.compile(
    r"\b(?:never|do not|don't|avoid|dangerous|malicious|attack\w*|unsafe|insecure|wrong|bad|anti-?patterns?|detect(?:s|ed|ion)|flag(?:s|ged)"
    r"|blocked|blocks(?=\s*:\s*$)|blocks (?:all|any|commands|every|it|lines|such|the following|these|this|what)|reject(?:s|ed)|red flags?|payloads?|jailbreaks?|injections?|forbidden|suspicious|vulnerable|looks? for|indicators?|signatures?|reverse shells?|exploits?)\b",
    re.IGNORECASE,
)
_LISTED = re.compile(
    r"\b(?:detect\w*|flags?|reject\w*|refus\w+|look(?:s|ing)? for|watch for|search(?:es)? for|scan\w*|such as|examples? of|phrases?|patterns?|malicious"
    r"|suspicious|dangerous|attack\w*|adversar\w+|jailbreaks?|injections?|payloads?|red flags?|unsafe|never|do not|don't|avoid|must not|should not"
    r"|something like|refuse|indicators?|strings?|prompts?|attempts?|symptoms?|mistakes?|wrong)\b",
    re.IGNORECASE,
)
_RUN = re.compile(r"\b(?:run|execute|install|start|use)\b[^.]{0,200}:\s*$", re.IGNORECASE)
_NO = re.compile(r"\b(?:never|do not|don't|avoid|must not)\b", re.IGNORECASE)
_FENCE = re.compile(r"^(?:[ \t>]|[-*+] |\d+[.)] )*(`{3,}|~{3,})(.*)$")
_SPAN = re.compile(r"(`+)([^`\n]{1,2000})\1(?!`)")
_ITEM = re.compile(r"[-*+] |\d+[.)] |> ?")
_INSIDE = re.compile(r"[.!?][\"')\]]{0,2}(?=\s)|[。\uff01\uff1f](?=.)")
_END = re.compile(r"[.!?][\"')\]]{0,2}(?=\s)|[。\uff01\uff1f]|$")
_CSS = re.compile(
    r"<(\w+)\b[^<>\n]{0,300}(?:display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0\d*)?(?![.\d])|font-size\s*:\s*[01](?:px|pt|em)?(?![.\d])|color\s*:\s*(?:white|#fff(?:fff)?|transparent)\b|(?:left|top|text-indent)\s*:\s*-\d{3,}|(?:max-)?height\s*:\s*[01](?:px)?(?![.\d])|\shidden(?=[\s>=]))[^<>\n]{0,300}>([^<\n]{0,1500})",
    re.IGNORECASE,
)
_VEIL = re.compile(
    r"<(div|section|span|p|aside|template|article|details)\b[^<>\n]{0,300}(?:\shidden(?=[\s>=])|display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*[01](?:px)?[;\"'])[^<>\n]{0,300}>\s*$|<(template)>\s*$",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"^\s*\[([^\]\n]{1,60})\]:\s*(\S+)\s*[\"'(](.{1,1500})[\"')]\s*$")
_TITLE = re.compile(r"\]\([^()\s\"]{1,300}\s+\"([^\"\n]{10,1000})\"\)|!\[([^\[\]\n]{15,1000})\]\(")
_ATTRIBUTE = re.compile(
    r"\b(?:alt|title|aria-label|data-[\w-]+|content|summary)\s*=\s*\"([^\"\n]{15,1000})\"", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """Running text, where it begins, whether it only shows what it says, and whether it is a cell of a table."""

    path: str
    line: int
    text: str
    shown: bool = False
    cell: bool = False

    def spans(self) -> Iterator[tuple[str, str, str]]:
        """(text before it, code, text after it) of every code span."""
        for match in _SPAN.finditer(self.text):
            yield self.text[: match.start()], match[2].strip(), self.text[match.end() :]


@dataclass(frozen=True, slots=True)
class Block:
    """A code block, or a `file` of code; `shown` when the text before it says that this is an attack."""

    path: str
    line: int
    language: str
    text: str
    shown: bool = False
    file: bool = False


class Reader:
    """One Markdown text, line by line."""

    def __init__(self, path: str, text: str, first: int) -> None:
        self.sentences: list[Sentence] = []
        self.hidden: list[Sentence] = []
        self.blocks: list[Block] = []
        self._path, self._first = path, first
        self._lines = text.split("\n")
        self._paragraph: list[tuple[int, str]] = []
        self._short: list[tuple[int, str]] = []  # items of few words: a sentence may be spread over them
        self._intro = ""
        self._level = 0  # of the heading under which lists, tables and code are shown only; 0: none

    def read(self) -> None:
        """Fill `sentences`, `hidden` and `blocks`."""
        number = 0
        while number < len(self._lines):
            line = self._lines[number]
            fence = _FENCE.match(line) if "```" in line or "~~~" in line else None
            comment = line.find("<!--")
            if fence:
                number = self._fence(number, fence[1], fence[2])
            elif "<" in line and (veil := _VEIL.search(line)):
                number = self._veiled(number, veil[1] or veil[2])
            elif comment >= 0 and line.count("`", 0, comment) % 2 == 0:
                number = self._comment(number, comment)
            else:
                self._line(number, line)
                number += 1
        self._flush()
        self._flush_short()

    def _fence(self, start: int, mark: str, info: str) -> int:
        self._flush()
        end = start + 1
        while end < len(self._lines) and not self._lines[end].strip(" \t>").startswith(mark):
            end += 1
        words = info.strip().lower().split()
        language = words[0].strip("{}.") if words else ""
        text = "\n".join(self._lines[start + 1 : end])
        self.blocks.append(Block(self._path, self._first + start + 1, language, text, self._exhibited()))
        return end + 1

    def _exhibited(self) -> bool:
        """Whether the text before a block says that it is an attack and does not ask to run it."""
        asks, exhibits = _introduces(self._intro)
        return not asks and (self._level > 0 or exhibits)

    def _comment(self, start: int, column: int) -> int:
        self._line(start, self._lines[start][:column])
        parts: list[str] = []
        number, text = start, self._lines[start][column + 4 :]
        while "-->" not in text and number + 1 < len(self._lines):
            parts.append(text)
            number, text = number + 1, self._lines[number + 1]
        inside, _, rest = text.partition("-->")
        said = " ".join([*parts, inside]).strip()
        self.hidden.append(Sentence(self._path, self._first + start, said[:MAX_SENTENCE]))
        self._lines[number] = rest
        return number if rest.strip() and "<!--" not in rest else number + 1

    def _veiled(self, start: int, tag: str) -> int:
        """An element over several lines that a style hides."""
        self._flush()
        end = start + 1
        while end < len(self._lines) and f"</{tag.lower()}" not in self._lines[end].lower():
            end += 1
        lines = [(self._first + number, self._lines[number]) for number in range(start + 1, end)]
        self.hidden += split(self._path, lines, shown=False)
        return end + 1

    def _line(self, number: int, line: str) -> None:
        bare = line.strip()
        if bare.startswith("#") and bare.lstrip("#")[:1] in {" ", "\t"}:
            self._heading(number, bare)
        elif not bare:
            self._flush()
        elif bare.startswith("|"):
            self._row(number, bare)
        else:
            if _ITEM.match(bare):
                self._flush(item=True)
            self._paragraph.append((self._first + number, line))
        if "<" in line or "](" in line or "]:" in line:
            self._unseen(number, line)

    def _heading(self, number: int, bare: str) -> None:
        self._flush()
        self._flush_short()
        text = bare.lstrip("#").strip()
        level = len(bare) - len(bare.lstrip("#"))
        if not self._level or level <= self._level:
            self._level = level if level > 1 and _EXHIBIT.search(text) else 0
        self._intro = text
        title = Sentence(self._path, self._first + number, text[:MAX_SENTENCE], self._level > 0)
        self.sentences.append(title)

    def _row(self, number: int, bare: str) -> None:
        self._flush()
        cells = [cell.strip() for cell in bare.strip("|").split("|")]
        for cell in cells:
            if " " in cell:
                text = cell[:MAX_SENTENCE]
                self.sentences.append(
                    Sentence(self._path, self._first + number, text, self._level > 0, cell=True)
                )

    def _unseen(self, number: int, line: str) -> None:
        """Text in places that no reader of the page looks at."""
        styled = islice(_CSS.finditer(line), MAX_HIDDEN)
        found = [match[2] for match in styled if line.count("`", 0, match.start()) % 2 == 0]
        found += [match[1] for match in islice(_ATTRIBUTE.finditer(line), MAX_HIDDEN)]
        found += [match[1] or match[2] for match in islice(_TITLE.finditer(line), MAX_HIDDEN)]
        reference = _REFERENCE.match(line)
        found += [reference[3]] if reference else []
        self.hidden += [Sentence(self._path, self._first + number, text[:MAX_SENTENCE]) for text in found]

    def _flush(self, *, item: bool = False) -> None:
        if not self._paragraph:
            return
        text = " ".join(line for _, line in self._paragraph)[:4000]
        listed = _ITEM.match(text.lstrip()) is not None
        introduced = self._intro.rstrip(" *_").endswith(":") and _LISTED.search(self._intro) is not None
        shown = listed and (self._level > 0 or introduced)
        self.sentences += split(self._path, self._paragraph, shown=shown)
        words = _ITEM.sub("", text.strip(), count=1)
        if listed and not shown and words.count(" ") < 4:
            self._short.append((self._paragraph[0][0], words))
        else:
            self._flush_short()
        if not listed or not (item or self._intro.rstrip().endswith(":")):
            self._intro = text[-800:]
        self._paragraph = []

    def _flush_short(self) -> None:
        if 2 < len(self._short) < 7:
            joined = " ".join(text for _, text in self._short)[:MAX_SENTENCE]
            self.sentences.append(Sentence(self._path, self._short[0][0], joined))
        self._short = []


@lru_cache(maxsize=256)
def _introduces(intro: str) -> tuple[bool, bool]:
    """Whether the text before a block asks to run it, and whether it says that it is an attack."""
    asks = _RUN.search(intro) is not None and _NO.search(intro) is None
    last = re.split(r"[.!?]\s+", intro.rstrip(" .!?"))[-1]
    return asks, _EXHIBIT.search(last) is not None


def split(path: str, lines: list[tuple[int, str]], *, shown: bool) -> Iterator[Sentence]:
    """Sentences of a paragraph, each with the line on which it begins."""
    if len(lines) == 1 and not _INSIDE.search(lines[0][1]):
        yield Sentence(path, lines[0][0], lines[0][1].strip()[:MAX_SENTENCE], shown)
        return
    starts, offset = [], 0
    for number, line in lines:
        starts.append((offset, number))
        offset += len(line) + 1
    text = "\n".join(line for _, line in lines)
    begin, at = 0, 0
    for match in _END.finditer(text):
        piece = text[begin : match.end()]
        while at + 1 < len(starts) and starts[at + 1][0] <= begin + len(piece) - len(piece.lstrip()):
            at += 1
        if piece.strip():
            yield Sentence(path, starts[at][1], piece.strip().replace("\n", " ")[:MAX_SENTENCE], shown)
        begin = match.end()
