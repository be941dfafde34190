"""How much a sentence sounds like an attack: a linear model over its words, for wordings that no pattern foresaw.

The weights stand in `data/weights.json` as plain words, fitted by `benchmarks/security_model.py`. A feature is a stem, two
neighboring stems, or either behind a negation; what a sentence weighs is the sum over its features, divided by the root of
their number. Only a sentence with enough of the telling words is weighed at all.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

_TOKEN = re.compile(
    r"(?P<url>https?://[^\s)>\"'`]+|[\w.+-]+@[\w-]+\.[\w.]+|\b(?:[\w-]{1,63}\.){1,5}(?:com|net|org|example|io|dev|me)\b(?:/\S*)?)"
    r"|(?P<path>(?:~|\$\w+)?/?[\w.-]*(?:/[\w.-]+)+|~/[\w.]*|(?<!\w)\.[a-z]\w+)"
    r"|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)?)|(?P<number>\d+)|(?P<stop>[.!?;:\u2014])"
)
_SECRET = re.compile(
    r"ssh|aws|env|netrc|kube|token|secret|cred|pass|key|gnupg|docker|claude|agents|memory|bashrc|zshrc|profile|cursor|gemini|git"
)
_NO = frozenset(
    [
        "not",
        "never",
        "no",
        "without",
        "cannot",
        "nor",
        "neither",
        "nothing",
        "nobody",
        "none",
        "avoid",
        "don't",
        "doesn't",
        "isn't",
        "won't",
        "can't",
        "aren't",
        "didn't",
        "shouldn't",
        "mustn't",
    ]
)
_ENDINGS = ("ingly", "edly", "ing", "ed", "ies", "es", "s", "ly")
STOP = "."
REACH = 6  # words that a negation reaches
TOGETHER = 0.5  # how much more than the limit two sentences must weigh, as they are a second chance to err
MAX_TEXT = 700  # characters of a sentence that are weighed
PREFIX = 5  # letters of a telling word that count
LEAST, BOTH = 4, 6  # such words that a sentence, and two together, must have to be weighed


@dataclass(frozen=True, slots=True)
class Weights:
    """A fitted model.

    Attributes:
        features: weight of each feature.
        telling: how words begin that attacks have more often than others; a text without `LEAST` of them is not weighed.
        bias: added to the sum.
        limit: a text that weighs more is reported.
    """

    features: Mapping[str, float]
    telling: frozenset[str]
    bias: float
    limit: float


@cache
def weights() -> Weights:
    """The weights of `data/weights.json`, which lists features under their weight times ten."""
    text = resources.files("airskills").joinpath("data", "weights.json").read_text(encoding="utf-8")
    row = json.loads(text)
    groups = row["features"].items()
    features = {name: int(weight) / 10 for weight, names in groups for name in names.split(" / ")}
    return Weights(features, frozenset(row["telling"].split()), row["bias"], row["limit"])


def stem(word: str) -> str:
    """The word without its English ending: `quietly`, `hides` and `hiding` become `quiet`, `hid` and `hid`."""
    word = word.removesuffix("'s")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsf":
        word = word[:-1]
    return word[:-1] if len(word) > 4 and word[-1] == "e" else word


@lru_cache(maxsize=1 << 15)
def _tokens(piece: str) -> tuple[str, ...]:
    """Stems and signs of what stands between two spaces; most pieces are met again and again."""
    found = []
    for match in _TOKEN.finditer(piece):
        kind, token = match.lastgroup, match[0]
        if kind == "stop":
            found.append(STOP)
        elif kind == "word":
            found.append(token if token in _NO else stem(token))
        elif kind == "path":
            found.append("<secret>" if _SECRET.search(token) else "<path>")
        else:
            found.append(f"<{kind}>")
    return tuple(found)


def stems(text: str) -> Iterator[str]:
    """Stems and signs of a text; behind a negation, up to the next stop, they begin with `!`."""
    refused = 0
    for piece in text[:MAX_TEXT].lower().replace("\u2019", "'").split():
        for token in _tokens(piece):
            if token == STOP:
                refused = 0
                continue
            yield f"!{token}" if refused else token
            if token in _NO:
                refused = REACH
            elif refused:
                refused -= 1


def features(found: Sequence[str]) -> set[str]:
    """Features of stems in their order."""
    return {*found, *[f"{first} {second}" for first, second in itertools.pairwise(found)]}


def telling(text: str, model: Weights) -> frozenset[str]:
    """The telling words that a text has, at a small part of the cost of weighing it."""
    return model.telling.intersection([word[:PREFIX] for word in text[:MAX_TEXT].lower().split()])


def weigh(found: Sequence[str], model: Weights) -> float:
    """What a text of these stems weighs."""
    named = features(found)
    known = model.features
    return model.bias + sum([known[name] for name in named if name in known]) / math.sqrt(max(1, len(named)))
