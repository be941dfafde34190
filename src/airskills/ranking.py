"""How well a skill answers a request: evidence per term, summed, and turned into a calibrated probability.

Each term of the request is worth its rarity in the library (inverse document frequency) times the best field of the
skill that holds it, itself or by a synonym of the field. The sum orders the skills. Whether the best one is good
enough to be shown is decided by a logistic function of few features, whose coefficients were fitted on labelled
requests (`benchmarks/search_quality.py --fit`) and are kept in `data/ranking.json`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from airskills.terms import data, forms, stop_words, terms

FIELDS = ("name", "description", "tags", "requests", "headings", "body")
Stems = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a request.

    Attributes:
        stem: the term.
        weight: its rarity, 0 (in every skill) to 1 (in none).
        synonyms: other ways to say it, each a tuple of stems that must all be there.
        known: whether the term belongs to the field's vocabulary at all.
        guessed: whether it stands for a misspelt word.
    """

    stem: str
    weight: float
    synonyms: tuple[Stems, ...] = ()
    known: bool = False
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for one skill.

    Attributes:
        score: sum over terms of weight times field weight.
        best: for each matched stem, the field it was found in.
        features: input of the calibration, in the order of `FEATURES`.
    """

    score: float
    best: Mapping[str, str]
    features: tuple[float, ...]


FEATURES = ("score", "coverage", "strong", "named", "coined", "known", "length", "size")


@cache
def _synonyms() -> tuple[dict[Stems, frozenset[Stems]], int]:
    """For each phrase, the other phrases of its groups; and the length of the longest phrase."""
    table: dict[Stems, set[Stems]] = {}
    for group in data("synonyms"):
        phrases = [tuple(terms(phrase)) for phrase in group]
        for phrase in phrases:
            table.setdefault(phrase, set()).update(other for other in phrases if other != phrase)
    return {key: frozenset(value) for key, value in table.items()}, max(map(len, table))


@cache
def vocabulary() -> frozenset[str]:
    """Stems of the field's terms, from the synonym data."""
    return frozenset(stem for phrase in _synonyms()[0] for stem in phrase) - stop_words()


@cache
def vocabulary_forms() -> frozenset[str]:
    """The same terms as words, for misspelt ones."""
    phrases = (phrase for group in data("synonyms") for phrase in group)
    return frozenset(form for phrase in phrases for form, stem in forms(phrase) if stem in vocabulary())


def reread() -> None:
    """Derive everything from the data files anew, after `terms.data` was changed: for fits."""
    for cached in (_synonyms, vocabulary, vocabulary_forms, _words):
        cached.cache_clear()


def read_request(text: str, document_frequency: Callable[[str], int], total: int) -> list[Term]:
    """The terms of a request, each once, in order, stop words left out.

    Args:
        text: the request.
        document_frequency: number of skills that hold a stem.
        total: number of skills.
    """
    stems = terms(text)
    synonyms = _phrase_synonyms(stems)
    unique = [
        stem for stem in dict.fromkeys(stems) if stem not in stop_words() and (len(stem) > 1 or stem in "cr")
    ]
    return [
        Term(
            stem,
            rarity(document_frequency(stem), total),
            tuple(sorted(synonyms.get(stem, ()))),
            stem in vocabulary(),
        )
        for stem in unique
    ]


def rarity(frequency: int, total: int) -> float:
    """Inverse document frequency, scaled to 0..1; a floor keeps common terms of small libraries alive."""
    top = math.log((total + 1) / 0.5)
    return max(0.1, math.log((total + 1) / (frequency + 0.5)) / top)


def _phrase_synonyms(stems: Sequence[str]) -> dict[str, set[Stems]]:
    table, longest = _synonyms()
    found: dict[str, set[Stems]] = {}
    for start in range(len(stems)):
        for size in range(1, longest + 1):
            phrase = tuple(stems[start : start + size])
            for stem in phrase if phrase in table else ():
                found.setdefault(stem, set()).update(table[phrase])
    return found


class Field(Protocol):
    """The stems of one field of a skill: a frozenset, or anything else that knows whether it holds some."""

    def issuperset(self, stems: Stems, /) -> bool:
        """Whether all of `stems` are in the field."""


def weigh(request: Iterable[Term], fields: Mapping[str, Field], size: int = 1) -> Evidence:
    """Collect what speaks for a skill with these stems in its fields.

    Args:
        request: what was asked.
        fields: the stems of each field of the skill.
        size: number of skills; among many, one is more likely to match by chance.
    """
    weights = data("ranking")["fields"]
    order = sorted(((weights[name], name) for name in FIELDS), reverse=True)
    places = [(weight, name, fields[name].issuperset) for weight, name in order]
    discount = data("ranking")["synonym"]
    best: dict[str, str] = {}
    score = total = strong = named = coined = known = 0.0
    count = 0
    for term in request:
        count += 1
        total += term.weight
        known += term.known
        value, field = _best_field(((term.stem,),), places)
        if term.synonyms:
            other, other_field = _best_field(term.synonyms, places)
            if other * discount > value:
                value, field = other * discount, other_field
        if not field:
            continue
        if _is_doubtful(term):
            value *= discount
        elif field == "name" and term.weight > weights["rare"]:
            value += weights["bonus"]
        best[term.stem] = field
        score += term.weight * value
        strong += value >= weights["headings"] * discount
        named = max(named, term.weight * (field == "name"))
        coined = max(coined, is_coined(term.stem, field) * (0.5 if _is_doubtful(term) else 1.0))
    coverage = score / total if total else 0.0
    features = (
        score,
        coverage,
        strong,
        named,
        coined,
        known / count if count else 0.0,
        math.log1p(count),
        math.log(max(size, 1)),
    )
    return Evidence(score, best, features)


def _is_doubtful(term: Term) -> bool:
    """A short name is one edit away from everyday words too: `pest` need not mean `peft`."""
    return term.guessed and len(term.stem) < 6


def is_coined(stem: str, field: str) -> float:
    """How surely a matched term is a term of the field and no everyday word: `faiss` is, `whisper` is not."""
    if field == "name" and stem not in _words("plain_names"):
        return 1.0
    return 0.5 * (
        stem in _words("jargon") and field in {"name", "tags", "description", "requests", "headings"}
    )


@cache
def _words(kind: str) -> frozenset[str]:
    return frozenset(stem for word in data("words")[kind] for stem in terms(word))


def _best_field(
    phrases: Sequence[Stems], places: Iterable[tuple[float, str, Callable[[Stems], bool]]]
) -> tuple[float, str]:
    """Of (weight, field, whether it holds all of some stems), best first, the first that holds one of the phrases."""
    for weight, name, holds in places:
        if any(map(holds, phrases)):
            return weight, name
    return 0.0, ""


def probability(features: Sequence[float]) -> float:
    """Calibrated probability that the best skill really answers the request."""
    fitted = data("ranking")["calibration"]
    logit = fitted["intercept"] + sum(c * f for c, f in zip(fitted["coefficients"], features, strict=True))
    return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, logit))))
