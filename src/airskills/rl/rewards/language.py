"""Rewards for the language of a text: sentiment, listed words, reading grade, closeness to a reference.

All work offline. They are proxies and are hacked as such: use them with a gate, next to a reward for the task.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from airskills.rl.errors import RewardColumnError, RewardParameterError
from airskills.rl.rewards.text import TextReward, column_of, load, text_of

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")  # noqa: RUF001 - the typographic apostrophe of real texts
SENTENCE_END = re.compile(r"[.!?]+(?=\s|$)")


@dataclass(frozen=True)
class Sentiment(TextReward):
    """Polarity from -1 (negative) to 1 (positive), times `sign`; `None` for a text without words.

    The default scorer is the VADER lexicon (Hutto and Gilbert 2014): English, made for short informal texts.

    Attributes:
        sign: -1 to ask for negative texts.
        scorer: another scorer, text to `[-1, 1]`, or NaN where it does not apply; a module-level function, so that
            the reward stays picklable.
    """

    sign: float = 1.0
    scorer: Callable[[str], float] | None = None
    __name__: ClassVar[str] = "sentiment"

    def score(self, text: str) -> float | None:
        """Polarity of one text."""
        if not WORD.search(text):
            return None
        polarity = self.sign * (self.scorer or _vader())(text)
        return None if math.isnan(polarity) else polarity


@cache
def _vader() -> Callable[[str], float]:
    module = load("vaderSentiment.vaderSentiment", "vaderSentiment", "Sentiment")
    polarity = module.SentimentIntensityAnalyzer().polarity_scores
    return lambda text: float(polarity(text)["compound"])


@dataclass(frozen=True)
class ToxicWords(TextReward):
    """`penalty` for each occurrence of a listed word or phrase, counted up to `at_most`.

    Whole words only ("ass" is not found in "class"), ignoring case. The list is yours: none is bundled.

    >>> ToxicWords(("darn", "heck no"), penalty=-0.5, at_most=2)(["Darn! DARN, heck no", "darned"])
    [-1.0, 0.0]
    """

    words: tuple[str, ...]
    penalty: float = -1.0
    at_most: int = 1
    __name__: ClassVar[str] = "toxic_words"

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "words", tuple(sorted({word.strip().casefold() for word in self.words} - {""}))
        )
        if not self.words:
            raise RewardParameterError("words must be one or more words or phrases")
        if self.at_most < 1:
            raise RewardParameterError(f"at_most is {self.at_most}; it must be 1 or more")

    @classmethod
    def from_file(cls, path: str | Path, *, penalty: float = -1.0, at_most: int = 1) -> ToxicWords:
        """Read one word or phrase per line; lines that begin with `#` are comments."""
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        return cls(tuple(line for line in lines if not line.startswith("#")), penalty, at_most)

    def score(self, text: str) -> float:
        """`penalty` times 0 to `at_most`."""
        folded = text.casefold()
        found = 0
        end_of_last = 0
        for _, start, stop in _automaton(self.words).find_matches_as_indexes(folded, overlapping=True):
            if start >= end_of_last and _is_whole(folded, start, stop):
                found, end_of_last = found + 1, stop
        return min(found, self.at_most) * self.penalty + 0.0


def _is_whole(text: str, start: int, stop: int) -> bool:
    before, after = text[start - 1 : start], text[stop : stop + 1]
    return not (before.isalnum() and text[start].isalnum()) and not (
        after.isalnum() and text[stop - 1].isalnum()
    )


@cache
def _automaton(words: tuple[str, ...]) -> Any:
    return load("ahocorasick_rs", "ahocorasick-rs", "ToxicWords").AhoCorasick(words)


@dataclass(frozen=True)
class Readability(TextReward):
    """0 at the Flesch-Kincaid grade `target`, falling linearly to -1 at `tolerance` grades away.

    Kincaid et al. 1975. `None` for a text without words. Syllables are counted by hyphenation patterns.

    Attributes:
        target: US school grade, about 5 for easy and 12 for hard texts.
        tolerance: grades.
        language: of the hyphenation dictionary; the formula itself is made for English.
    """

    target: float
    tolerance: float = 5.0
    language: str = "en_US"
    __name__: ClassVar[str] = "readability"

    def __post_init__(self) -> None:
        if self.tolerance <= 0:
            raise RewardParameterError(f"tolerance is {self.tolerance}; it must be positive")

    def score(self, text: str) -> float | None:
        """In `[-1, 0]`."""
        grade = reading_grade(text, self.language)
        return None if grade is None else 0.0 - min(abs(grade - self.target) / self.tolerance, 1.0)


def reading_grade(text: str, language: str = "en_US") -> float | None:
    """Flesch-Kincaid grade, 0.39 words/sentences + 11.8 syllables/words - 15.59; `None` without words."""
    words = WORD.findall(text)
    if not words:
        return None
    sentences = max(1, len(SENTENCE_END.findall(text.strip())))
    syllables = sum(len(_hyphens(language)(word)) + 1 for word in words)
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59


@cache
def _hyphens(language: str) -> Callable[[str], Sequence[int]]:
    pyphen = load("pyphen", "pyphen", "Readability")
    if language not in pyphen.LANGUAGES:
        raise RewardParameterError(
            f"language {language!r} has no hyphenation dictionary", help="Use one such as en_US"
        )
    positions: Callable[[str], Sequence[int]] = pyphen.Pyphen(lang=language).positions
    return positions


@dataclass(frozen=True)
class Similarity:
    """Closeness to a reference from 0 to 1: insertions and deletions over the length of both (rapidfuzz `ratio`).

    `None` where the reference is `None`. Not a measure of truth: a wrong number is one character from the right one.

    >>> Similarity()(["abcd", "x"], reference=["abcd", None])
    [1.0, None]
    """

    column: str = "reference"
    __name__: ClassVar[str] = "similarity"

    def __call__(self, completions: Any, **columns: Any) -> list[float | None]:
        """Score each completion against the same row of the column."""
        ratio = load("rapidfuzz.fuzz", "rapidfuzz", "Similarity").ratio
        references = column_of(columns, self.column, len(completions), "Similarity")
        for row, wanted in enumerate(references):
            if not isinstance(wanted, str | None):
                raise RewardColumnError(
                    f"{self.column}[{row}] is {wanted!r:.80}; Similarity compares text",
                    help="Make it a string",
                )
        pairs = zip(completions, references, strict=True)
        return [None if wanted is None else ratio(text_of(got), wanted) / 100 for got, wanted in pairs]
