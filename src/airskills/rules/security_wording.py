"""Patterns over concepts: which concepts stand in which order, how far apart, compiled to expressions over marks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from airskills.rules.security_concepts import Said, lexicon

_GAPS = {"~": "[^,;]", "-": "[^;]", "+": "[\\s\\S]", "*": ""}
_ENDS = {"^": "^", "$": "(?=[,;]|$)"}


@dataclass(frozen=True, slots=True)
class Pattern:
    """Concepts in an order, compiled.

    Attributes:
        needs: for each element, the bits of which a sentence must have one.
        expression: the regular expression over marks, as text.
        negative: whether a negation is part of it.
    """

    needs: tuple[int, ...]
    expression: str
    negative: bool = False

    @property
    def marks(self) -> re.Pattern[str]:
        """The regular expression over marks; most are never asked for, and compiling all takes half a second."""
        return _compiled(self.expression)

    def possible(self, mask: int) -> bool:
        """Whether a sentence with these concepts can have it."""
        # A loop, as `all` costs three times as much in what is the busiest place of all rules.
        for need in self.needs:  # noqa: SIM110
            if not mask & need:
                return False
        return True

    def search(self, said: Said) -> re.Match[str] | None:
        """Where the sentence has it."""
        return self.marks.search(said.marks) if self.possible(said.mask) else None


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.DOTALL)


@cache
def pattern(source: str) -> Pattern:
    """Compile `no ~2 tell ~3 user|report`: concepts or alternatives, with at most so many words between.

    `~N` crosses no comma, `*N` no comma and no `into`, `-N` crosses commas only, `+N` everything, `^` is the start of the sentence, `$` the end
    of a clause, and a concept in parentheses may be missing.
    """
    words = lexicon()
    needs: list[int] = []
    parts: list[str] = []
    for element in source.split():
        if element in _ENDS:
            parts.append(_ENDS[element])
        elif element[0] in _GAPS:
            gap = f"[^,;{words.marks(['into'])}]" if element[0] == "*" else _GAPS[element[0]]
            parts.append(f"{gap}{{0,{element[1:]}}}?")
        else:
            names = element.strip("()").split("|")
            optional = element.startswith("(")
            parts.append(f"[{words.marks(names)}]{'?' if optional else ''}")
            needs += [] if optional else [words.mask(names)]
    negative = re.search(r"\b(?:no|dont|without|nobody|none)\b", source) is not None
    return Pattern(tuple(needs), "".join(parts), negative)


@cache
def together(source: str, span: int) -> Pattern:
    """Compile concepts that stand within `span` words of each other in any order, for languages of another order."""
    words = lexicon()
    groups = [element.split("|") for element in source.split()]
    ahead = "".join(f"(?=.{{0,{span}}}[{words.marks(names)}])" for names in groups)
    anywhere = words.marks([name for names in groups for name in names])
    needs = tuple(words.mask(names) for names in groups)
    return Pattern(needs, f"(?=[{anywhere}]){ahead}", negative=True)
