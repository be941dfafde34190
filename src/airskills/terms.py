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
from importlib.resources import files
from typing import Any

import snowballstemmer

_RAW = re.compile(r"[^\W_]+(?:[._'\u2019-][^\W_]+)*(?:\+{1,2}|#)?(?![^\W_])")
_SEPARATOR = re.compile(r"[._'\u2019-]")
_CAMEL = re.compile(r"(?<=[a-z]{3})(?=[A-Z][A-Za-z]{2})|(?<=[A-Z]{3})(?=[A-Z][a-z]{2})")
_SUFFIXES = {"++": "plusplus", "+": "plus", "#": "sharp"}
_STEMMER = snowballstemmer.stemmer("english")


@cache
def data(name: str) -> Any:
    """A JSON file of the package's `data` folder."""
    return json.loads(files("airskills").joinpath(f"data/{name}.json").read_text(encoding="utf-8"))


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
    found: list[str] = []
    for raw in _RAW.findall(unicodedata.normalize("NFKC", text)):
        found += _word_terms(raw)
    return found


@lru_cache(maxsize=200_000)
def _word_terms(raw: str) -> tuple[str, ...]:
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
    joined = "".join(lowered) + suffix
    out = [stem(joined)]
    if len(lowered) > 1 or suffix:
        out += [stem(part) for part in lowered if len(part) > 1]
    return tuple(dict.fromkeys(out))


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
