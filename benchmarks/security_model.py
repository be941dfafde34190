"""Fit the weights of AS729: how much a sentence sounds like an attack.

Learns from the attacks, twins and look-alikes of `data/security`, and from the sentences of public skills, all taken as
harmless. Whether that helps with the words of a stranger is asked by leaving out one writer after the other. The limit is
what of `QUIET` sentences of public skills that were not learned from one exceeds.

    python benchmarks/security_model.py --learn DIR [DIR ...] --judge DIR [DIR ...] --json OUT   # figures
    python benchmarks/security_model.py --learn DIR [DIR ...] --judge DIR [DIR ...] --write      # weights of the package too
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

import airskills
from airskills.folder import Folder, folder_from, open_folder
from airskills.rules.security_scene import scene
from airskills.rules.security_weighed import PREFIX, TOGETHER, features, stems
from measured import conditions, print_table, write
from security_corpus import Case, benign, malicious, twins

WEIGHTS = Path(airskills.__file__).parent / "data" / "weights.json"
SIDES = ("attack", "twin", "benign")
WRITERS = ("ninth", "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth")
QUIET = 25_000  # sentences of public skills of which one may exceed the limit
FIRST, HARD = 60_000, 4_000  # public sentences learned from at first, and those that then weigh most
KEPT = 8_000  # features in the file
TELLING = 1.0  # weight above which a word is a telling one
SHORT = 4  # letters that a telling word has at least
STRENGTH = 10.0  # inverse of the penalty
ATTACK, PART, HARMLESS = (
    10.0,
    3.0,
    5.0,
)  # how much an attack, one sentence of several and a harmless sentence count


@dataclass
class Rows:
    """A growing sparse matrix; a row is a text's features over the root of their number."""

    columns: dict[str, int]

    def __post_init__(self) -> None:
        self._indices: list[int] = []
        self._values: list[float] = []
        self._ends = [0]

    def add(self, found: Sequence[str]) -> None:
        """Append the text of these stems."""
        named = features(found)
        known = [self.columns.setdefault(name, len(self.columns)) for name in sorted(named)]
        self._indices += known
        self._values += [max(1, len(named)) ** -0.5] * len(known)
        self._ends.append(len(self._indices))

    def matrix(self) -> Any:
        """All rows."""
        shape = (len(self._ends) - 1, len(self.columns))
        return sparse.csr_matrix((self._values, self._indices, self._ends), shape=shape)


@dataclass(frozen=True)
class Text:
    """A skill of the corpus: its set, `attack`, `twin` or `benign`, the stems of what is said, and whether rules accuse it."""

    set: str
    side: str
    said: tuple[tuple[str, ...], ...]


def sentences(folder: Folder) -> list[str]:
    """Running text that is meant."""
    made = scene(folder)
    return [sentence.text for sentence in made.sentences if not sentence.shown and " " in sentence.text]


def corpus() -> list[Text]:
    """All skills of the corpus; of attacks only what their twins do not say."""
    found = []
    for attack, twin in zip(malicious(), twins(), strict=True):
        harmless = _said(twin)
        found.append(_text(attack, "attack", [said for said in _said(attack) if said not in set(harmless)]))
        found.append(_text(twin, "twin", harmless))
    return found + [_text(case, "benign", _said(case)) for case in benign()]


def _said(case: Case) -> list[str]:
    return sentences(folder_from("demo", case.files))


def _text(case: Case, side: str, said: Iterable[str]) -> Text:
    return Text(case.set, side, tuple(tuple(stems(text)) for text in said))


def public(roots: Sequence[Path]) -> list[tuple[str, ...]]:
    """Stems of each sentence in the skills below these folders, once each, in a fixed disorder."""
    paths = sorted(path.parent for root in roots for path in root.rglob("SKILL.md"))
    texts = sorted({text for path in paths for text in sentences(open_folder(str(path)))})
    random.Random(0).shuffle(texts)
    return [tuple(stems(text)) for text in texts]


@dataclass
class Model:
    """A fitted regression over the features of `columns`."""

    columns: dict[str, int]
    weights: Any
    bias: float

    def weigh(self, texts: Sequence[Sequence[str]]) -> Any:
        """What each text weighs."""
        weights = {name: self.weights[column] for name, column in self.columns.items()}
        sums = []
        for found in texts:
            named = features(found)
            total = sum([weights[name] for name in named if name in weights])
            sums.append(self.bias + total / max(1, len(named)) ** 0.5)
        return np.array(sums)


def fit(texts: Sequence[Text], harmless: Sequence[tuple[str, ...]]) -> Model:
    """Learn from the corpus and public sentences, twice: the second time with the public sentences that weighed most."""
    first = _fit(texts, harmless[:FIRST])
    rest = harmless[FIRST:]
    hardest = np.argsort(-first.weigh(rest))[:HARD]
    return _pruned(_fit(texts, [*harmless[:FIRST], *[rest[number] for number in hardest]]))


def _fit(texts: Sequence[Text], harmless: Sequence[tuple[str, ...]]) -> Model:
    rows, labels, shares = Rows({}), [], []

    def add(found: Sequence[str], label: int, share: float) -> None:
        rows.add(found)
        labels.append(label)
        shares.append(share)

    for text in texts:
        if text.side != "attack":
            for said in text.said:
                add(said, 0, HARMLESS)
        elif text.said:
            add([stem for said in text.said for stem in said], 1, ATTACK)
            for said in text.said if len(text.said) > 1 else ():
                add(said, 1, PART)
    for said in harmless:
        add(said, 0, 1.0)
    fitted = LogisticRegression(C=STRENGTH, solver="liblinear", max_iter=200, tol=1e-3, random_state=0)
    fitted.fit(rows.matrix(), labels, sample_weight=shares)
    return Model(rows.columns, fitted.coef_[0], float(fitted.intercept_[0]))


def _pruned(model: Model) -> Model:
    """The features that weigh most, rounded as the file has them."""
    heaviest = sorted(model.columns, key=lambda name: (-abs(model.weights[model.columns[name]]), name))[:KEPT]
    weights = np.array([round(model.weights[model.columns[name]], 1) for name in heaviest])
    return Model({name: number for number, name in enumerate(heaviest)}, weights, model.bias)


def limit(model: Model, judged: Sequence[tuple[str, ...]]) -> float:
    """What one of `QUIET` public sentences exceeds."""
    return float(np.sort(model.weigh(judged))[-(len(judged) // QUIET + 1)])


def left_out(
    texts: Sequence[Text], writers: Sequence[str], learned: Sequence[Any], judged: Sequence[Any]
) -> dict[str, Any]:
    """What a model that never saw a writer says of that writer's skills."""
    result = {}
    for writer in writers:
        model = fit([text for text in texts if text.set != writer], learned)
        bar = limit(model, judged)
        result[writer] = _counted(model, bar, [text for text in texts if text.set == writer])
    return result


def _counted(model: Model, bar: float, texts: Sequence[Text]) -> dict[str, Any]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        pairs = [[*first, *second] for first, second in itertools.pairwise(text.said)]
        counts[text.side]["of"] += 1
        alone = bool((model.weigh(text.said) > bar).any())
        counts[text.side]["count"] += alone or bool((model.weigh(pairs) > bar + TOGETHER).any())
    return {"limit": round(bar, 2), **{side: dict(count) for side, count in counts.items()}}


def package(model: Model, bar: float) -> str:
    """The file of weights: features under their weight times ten, and the beginnings of the telling words."""
    by_weight: dict[str, list[str]] = {}
    for name, column in model.columns.items():
        by_weight.setdefault(str(round(model.weights[column] * 10)), []).append(name)
    groups = {weight: " / ".join(sorted(by_weight[weight])) for weight in sorted(by_weight, key=int)}
    telling = sorted(
        {
            name[:PREFIX]
            for name, column in model.columns.items()
            if name.isalpha() and len(name) >= SHORT and model.weights[column] > TELLING
        }
    )
    row = {
        "bias": round(model.bias, 3),
        "limit": round(bar, 2),
        "telling": " ".join(telling),
        "features": groups,
    }
    return json.dumps(row, indent=0, ensure_ascii=False) + "\n"


def main() -> int:
    """Fit, say what a model without each writer hears of that writer, and write the weights."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--learn", type=Path, nargs="+", required=True, help="folders of skills to learn from"
    )
    parser.add_argument("--judge", type=Path, nargs="+", required=True, help="folders that set the limit")
    parser.add_argument("--write", action="store_true", help="write the weights of the package")
    parser.add_argument(
        "--writers", nargs="*", default=WRITERS, help="writers to leave out, one after the other"
    )
    parser.add_argument("--json", metavar="OUT", help="write the figures to this file")
    options = parser.parse_args()
    texts = [text for text in corpus() if text.set != "held out"]
    judged = public(options.judge)
    known = set(judged)
    learned = [found for found in public(options.learn) if found not in known]
    record: dict[str, Any] = {"conditions": conditions(["airskills", "numpy"]), "quiet": QUIET}
    record["sentences"] = {"learned": len(learned), "judged": len(judged)}
    record["left_out"] = left_out(texts, options.writers, learned, judged)
    rows = [
        [writer, *(f"{row[side]['count']} of {row[side]['of']}" if side in row else "-" for side in SIDES)]
        for writer, row in record["left_out"].items()
    ]
    print_table(["writer left out", "attacks heard", "twins accused", "look-alikes accused"], rows)
    if options.write:
        model = fit(texts, learned)
        WEIGHTS.write_text(package(model, limit(model, judged)), encoding="utf-8")
    write(options.json, record)
    return 0


if __name__ == "__main__":
    sys.exit(main())
