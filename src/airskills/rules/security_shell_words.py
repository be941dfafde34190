"""A shell line taken apart: pipelines of simple commands with their words, redirections and substitutions.

A small part of the POSIX grammar, enough to see where data flows. Never fails: what it cannot read stays one word. Linear
in the text, as substitutions are entered at most `MAX_DEPTH` deep.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_DEPTH = 6
MARK = "\x00"  # in a word: MARK, the number of the substitution, MARK
_OPERATORS = re.compile(r"&&|\|\||\|&|[;|&\n()]|(?:(?<=\s)\d)?(?:>>|>&|<<<|<<-?|[<>](?![(]))")
_PLAIN = re.compile(r"[^\s\\'\"`$&|;()<>\n]+")


@dataclass(slots=True)
class Simple:
    """One command: its words without quotes, where output and input go, and what stands in `$(...)` and `<(...)`."""

    words: list[str] = field(default_factory=list)
    redirects: list[tuple[str, str]] = field(default_factory=list)
    substitutions: list[list[list[Simple]]] = field(default_factory=list)


def parse(text: str, depth: int = 0) -> list[list[Simple]]:
    """Pipelines of a text, in order; each is a list of commands that pass data on."""
    return _Parser(text, depth).pipelines()


class _Parser:
    def __init__(self, text: str, depth: int) -> None:
        self.text, self.depth = text, depth
        self.at = 0

    def pipelines(self) -> list[list[Simple]]:
        """Read to the end."""
        found: list[list[Simple]] = [[Simple()]]
        redirect = ""
        while self.at < len(self.text):
            if self.text[self.at] in " \t":
                self.at += 1
                continue
            operator = _OPERATORS.match(self.text, self.at)
            if operator:
                self.at = operator.end()
                redirect = self._operate(operator[0], found)
                continue
            current = found[-1][-1]
            word = self._word(current)
            if redirect:
                current.redirects.append((redirect, word))
                redirect = ""
            else:
                current.words.append(word)
        return [
            commands for pipeline in found if (commands := [c for c in pipeline if c.words or c.redirects])
        ]

    @staticmethod
    def _operate(sign: str, found: list[list[Simple]]) -> str:
        """Begin what the operator begins; returns it when it redirects."""
        if sign.lstrip("0123456789")[:1] in {"<", ">"}:
            return sign
        if sign in {"|", "|&"}:
            found[-1].append(Simple())
        elif sign not in "()":
            found.append([Simple()])
        return ""

    def _word(self, current: Simple) -> str:
        parts: list[str] = []
        start = self.at
        while self.at == start or not self._ends():
            plain = _PLAIN.match(self.text, self.at)
            if plain:
                parts.append(plain[0])
                self.at = plain.end()
                continue
            parts.append(self._special(current))
        return "".join(parts)

    def _ends(self) -> bool:
        if self.at >= len(self.text) or self.text[self.at] in " \t\n;|&()":
            return True
        return self.text[self.at] in "<>" and self.text[self.at + 1 : self.at + 2] != "("

    def _special(self, current: Simple) -> str:
        text, at = self.text, self.at
        char = text[at]
        if char == "\\":
            self.at += 2
            return text[at + 1 : at + 2]
        if char == "'":
            return self._until("'")
        if char == '"':
            return self._quoted(current)
        if char == "`":
            return self._substitute(current, self._until("`"))
        if text.startswith(("$(", "<(", ">("), at):
            return self._substitute(current, self._inside(at + 2))
        self.at += 1
        return char

    def _until(self, sign: str) -> str:
        end = self.text.find(sign, self.at + 1)
        end = len(self.text) if end < 0 else end
        inside = self.text[self.at + 1 : end]
        self.at = end + 1
        return inside

    def _quoted(self, current: Simple) -> str:
        parts: list[str] = []
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != '"':
            char = self.text[self.at]
            if char == "\\":
                parts.append(self.text[self.at + 1 : self.at + 2])
                self.at += 2
            elif self.text.startswith("$(", self.at) or char == "`":
                parts.append(self._special(current))
            else:
                parts.append(char)
                self.at += 1
        self.at += 1
        return "".join(parts)

    def _inside(self, start: int) -> str:
        """Text up to the bracket that closes; quotes inside are skipped."""
        level, at, quote = 1, start, ""
        while at < len(self.text):
            char = self.text[at]
            if char == "\\":
                at += 1
            elif quote:
                quote = "" if char == quote else quote
            elif char in "'\"":
                quote = char
            elif char in "()":
                level += 1 if char == "(" else -1
                if level == 0:
                    break
            at += 1
        self.at = at + 1
        return self.text[start:at]

    def _substitute(self, current: Simple, inside: str) -> str:
        if self.depth >= MAX_DEPTH:
            return inside
        current.substitutions.append(parse(inside, self.depth + 1))
        return f"{MARK}{len(current.substitutions) - 1}{MARK}"


def numbers(word: str) -> Iterator[int]:
    """The substitutions that a word holds."""
    for part in word.split(MARK)[1::2]:
        yield int(part) if part.isdigit() else 0
