"""How often search puts the right skill first, and how often it is rightly silent.

    python benchmarks/search_quality.py                # validation requests of the skills here, and the dev requests
    python benchmarks/search_quality.py --test         # the test requests too: figures only, no misses
    python benchmarks/search_quality.py --fit          # refit the calibration in data/ranking.json on the dev requests

Two sources of requests:

* `skills/*/evals/eval_queries.json`: requests of the split "validation", which the index never sees. One that should
  not trigger its skill counts as kept away when that skill is not first.
* `benchmarks/data/search_requests_{dev,test}.json`: requests written by people who saw neither the code nor each
  other's, half without the tool's name, 100 of 336 out of scope. They are asked of three libraries: the three gold
  skills, a simulated catalogue of 73 (`search_catalogue.yaml`: names, descriptions, tags and headings; real folders of
  SKILL.md files, the real skill where `skills/` has it), and, for the fit, random parts of it.

A silent answer to a request in scope counts as a miss. Nothing is tuned on single requests, nor on the test requests.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import shutil
import statistics
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from airskills import Library, ranking, terms
from measured import conditions, print_table, write

HERE = Path(__file__).resolve().parent
SKILLS = HERE.parent / "skills"
RANKING = HERE.parent / "src" / "airskills" / "data" / "ranking.json"
GOLD = ("grpo-rl-training", "peft", "faiss")
PARTS = (5, 8, 15, 15, 30, 30)  # sizes of the random libraries of the fit
THINNED = 4  # times each is asked with half of the synonyms
PACKAGES = ("airskills", "pystemmer", "scikit-learn")
SHOWN = 5

Request = Mapping[str, Any]
Answer = tuple[Request, list[str]]


def read(name: str) -> Any:
    """A JSON file of `benchmarks/data`."""
    return json.loads((HERE / "data" / name).read_text(encoding="utf-8"))


# -- libraries ---------------------------------------------------------------------------------------------------------


def make_library(root: Path, names: Iterable[str]) -> Library:
    """A library of real folders: skills of this repository where they exist, else simulated from the catalogue."""
    catalogue = {
        entry["name"]: entry for entry in yaml.safe_load((HERE / "data/search_catalogue.yaml").read_text())
    }
    for name in names:
        if (SKILLS / name / "SKILL.md").is_file():
            shutil.copytree(
                SKILLS / name, root / name, ignore=shutil.ignore_patterns("[!e]*.py", "__pycache__")
            )
        else:
            (root / name).mkdir(parents=True)
            (root / name / "SKILL.md").write_text(simulated(catalogue[name]), encoding="utf-8")
    return Library.open(root, cache=root.parent / "cache")


def simulated(entry: Mapping[str, Any]) -> str:
    """A SKILL.md with the name, description, tags, category and headings of a catalogue entry."""
    fields = {
        "name": entry["name"],
        "description": entry["description"],
        "metadata": {"airskills-category": entry["category"], "airskills-tags": " ".join(entry["tags"])},
    }
    headings = "\n\n".join(f"## {heading}" for heading in entry["headings"])
    return (
        f"---\n{yaml.safe_dump(fields, sort_keys=False, width=2000)}---\n\n# {entry['name']}\n\n{headings}\n"
    )


def all_names() -> list[str]:
    """The 73 names of the catalogue."""
    return [entry["name"] for entry in yaml.safe_load((HERE / "data/search_catalogue.yaml").read_text())]


def asked(requests: Iterable[Request], names: Iterable[str]) -> list[Request]:
    """Requests out of scope, and those for a skill that the library has."""
    known = {None, *names}
    return [request for request in requests if request["skill"] in known]


def ask(library: Library, requests: Iterable[Request]) -> list[Answer]:
    """Each request with the names found, best first."""
    return [(request, [hit.name for hit in library.search(request["query"], SHOWN)]) for request in requests]


# -- figures -----------------------------------------------------------------------------------------------------------


def figures(answers: Sequence[Answer], also: Mapping[str, list[str]]) -> dict[str, float | int]:
    """Shares of requests in scope (right first, among three, five, mean reciprocal rank) and silence on the others."""
    inside = [(request, found) for request, found in answers if request["skill"]]
    outside = [found for request, found in answers if not request["skill"]]
    unnamed = [(request, found) for request, found in inside if not request["names_tool"]]
    return {
        "in_scope": len(inside),
        "hit@1": _share(request["skill"] in found[:1] for request, found in inside),
        "hit@3": _share(request["skill"] in found[:3] for request, found in inside),
        "hit@5": _share(request["skill"] in found[:5] for request, found in inside),
        "mrr": _share(_reciprocal(request["skill"], found) for request, found in inside),
        "hit@1_unnamed": _share(request["skill"] in found[:1] for request, found in unnamed),
        "hit@1_or_also_right": _share(
            bool({request["skill"], *also.get(request["query"], ())} & set(found[:1]))
            for request, found in inside
        ),
        "answered": _share(bool(found) for _, found in inside),
        "out_of_scope": len(outside),
        "silence": _share(not found for found in outside),
    }


def _share(values: Iterable[float]) -> float:
    listed = list(values)
    return round(statistics.fmean(listed), 3) if listed else float("nan")


def _reciprocal(name: str, found: list[str]) -> float:
    return 1 / (found.index(name) + 1) if name in found else 0.0


def validation() -> tuple[dict[str, float | int], list[str]]:
    """Figures and misses of the validation requests of every skill in `skills/`."""
    library = Library.open(SKILLS, cache=tempfile.mkdtemp(prefix="search-quality-"))
    answers, kept, misses = [], [], []
    for name in library.names():
        path = SKILLS / name / "evals" / "eval_queries.json"
        listed = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
        for item in (item for item in listed if item.get("split") == "validation"):
            found = [hit.name for hit in library.search(item["query"], SHOWN)]
            if item["should_trigger"]:
                answers.append(({"skill": name, "query": item["query"], "names_tool": True}, found))
                misses += [_miss(item["query"], name, found)] if found[:1] != [name] else []
            else:
                kept.append(found[:1] != [name])
                misses += [_miss(item["query"], f"not {name}", found)] if found[:1] == [name] else []
    whole = figures(answers, {})
    result = {key: whole[key] for key in ("in_scope", "hit@1", "hit@3", "hit@5", "mrr", "answered")}
    return result | {"should_not_trigger": len(kept), "kept_away": _share(kept)}, misses


def _miss(query: str, wanted: str, found: list[str]) -> str:
    return f"  {wanted}: {' '.join(query.split())[:110]!r} -> {', '.join(found[:3]) or 'silence'}"


def misses(answers: Iterable[Answer]) -> list[str]:
    """A line for each request that was answered wrongly."""
    return [
        _miss(request["query"], request["skill"] or "silence", found)
        for request, found in answers
        if found[:1] != ([request["skill"]] if request["skill"] else [])
    ]


def judge(split: str, sizes: Iterable[str], *, show: bool) -> dict[str, Any]:
    """Figures of one split for the libraries asked for; the misses are printed where `show` is set."""
    requests, also, found = read(f"search_requests_{split}.json"), read("search_also.json"), {}
    for label in sizes:
        names = GOLD if label == "3 skills" else all_names()
        with tempfile.TemporaryDirectory(prefix="search-quality-") as folder:
            answers = ask(make_library(Path(folder, "skills"), names), asked(requests, names))
        found[label] = figures(answers, also)
        if show:
            print(f"Misses, {split}, {label}:", *misses(answers), sep="\n")
    return found


# -- fit ---------------------------------------------------------------------------------------------------------------


def fit() -> dict[str, Any]:
    """Logistic regression of "the best skill answers the request" on the features of the ranking; dev requests only.

    The synonyms and jargon were collected with the dev requests at hand, so each library is asked again with a random
    half of them left out: requests to come will be that much less familiar. In each library the two classes weigh the
    same, and all libraries weigh the same. A request whose best skill is the wrong one of the library says nothing
    about silence and is left out.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    rows, labels, weights = [], [], []
    for names, seed in itertools.product(_fit_libraries(), (None, *range(THINNED))):
        with _thinned(seed):
            found = list(_features(names))
        for label in (True, False):
            of_class = [features for features, right in found if right is label]
            rows += of_class
            labels += [label] * len(of_class)
            weights += [1 / len(of_class)] * len(of_class) if of_class else []
    scaled = np.array(weights) * len(weights) / sum(weights)
    model = LogisticRegression(C=10, max_iter=10_000).fit(np.array(rows), labels, sample_weight=scaled)
    return {
        "coefficients": [round(float(value), 3) for value in model.coef_[0]],
        "intercept": round(float(model.intercept_[0]), 3),
    }


def _fit_libraries() -> Iterator[list[str]]:
    names = all_names()
    yield list(GOLD)
    yield names
    for number, size in enumerate(PARTS):
        part = random.Random(number).sample(names, size)
        yield sorted({*part, "faiss" if number % 2 else "peft"})


@contextmanager
def _thinned(seed: int | None) -> Iterator[None]:
    """A random half of the synonyms and jargon; all of them where there is no seed."""
    if seed is None:
        yield
        return
    rng = random.Random(seed)
    lists = (terms.data("synonyms"), terms.data("words")["jargon"])
    whole = [list(one) for one in lists]
    for one in lists:
        one[:] = [item for item in one if rng.random() < 0.5]
    ranking.reread()
    try:
        yield
    finally:
        for one, items in zip(lists, whole, strict=True):
            one[:] = items
        ranking.reread()


def _features(names: list[str]) -> Iterator[tuple[tuple[float, ...], bool]]:
    """Features of the best skill for each dev request, and whether the request is in scope."""
    seen: list[tuple[float, ...]] = []

    def record(features: Sequence[float]) -> float:
        seen.append(tuple(features))
        return 1.0  # above any threshold: the best skill is always shown

    with (
        tempfile.TemporaryDirectory(prefix="search-quality-") as folder,
        patch("airskills.index.probability", record),
    ):
        library = make_library(Path(folder, "skills"), names)
        for request in asked(read("search_requests_dev.json"), names):
            seen.clear()
            hits = library.search(request["query"], 1)
            if hits and (not request["skill"] or hits[0].name == request["skill"]):
                yield seen[0], bool(request["skill"])


def store_fit(calibration: dict[str, Any]) -> None:
    """Write the calibration into `data/ranking.json`, for this process too."""
    current = json.loads(RANKING.read_text(encoding="utf-8"))
    current["calibration"] = calibration
    RANKING.write_text(json.dumps(current, indent=2) + "\n", encoding="utf-8")
    terms.data("ranking")["calibration"] = calibration


# -- the run -----------------------------------------------------------------------------------------------------------


def main() -> None:
    """Print figures and misses; fit first if asked to; store the figures if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="only the library of three")
    parser.add_argument("--test", action="store_true", help="the test requests too")
    parser.add_argument("--fit", action="store_true", help="refit the calibration first (needs scikit-learn)")
    parser.add_argument("--json", metavar="OUT", help="write the figures there")
    options = parser.parse_args()
    if options.fit:
        store_fit(fit())
        print(
            "calibration:",
            dict(zip(ranking.FEATURES, terms.data("ranking")["calibration"]["coefficients"], strict=True)),
        )
    sizes = ["3 skills"] if options.quick else ["3 skills", "73 skills"]
    record = {**conditions(PACKAGES), "ranking": terms.data("ranking")}
    record["validation"], missed = validation()
    print("Misses, validation:", *missed, sep="\n")
    for split in ("dev", "test") if options.test else ("dev",):
        record[split] = judge(split, sizes, show=split == "dev")
    print(f"\nvalidation requests of skills/: {record['validation']}\n")
    splits = [split for split in ("dev", "test") if split in record]
    rows = [[f"{split}, {size}", *one.values()] for split in splits for size, one in record[split].items()]
    print_table(["requests", *next(iter(record["dev"].values()))], rows)
    record["load_average_end"] = [round(value, 1) for value in os.getloadavg()]
    write(options.json, record)


if __name__ == "__main__":
    main()
