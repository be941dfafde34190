"""The page about levels says of the check's speed what the last run measured, and the benchmark's library is what it claims."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "benchmarks"))
speed: Any = importlib.import_module("check_speed")

PAGE = REPOSITORY / "docs" / "explanation" / "what-each-level-proves.md"


def test_figures_of_the_page_are_those_of_the_last_run() -> None:
    record = json.loads(speed.RESULTS.read_text(encoding="utf-8"))
    page = PAGE.read_text(encoding="utf-8")

    assert speed.with_summary(page, record) == page


def test_a_page_without_a_place_for_the_figures_is_refused() -> None:
    record = json.loads(speed.RESULTS.read_text(encoding="utf-8"))

    with pytest.raises(ValueError, match="has no <!-- check_speed: begin -->"):
        speed.with_summary("# A page", record)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("library")
    sources = [path for path in (REPOSITORY / "skills").iterdir() if (path / "SKILL.md").is_file()]
    speed.make_library(root, len(sources) + 1)
    return root


def test_copies_of_a_skill_share_no_text_and_lack_no_file(library: Path) -> None:
    first = next(library.glob("*-000"))
    twin = next(path for path in library.glob(f"{first.name[:-4]}-*") if path != first)
    texts = [path.relative_to(first) for path in first.rglob("*.md")]

    assert len(list(first.rglob("*"))) == len(list(twin.rglob("*")))
    assert texts
    assert not [path for path in texts if (first / path).read_bytes() == (twin / path).read_bytes()]


def test_without_evals_a_skill_keeps_everything_else(library: Path) -> None:
    before = {path.relative_to(library) for path in library.rglob("*") if path.is_file()}

    speed.without_evals(library)

    after = {path.relative_to(library) for path in library.rglob("*") if path.is_file()}
    assert before - after == {path for path in before if path.parts[1] == "evals"}
