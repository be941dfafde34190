"""Shell text as command lines: what a shell would split, without running or expanding anything.

One pass over the characters. Words that hold an expansion (`$X`, `` `...` ``, `<placeholder>`) are marked: what they
become is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_CHARACTERS = 1_000_000  # of one block
_OPERATOR = re.compile(r"&&|\|\||;;|\|&|[\n;&|()]")
_REDIRECT = re.compile(r"(?:\d|&)?(?:<<<|<<-?|>>|>\||[<>]&|<>|[<>])")
_PLACEHOLDER = re.compile(r"<[A-Za-z][\w ./:|-]{0,60}>")
_BLANK = " \t\r"
_PLAIN = re.compile(r"[^\s'\"\\$`;&|()<>#]+")


@dataclass(frozen=True, slots=True)
class Word:
    """A word after quotes are taken away.

    Attributes:
        text: what it says; expansions stand as they are written.
        line: 1-based line in the block.
        column: 1-based column in that line.
        opaque: part of it is not known before it runs.
        quoted: some of it stood in quotes.
    """

    text: str
    line: int
    column: int
    opaque: bool = False
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Words of one simple command, redirections left out."""

    words: tuple[Word, ...]


def command_lines(text: str, *, prompts: bool = False) -> list[CommandLine]:
    """The simple commands of a shell text, in order.

    Args:
        text: the block; what is beyond a million characters is left out.
        prompts: lines without a `$` or `#` prompt are output (console blocks).
    """
    return list(_Reader(_without_prompts(text[:MAX_CHARACTERS], only=prompts)).commands())


def _without_prompts(text: str, *, only: bool) -> str:
    """Prompts become blanks, so that columns stay; in a console block lines without one are output."""
    lines = text.split("\n")
    continued = False
    for number, line in enumerate(lines):
        found = re.match(
            r"\s*(?:\([\w.-]+\)\s*)?(?:[\w.@:~/-]*[$%#]|>>?)\s(?=\S)" if only else r"\s*\$\s+(?=\S)", line
        )
        if found and not continued:
            lines[number] = " " * found.end() + line[found.end() :]
        elif only and not continued:
            lines[number] = ""
        continued = lines[number].endswith("\\")
    return "\n".join(lines)


@dataclass
class _Reader:
    """A cursor over the text."""

    text: str
    at: int = 0
    line: int = 1
    begin: int = 0  # of the line
    waiting: list[tuple[str, bool]] = field(
        default_factory=list
    )  # ends of here-documents, and whether tabs go

    def commands(self) -> Iterator[CommandLine]:
        """Simple commands until the text ends."""
        words: list[Word] = []
        while True:
            self._blanks()
            if self.at >= len(self.text):
                break
            operator = _OPERATOR.match(self.text, self.at)
            redirect = _REDIRECT.match(self.text, self.at)
            if self.text[self.at] == "#":
                self._skip_line()
            elif redirect and not _PLACEHOLDER.match(self.text, self.at):
                self._redirect(redirect[0])
            elif operator:
                self._advance(operator.end())
                if operator[0] == "\n":
                    self._here_documents()
                if words:
                    yield CommandLine(tuple(words))
                    words = []
            else:
                words.append(self._word())
        if words:
            yield CommandLine(tuple(words))

    def _advance(self, end: int) -> None:
        """Move on; lines are counted."""
        breaks = self.text.count("\n", self.at, end)
        if breaks:
            self.line += breaks
            self.begin = self.text.rindex("\n", self.at, end) + 1
        self.at = end

    def _blanks(self) -> None:
        """Pass blanks and line continuations."""
        while self.at < len(self.text):
            if self.text[self.at] in _BLANK:
                self.at += 1
            elif self.text.startswith("\\\n", self.at):
                self._advance(self.at + 2)
            elif self.text.startswith("\\\r\n", self.at):
                self._advance(self.at + 3)
            else:
                return

    def _skip_line(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def _redirect(self, operator: str) -> None:
        self.at += len(operator)
        self._blanks()
        if self.at < len(self.text) and not _OPERATOR.match(self.text, self.at):
            target = self._word()
            if operator.endswith(("<<", "<<-")) and "<<<" not in operator:
                self.waiting.append((target.text, operator.endswith("-")))

    def _here_documents(self) -> None:
        """Pass the bodies of here-documents that begin on this line."""
        for end, tabs in self.waiting:
            while self.at < len(self.text):
                stop = self.text.find("\n", self.at)
                stop = len(self.text) if stop < 0 else stop
                line = self.text[self.at : stop]
                self._advance(min(stop + 1, len(self.text)))
                if (line.lstrip("\t") if tabs else line).rstrip("\r") == end:
                    break
        self.waiting = []

    def _word(self) -> Word:
        line, column = self.line, self.at - self.begin + 1
        parts: list[str] = []
        opaque = quoted = False
        while self.at < len(self.text):
            character = self.text[self.at]
            if character in " \t\r\n;&|()":
                break
            plain = _PLAIN.match(self.text, self.at)
            if plain:
                parts.append(plain[0])
                self.at = plain.end()
            elif character in "'\"":
                text, expands = self._quotes(character)
                parts.append(text)
                opaque, quoted = opaque or expands, True
            elif character == "\\":
                if self.text[self.at + 1 : self.at + 2] not in {"\n", ""}:
                    parts.append(self.text[self.at + 1])
                self._advance(min(self.at + 2, len(self.text)))
            elif character in "$`":
                opaque = True
                parts.append(self._expansion())
            elif character in "<>":
                placeholder = _PLACEHOLDER.match(self.text, self.at)
                if not placeholder:
                    break
                opaque = True
                parts.append(placeholder[0])
                self.at = placeholder.end()
            else:
                parts.append(character)
                self.at += 1
        return Word("".join(parts), line, column, opaque, quoted)

    def _quotes(self, quote: str) -> tuple[str, bool]:
        """Text in quotes, and whether something in it is expanded; an open quote ends with the text."""
        start = self.at + 1
        if quote == "'":
            end = self.text.find("'", start)
            end = len(self.text) if end < 0 else end
            self._advance(min(end + 1, len(self.text)))
            return self.text[start:end], False
        end, parts, expands = start, [], False
        while end < len(self.text) and self.text[end] != '"':
            if self.text[end] == "\\" and end + 1 < len(self.text):
                parts.append(
                    self.text[end + 1] if self.text[end + 1] in '$`"\\' else self.text[end : end + 2]
                )
                end += 2
                continue
            expands |= self.text[end] in "$`"
            parts.append(self.text[end])
            end += 1
        self._advance(min(end + 1, len(self.text)))
        return "".join(parts), expands

    def _expansion(self) -> str:
        """`$NAME`, `${...}`, `$(...)` or `` `...` `` as it is written."""
        start = self.at
        if self.text[start] == "`":
            end = self.text.find("`", start + 1)
            end = len(self.text) if end < 0 else end + 1
        elif self.text[start + 1 : start + 2] in {"(", "{"}:
            end = self._balanced(start + 1)
        else:
            name = re.compile(r"\$(?:\w+|[@*#?$!-])?").match(self.text, start)
            end = name.end() if name else start + 1
        self._advance(end)
        return self.text[start:end]

    def _balanced(self, start: int) -> int:
        """End of what the bracket at `start` opens; the end of the text where it is not closed."""
        opened, depth = self.text[start], 0
        closed = {"(": ")", "{": "}"}[opened]
        for match in re.compile(f"[{re.escape(opened + closed)}]").finditer(self.text, start):
            depth += 1 if match[0] == opened else -1
            if depth == 0:
                return match.end()
        return len(self.text)
