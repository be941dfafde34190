"""Sentences as sequences of concepts, and patterns over them: what is said, not in which words.

`ignore`, `disregard`, `forget` and `忽略` are one concept. A sentence becomes one character per word, and a pattern such as
`no ~2 tell ~3 user` a regular expression over such characters, so that a wording nobody thought of is found when its
concepts are there, and all languages of `data/concepts.json` share the patterns.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from airskills.rules.security_known import known
from airskills.rules.security_patterns import CREDENTIAL

GAP, COMMA, STOP = ".", ",", ";"
_FIRST = 0x100  # code point of the first set of concepts
_MARKUP = "\"'`*_()[]<>\u201c\u201d\u2018\u2019"
_TOKEN = re.compile(
    rf"(?P<url>https?://[^\s)>\"'`]+|\b[\w.+-]{{1,64}}@[\w-]{{1,63}}\.[\w.]+|\b\d{{1,3}}(?:\.\d{{1,3}}){{3}}\b|\b(?:[\w-]{{1,63}}\.){{1,5}}(?:com|net|org|example|xyz)\b(?![\w(]))|(?P<secret>(?<![\w/.])[~/$\w.{{}}-]*{CREDENTIAL})"
    r"|(?P<file>[\w.-]*\.(?:md|json|cursorrules|windsurfrules|clinerules)\b|\.git\b)"
    r"|(?P<word>[^\W_]+(?:['\u2019.-][^\W_]+)*)|(?P<comma>,)|(?P<stop>[;:\u2014\u2013|])",
    re.IGNORECASE,
)
_SIGNS = ("/", ".env", "@", ".com", ".net", ".org", ".example", ".xyz")  # of addresses and paths
_ARROW = re.compile("[-=]>|\u2192")
_ROUGH = re.compile(r"[a-z0-9]+(?:['\u2019.-][a-z0-9]+)*")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f]")
_SPACED = {"ru": re.compile("[\u0400-\u04ff]"), "ko": re.compile("[\uac00-\ud7a3]")}
_LOCAL = re.compile(r"(?:https?://)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0)\b", re.IGNORECASE)
_COMMON = {
    "en": "the a to of and in is for with it on if you this that not or be by as from at are",
    "de": "der die das und nicht den von zu ist mit dem ein eine auf alle sie",
    "fr": "les des et une vous dans pour le la de du que au sur ce ne est à toutes",
    "es": "los las el que en y para con de la del un una al por lo se sin todas",
    "pt": "os as que em e para com de da do um uma ao por se não todas",
    "it": "gli le il che in e per con di la del un una al non tutte",
    "nl": "de het een en van niet dat te voor met op zijn alle",
}
_ZERO = re.compile("[\u200b-\u200d\u2060-\u2064\ufeff\u00ad\U000e0000-\U000e007f\ufe00-\ufe0f]")
Token = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence as concepts.

    Attributes:
        marks: one character per word; its set of concepts is `Lexicon.masks[mark]`.
        mask: the concepts that occur, as bits.
        foreign: whether it is in another language than English, so that the order of words says less.
    """

    marks: str
    mask: int
    foreign: bool = False


class Lexicon:
    """Words of concepts, by language. One mark stands for one set of concepts."""

    def __init__(self, source: Mapping[str, Mapping[str, str]]) -> None:
        self.bits = {concept: 1 << number for number, concept in enumerate(["url", "credfile", *source])}
        self.masks = {GAP: 0, COMMA: 0, STOP: 0}
        self.common = {language: frozenset(words.split()) for language, words in _COMMON.items()}
        self._marks = {0: GAP}
        self._words: dict[str, dict[str, str]] = {}
        self._stems: dict[str, dict[str, str]] = {}
        self._phrases: dict[str, dict[str, list[tuple[tuple[str, ...], str]]]] = {}
        self._wide: dict[str, str] = {}
        for (language, word), mask in _masks(source, self.bits).items():
            self._enter(language, word, self.mark(mask))
        self._url = self.mark(self.bits["url"])
        self._credfile = self.mark(self.bits["secret"] | self.bits["credfile"])
        self._longest_stem = max(len(stem) for stems in self._stems.values() for stem in stems)
        english = self._words["en"]
        self._single_hints = {word: self.masks[mark] for word, mark in english.items()}
        self._single_hints |= {f"{word}'s": mask for word, mask in self._single_hints.items()}
        self._single_words = frozenset(self._single_hints)
        self._phrase_hints = self._hinted()
        self._phrase_words = frozenset(self._phrase_hints)
        self._paths = self.mask(("url", "credfile", "secret")) | self._single_hints["memory.md"]
        self._foreign = {
            word[:5]
            for table in (self._words, self._stems)
            for language, words in table.items()
            if language in self.common and language != "en"
            for word in words
            if len(word) > 3
        } - {word[:5] for word in self._words["en"]}
        others = (words for language, words in self.common.items() if language != "en")
        self._functional = frozenset().union(*others) - self.common["en"]
        self._segment = re.compile("|".join(sorted(map(re.escape, self._wide), key=len, reverse=True)))

    def mark(self, mask: int) -> str:
        """The mark of a set of concepts."""
        if mask not in self._marks:
            self._marks[mask] = chr(_FIRST + len(self._marks))
            self.masks[self._marks[mask]] = mask
        return self._marks[mask]

    def marks(self, concepts: Iterable[str]) -> str:
        """All marks that stand for any of these concepts."""
        wanted = self.mask(concepts)
        return "".join(mark for mark, mask in self.masks.items() if mask & wanted)

    def mask(self, concepts: Iterable[str]) -> int:
        """The bits of these concepts."""
        return sum({self.bits[concept] for concept in concepts})

    def _enter(self, language: str, word: str, mark: str) -> None:
        parts = tuple(word.replace("_", " ").split())
        if language in {"zh", "ja"}:
            self._wide[word] = mark
        elif len(parts) > 1:
            listed = self._phrases.setdefault(language, {}).setdefault(parts[0], [])
            listed.append((parts, mark))
            listed.sort(key=lambda entry: -len(entry[0]))
        elif word.endswith("*"):
            self._stems.setdefault(language, {})[word[:-1]] = mark
        else:
            self._words.setdefault(language, {})[word] = mark

    def _hinted(self) -> dict[str, list[tuple[str, int]]]:
        """English phrases with their concepts, under the longest word of each."""
        hints: dict[str, list[tuple[str, int]]] = {}
        for phrases in self._phrases["en"].values():
            for parts, mark in phrases:
                hints.setdefault(max(parts, key=len), []).append((f" {' '.join(parts)} ", self.masks[mark]))
        return hints

    def rough(self, text: str) -> int:
        """At least the concepts of an English sentence, as bits, at a small part of the cost of reading it."""
        mask = self._paths if any(sign in text for sign in _SIGNS) else 0
        listed = _ROUGH.findall(text.lower())
        for word in self._single_words.intersection(listed):
            mask |= self._single_hints[word]
        begun = self._phrase_words.intersection(listed)
        if begun:
            joined = f" {' '.join(listed)} "
            for word in begun:
                for phrase, concepts in self._phrase_hints[word]:
                    if phrase in joined:
                        mask |= concepts
        return mask

    def read(self, text: str) -> Said:
        """The concepts of a sentence."""
        tokens = list(_tokens(plain(text)))
        wide = not text.isascii() and _WIDE.search(text) is not None
        language = "wide" if wide else self._language(text, tokens)
        marks = "".join(self._english(tokens) if language == "en" else self._marked(tokens, language))
        mask = 0
        for mark in set(marks):
            mask |= self.masks[mark]
        return Said(marks, mask, language != "en")

    def _language(self, text: str, tokens: list[Token]) -> str:
        if not text.isascii():
            for language, letters in _SPACED.items():
                if letters.search(text):
                    return language
        if not self.foreign(text):
            return "en"
        words = [token for kind, token in tokens if kind == "word"]
        english = sum(word in self.common["en"] for word in words)
        if english * 6 > len(words):
            return "en"
        hits = {name: sum(self._speaks(word, name) for word in words) for name in self.common if name != "en"}
        best = max(hits, key=lambda name: hits[name])
        return best if hits[best] > max(1, english) else "en"

    def _speaks(self, word: str, language: str) -> bool:
        known = word in self.common[language] or word in self._words.get(language, {})
        return known or self._stem(word, language) != GAP

    def foreign(self, text: str) -> bool:
        """Whether a text in Latin letters may be in another language than English."""
        words = text.lower().replace("'", " ").split()
        english = self.common["en"]
        if len(english.intersection(words)) * 6 > len(words):  # nearly all sentences, at little cost
            return False
        if len(self._functional.intersection(words)) > 2:
            return True
        if self._foreign.isdisjoint([word[:5] for word in words]):
            return False
        if sum(word[:5] in self._foreign for word in words) < 2:
            return False
        return sum(word in english for word in words) * 6 <= len(words)

    def foreign_words(self, text: str) -> bool:
        """Whether a text has at least two words that another language in Latin letters may have."""
        words = text.lower().replace("'", " ").split()
        begun = [word for word in words if word[:5] in self._foreign]
        return len(begun) > 1 or len(self._functional.intersection(words)) > 1

    def _english(self, tokens: list[Token]) -> Iterator[str]:
        """As `_marked`, for the language of nearly all sentences."""
        words, phrases = self._words["en"], self._phrases["en"]
        past = 0
        for number, (kind, token) in enumerate(tokens):
            if number < past:
                continue
            if kind != "word":
                yield self._other(kind, token)
            elif token in phrases:
                length, mark = self._longest(tokens, number, "en")
                past = number + length
                yield mark
            else:
                yield words.get(token) or self._single(token, "en")

    def _marked(self, tokens: list[Token], language: str) -> Iterator[str]:
        number = 0
        while number < len(tokens):
            kind, token = tokens[number]
            if kind == "word":
                length, mark = self._longest(tokens, number, language)
                yield mark
                number += length
                continue
            yield self._other(kind, token)
            number += 1

    def _other(self, kind: str, token: str) -> str:
        if kind in {"comma", "stop"}:
            return COMMA if kind == "comma" else STOP
        if kind == "file":
            return self._words["en"].get(token.rpartition("/")[2], GAP)
        if kind == "url":
            return GAP if _LOCAL.match(token) or known().documents(token) else self._url
        return self._credfile

    def _longest(self, tokens: list[Token], number: int, language: str) -> tuple[int, str]:
        token = tokens[number][1]
        for name in ("en", language) if language != "en" else ("en",):
            phrases = self._phrases.get(name, {}).get(token)
            if phrases is None or number + 1 == len(tokens):
                continue
            second = tokens[number + 1][1]
            for parts, mark in phrases:
                if parts[1] == second and _words_at(tokens, number, len(parts)) == parts:
                    return len(parts), mark
        return 1, self._single(token, language)

    def _single(self, token: str, language: str) -> str:
        if language == "wide" and not token.isascii():
            return "".join(self._segments(token))
        english = self._words["en"]
        known = english.get(token) or english.get(token.removesuffix("'s"))
        if known or language == "en":
            return known or (english["not"] if token.endswith("n't") else GAP)
        return self._words.get(language, {}).get(token) or self._stem(token, language)

    def _stem(self, token: str, language: str) -> str:
        stems = self._stems.get(language, {})
        longest = min(len(token), self._longest_stem)
        return next((stems[token[:n]] for n in range(longest, 1, -1) if token[:n] in stems), GAP)

    def _segments(self, token: str) -> Iterator[str]:
        end = 0
        for match in self._segment.finditer(token):
            if match.start() > end:
                yield GAP
            yield self._wide[match[0]]
            end = match.end()


def _words_at(tokens: list[Token], number: int, length: int) -> tuple[str, ...]:
    return tuple([token for _, token in tokens[number : number + length]])


def _masks(source: Mapping[str, Mapping[str, str]], bits: Mapping[str, int]) -> dict[tuple[str, str], int]:
    """Concepts of each word of each language, as bits."""
    masks: dict[tuple[str, str], int] = {}
    for concept, languages in source.items():
        for language, words in languages.items():
            for word in words.split():
                masks[language, word] = masks.get((language, word), 0) | bits[concept]
    return masks


def _tokens(text: str) -> Iterator[Token]:
    """(kind, token) of a text; pieces of letters only, which are most, never meet the regular expression."""
    for piece in text.split():
        if piece.isalpha():
            yield "word", piece
            continue
        bare = piece.strip(_MARKUP)
        end = bare[-1:]
        if bare.isalpha() or (end in ",;:.!?" and bare[:-1].isalpha()):
            yield "word", bare.rstrip(",;:.!?")
            if end in ",;:.!?":
                yield "comma" if end == "," else "stop", end
            continue
        for match in _TOKEN.finditer(piece):
            yield str(match.lastgroup), match[0]
        if end and end in ".!?":
            yield "stop", end


def plain(text: str) -> str:
    """Text as a reader takes it: compatibility forms folded, nothing of no width, lower case, straight apostrophes."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _ZERO.sub("", text)).replace("\u2019", "'")
    return _ARROW.sub(" into ", text).lower().replace("yes/no", "either")


@cache
def lexicon() -> Lexicon:
    """The words of `data/concepts.json`."""
    source = resources.files("airskills").joinpath("data", "concepts.json").read_text(encoding="utf-8")
    return Lexicon(json.loads(source))
