"""The machine is proven by planting faults: mutants are what they say, and running the code finds them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from airskills.run import api

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
planting: Any = importlib.import_module("mutants")
mutation: Any = importlib.import_module("mutation")
SKILLS = Path(__file__).parent.parent / "skills"


def made(source: str) -> list[tuple[str, int, str, str]]:
    return [(m.operator, m.line, m.before, m.source) for m in mutation.mutants(source)]


def test_each_operator_changes_one_place() -> None:
    source = "import faiss\nfrom numpy import asarray\nindex = faiss.f(asarray(x), 4, metric=2)\n"

    assert made(source) == [
        ("misspell-import", 2, "asarray", source.replace("import asarray", "import aasrray")),
        ("swap-module", 2, "numpy", source.replace("from numpy", "from faiss")),
        ("drop-argument", 3, "asarray(x), ", source.replace("asarray(x), ", "")),
        ("drop-argument", 3, "4, ", source.replace("4, ", "")),
        ("drop-keyword", 3, ", metric=2", source.replace(", metric=2", "")),
        ("misspell-keyword", 3, "metric", source.replace("metric", "mteric")),
        ("misspell-attribute", 3, "f", source.replace("faiss.f(", "faiss.f_x(")),
        ("drop-argument", 3, "x", source.replace("asarray(x)", "asarray()")),
    ]


def test_lines_and_characters_beyond_ascii_stay_where_they_are() -> None:
    (mutant,) = (
        m for m in mutation.mutants('y = "ä"; f(\n    "ö",  # one\n)\n') if m.operator == "drop-argument"
    )

    assert mutant.source == 'y = "ä"; f(\n      # one\n)\n'


@pytest.mark.parametrize(
    ("call", "same"),
    [("f(1, k=2)", True), ("f(1, k=3)", False), ("f(1, k=2.0)", False), ("g = lambda: f(1, k=2)", False)],
)
def test_a_keyword_with_the_value_of_the_default_is_known_as_no_fault(call: str, *, same: bool) -> None:
    (mutant,) = (
        m for m in mutation.mutants(f"def f(x, k=2): return k\n{call}\n") if m.operator == "drop-keyword"
    )

    if same:
        exec(mutant.probe, {})
    else:
        with pytest.raises(AssertionError):
            exec(mutant.probe, {})


def test_builtins_are_left_alone() -> None:
    assert made("print(1, sep='')\n") == []


def test_a_flag_is_misspelt_once_at_a_time() -> None:
    found = [
        (m.line, m.before, m.source) for m in mutation.flag_mutants("run a.py --rows 4 \\\n  --metric l2\n")
    ]

    assert found == [
        (1, "--rows", "run a.py --rwos 4 \\\n  --metric l2\n"),
        (2, "--metric", "run a.py --rows 4 \\\n  --mteric l2\n"),
    ]


@pytest.mark.full
def test_running_finds_nearly_every_fault_in_a_skill() -> None:
    pytest.importorskip("faiss")
    (suite,) = api.suites([str(SKILLS / "faiss")])
    chosen = [
        one for one in planting.sampled(planting.planted(suite), 4) if one.mutant.operator != "drop-keyword"
    ]

    caught = planting.caught_by_test(chosen, workers=2)

    assert {one.mutant.operator for one in chosen} <= set(mutation.OPERATORS)
    assert len(caught) >= 0.9 * len(chosen), [one.name for n, one in enumerate(chosen) if n not in caught]
