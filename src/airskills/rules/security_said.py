"""What a sentence asks of the agent, as patterns over concepts, and the polarity that turns them off.

"Never send the key", "text that tells you to send the key" and "send the key" hold the same concepts; only the last one
is a claim.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from airskills.rules.security_concepts import COMMA, STOP, Said, lexicon
from airskills.rules.security_wording import Pattern, pattern, together

_QUOTED = re.compile(
    r"\"[^\"\n]{3,400}\"|\u201c[^\u201d\n]{3,400}\u201d|«[^»\n]{3,400}»|「[^」\n]{3,400}」|(?<!\w)'[^'\n]{8,400}'(?!\w)"
)
_OTHER_LETTERS = re.compile(
    "[\u0400-\u04ff\u200b-\u200d\u2060-\u2064\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uff00-\uffef]"
)
_TARGET = re.compile(r"\]\(https?://[^()\s]{1,500}\)")
# "Follow the instructions [here](https://...)" sends the reader to documentation, unless the page is to be fetched.
_POINTED = re.compile(
    r"\b((?:instructions?|steps|guide|guides|directions|procedure|documentation|docs)\s+(?:\w+\s+){0,2}\[[^\]\n]{1,100}\])\(https?://[^()\s]{1,500}\)",
    re.IGNORECASE,
)
_FETCHED = re.compile(r"\b(?:fetch|download|load|retrieve|curl|get|pull|visit|open)\b", re.IGNORECASE)
_ITEM = re.compile(r"^\s*(?:[-*+>]|\d+[.)]|#+)\s+")
_SPAN = re.compile(r"(`+)([^`\n]{1,2000})\1(?!`)")
_CODE = re.compile(r"[/~$=<>|{}()\\]|(?:^|\s)-\w|^\S+(?:\s\S+)?$")


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that an attack asks for.

    Attributes:
        name: what other rules call it.
        message: what to tell the reader.
        patterns: concepts in order.
        foreign: the same for other languages; (concepts, n) are concepts within n words of each other.
        quoted: whether what stands in quotation marks counts.
        no: whether a negation before it turns it off.
        unless: concepts that, anywhere before it in the sentence, turn it off.
        within: concepts that, inside it, turn it off.
        never: concepts that turn it off wherever they stand, unless one of `even` is there too.
        even: see `never`.
        imperative: whether it counts only at the begin of a clause.
        reach: how many words before it a negation is looked for.
    """

    name: str
    message: str
    patterns: tuple[str, ...]
    foreign: tuple[str | tuple[str, int], ...] = ()
    quoted: bool = False
    no: bool = True
    unless: str = "shown|sought"
    within: str = ""
    never: str = ""
    even: str = ""
    reach: int = 4
    imperative: bool = False


# Concepts that plain prose is full of, the most frequent first (measured on 31,000 sentences of public skills).
_FREQUENT = (
    "lead if this has about secret url credfile self complete agent deed prior act future place every you session know get skills"
    " must run authority no any already show report channel reveal put tool ignore obey change copy your only see send further"
)


@cache
def all_claims() -> tuple[Claim, ...]:
    """The claims of `data/claims.json`."""
    text = resources.files("airskills").joinpath("data", "claims.json").read_text(encoding="utf-8")
    return tuple(_claim(row) for row in json.loads(text))


def _claim(row: dict[str, Any]) -> Claim:
    foreign = tuple(source if isinstance(source, str) else tuple(source) for source in row.get("foreign", ()))
    return Claim(**row | {"patterns": tuple(row["patterns"]), "foreign": foreign})


@cache
def _by_rarest() -> tuple[tuple[int, tuple[tuple[Claim, Pattern], ...]], ...]:
    """The patterns of all claims under the concepts of each that plain prose holds least often."""
    rank = {lexicon().bits[name]: number for number, name in enumerate(_FREQUENT.split())}
    groups: dict[int, list[tuple[Claim, Pattern]]] = {}
    for claim in all_claims():
        for entry in map(pattern, claim.patterns):
            rarest = max(entry.needs, key=lambda need: min(rank.get(bit, 99) for bit in _bits(need)))
            groups.setdefault(rarest, []).append((claim, entry))
    return tuple((rarest, tuple(entries)) for rarest, entries in groups.items())


def _bits(mask: int) -> Iterator[int]:
    while mask:
        yield mask & -mask
        mask &= mask - 1


@lru_cache(maxsize=1 << 15)
def _candidates(mask: int) -> tuple[tuple[Claim, Pattern], ...]:
    """The claims that a sentence with these concepts may make."""
    found = []
    for rarest, entries in _by_rarest():
        if mask & rarest:
            found += [entry for entry in entries if entry[1].possible(mask)]
    return tuple(found)


@cache
def _foreign() -> tuple[tuple[Claim, Pattern], ...]:
    return tuple(
        (claim, pattern(source) if isinstance(source, str) else together(*source))
        for claim in all_claims()
        for source in claim.foreign
    )


def claims(text: str, *, quoted: bool = False) -> list[Claim]:
    """What a sentence asks for; `quoted` counts what stands in quotation marks for every claim."""
    words = lexicon()
    if _silent(text) and not words.foreign(text):
        return []
    bare = spoken(text)
    outside = words.read(_QUOTED.sub(" ", bare))
    first = _QUOTED.search(bare)
    inside = words.read(bare) if first else outside
    begins = len(words.read(bare[: first.start()]).marks) if first and not quoted else len(inside.marks)
    found: dict[Claim, None] = {}
    for said in dict.fromkeys((outside, inside)):
        for claim, entry in _candidates(said.mask) + (_foreign() if said.foreign else ()):
            right = said is (inside if quoted or claim.quoted else outside)
            if (
                right
                and claim not in found
                and _makes(claim, entry, said, begins if said is inside else len(said.marks))
            ):
                found[claim] = None
    return list(found)


def _silent(text: str) -> bool:
    """Whether a text in English claims nothing, as far as its words alone show."""
    latin = text.isascii() or not _OTHER_LETTERS.search(text)
    return latin and not _candidates(lexicon().rough(text))


def harmless(text: str) -> bool:
    """Whether no sentence of a text, in whatever language, can claim anything; most texts are so at little cost."""
    return _silent(text) and not lexicon().foreign_words(text)


def spoken(text: str) -> str:
    """The sentence without the mark of a list, and without code spans that hold words rather than code."""
    text = _ITEM.sub("", text, count=1)
    if text.count("](http") > 1:  # many links are references; one may be an order to go there
        text = _TARGET.sub("]", text)
    if "](http" in text and not _FETCHED.search(text):
        text = _POINTED.sub(r"\1", text)
    if "`" not in text:
        return text
    return _SPAN.sub(_span, text)


def _span(match: re.Match[str]) -> str:
    """What a code span says in its sentence: of a command with options, which the flow of data judges, its addresses."""
    code = match[2]
    if re.search(r"\s--?\w", code):
        return " ".join(re.findall(r"https?://[^\s\"'`]+", code)) or " "
    return code if _CODE.search(code) else " "


def _makes(claim: Claim, entry: Pattern, said: Said, begins: int) -> bool:
    """Whether the pattern is there, begins before this word, and nothing before it turns the claim off."""
    if claim.never and said.mask & _mask(claim.never) and not said.mask & _mask(claim.even):
        return False
    refused = _marks("no") if claim.no and not entry.negative else frozenset()
    refused |= _marks(claim.within) if claim.within else frozenset()
    for match in entry.marks.finditer(said.marks):
        at = match.start()
        asked = at <= begins and (not claim.imperative or _starts(said, at))
        if asked and refused.isdisjoint(match[0]) and not _turned_off(claim, said, at):
            return True
    return False


def _starts(said: Said, at: int) -> bool:
    """Whether a clause begins at this word."""
    before = said.marks[:at][-1:]
    return not before or before in {COMMA, STOP} or before in _marks("lead2")


def _turned_off(claim: Claim, said: Said, start: int) -> bool:
    before = said.marks[:start]
    if claim.unless and not _marks(claim.unless).isdisjoint(before):
        return True
    clause = before[before.rfind(STOP) + 1 :][-(3 if said.foreign else claim.reach) :]
    return claim.no and not _marks("no").isdisjoint(clause)


@cache
def _mask(concepts: str) -> int:
    return lexicon().mask(concepts.split("|")) if concepts else 0


@cache
def _marks(concepts: str) -> frozenset[str]:
    return frozenset(lexicon().marks(concepts.split("|")))
