"""Text to search terms: the same for what is indexed and for what is asked.

Names of tools must survive: `vLLM`, `llama.cpp`, `4-bit`, `LoRA+`, `c++`, `max_seq_length`, `GRPOTrainer`. A compound
gives itself, joined, and its parts; words are stemmed (Snowball English) after that.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import Stemmer

_RAW = re.compile(r"[^\W_]+(?:[._'\u2019-][^\W_]+)*(?:\+\+|\+(?![\w+])|#(?!\w))?")
_SEPARATOR = re.compile(r"[._'\u2019-]")
_CAMEL = re.compile(r"(?<=[a-z]{3})(?=[A-Z][A-Za-z]{2})|(?<=[A-Z]{3})(?=[A-Z][a-z]{2})")
_SUFFIXES = {"++": "plusplus", "+": "plus", "#": "sharp"}
_STEMMER = Stemmer.Stemmer("english")


@cache
def data(name: str) -> Any:
    """A JSON file of the package's `data` folder."""
    return json.loads(Path(__file__).with_name("data").joinpath(f"{name}.json").read_text(encoding="utf-8"))


@cache
def stop_words() -> frozenset[str]:
    """Stems of words that say nothing about the subject of a request."""
    return frozenset(stem(word) for word in data("stop_words"))


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """The stem of a lower-case word; short words and words with digits stay as they are."""
    return str(_STEMMER.stemWord(word)) if len(word) > 3 and word.isalpha() and word.isascii() else word


def terms(text: str) -> list[str]:
    """Stems of every word of `text`, in order; a compound gives its joined form and its parts."""
    return [stem_ for _, stem_ in forms(text)]


def stems(text: str) -> frozenset[str]:
    """`terms` without order: a word that stands often is looked at once."""
    raws = set(_RAW.findall(unicodedata.normalize("NFKC", text)))
    return frozenset(stem_ for raw in raws for _, stem_ in _word_forms(raw))


def forms(text: str) -> Iterator[tuple[str, str]]:
    """(Form, stem) of every term of `text`, in order; the form is lower case and not stemmed."""
    for raw in _RAW.findall(unicodedata.normalize("NFKC", text)):
        yield from _word_forms(raw)


@lru_cache(maxsize=200_000)
def _word_forms(raw: str) -> tuple[tuple[str, str], ...]:
    suffix = next((word for mark, word in _SUFFIXES.items() if raw.endswith(mark)), "")
    core = raw.rstrip("+#")
    parts = [piece for part in _SEPARATOR.split(core) for piece in _CAMEL.split(part) if piece]
    lowered = [part.casefold() for part in parts]
    if (
        len(lowered) > 1
        and lowered[-1] in {"s", "t", "re", "ve", "ll", "d", "m"}
        and ("'" in core or "\u2019" in core)
    ):
        lowered.pop()
    found: dict[str, str] = {}
    for form in ("".join(lowered) + suffix, *(part for part in lowered if len(part) > 1)):
        found.setdefault(stem(form), form)
    return tuple((form, stem_) for stem_, form in found.items())


def edits(word: str) -> Iterator[str]:
    """Every string one insertion, deletion, substitution or swap away from `word`."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    for i in range(len(word) + 1):
        head, tail = word[:i], word[i:]
        if tail:
            yield head + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        for letter in letters:
            if tail:
                yield head + letter + tail[1:]
            yield head + letter + tail
