"""The scripts of the skill sentence-transformers: planted faults are named, sound files are not blamed, recalls are those of the package."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skill_module import skill_module

SKILL = Path(__file__).resolve().parent.parent / "skills" / "sentence-transformers"
SOUND = [{"anchor": f"question {i}", "positive": f"answer {i}"} for i in range(40)]
RANKING, COSINE = "MultipleNegativesRankingLoss", "CosineSimilarityLoss"


def run(script: str, *args: str) -> tuple[int, Any, str]:
    """Exit status, parsed standard output and standard error of a script with --json."""
    command = [sys.executable, str(SKILL / "scripts" / f"{script}.py"), *args, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def codes(rows: list[dict[str, Any]], loss: str, **settings: int) -> set[str]:
    """The codes of the findings."""
    return {found.code for found in skill_module(SKILL.name, "check_pairs").findings(rows, loss, **settings)}


@pytest.mark.parametrize(
    ("change", "loss", "found"),
    [
        (lambda row: row, RANKING, set()),
        (lambda row: row | {"label": 1}, RANKING, set()),
        (lambda row: row | {"label": 0}, RANKING, {"label-ignored"}),
        (lambda row: {"positive": row["positive"], "anchor": row["anchor"]}, RANKING, {"order"}),
        (lambda row: {"doc_id": row["anchor"] + "x", **row}, RANKING, {"id-column", "order"}),
        (lambda row: row | {"positive": "always this"}, RANKING, {"duplicates"}),
        (lambda row: row | {"positive": row["anchor"]}, RANKING, {"same-text"}),
        (lambda row: row | {"positive": None}, RANKING, {"no-text", "duplicates"}),
        (lambda row: row | {"positive": row["positive"] + " word" * 400}, RANKING, {"cut"}),
        (lambda row: row | {"similarity": 0.5}, COSINE, {"label-name", "no-label", "no-text"}),
        (lambda row: row | {"score": len(row["anchor"])}, COSINE, {"label-range"}),
        (lambda row: row | {"score": 0.5}, COSINE, {"label-constant"}),
        (lambda row: row, "TripletLoss", {"count"}),
        (lambda row: row | {"label": 0.5}, "DistillKLDivLoss", {"count", "label-constant"}),
    ],
)
def test_a_planted_fault_of_training_rows_is_named_and_no_other(
    change: Any, loss: str, found: set[str]
) -> None:
    assert codes([change(row) for row in SOUND], loss) == found


def test_a_batch_of_one_row_is_a_finding() -> None:
    assert codes(SOUND, RANKING, batch=1) == {"batch"}


def test_columns_in_the_order_of_a_published_training_file_are_named(tmp_path: Path) -> None:
    # huggingface/sentence-transformers#2791: ["positive", "anchor"] under MultipleNegativesRankingLoss
    rows = [{"positive": f"a passage {i}", "anchor": f"a question {i}"} for i in range(20)]
    (tmp_path / "train.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")

    status, said, _ = run("check_pairs", str(tmp_path / "train.jsonl"))

    assert (status, said["texts"]) == (1, ["positive", "anchor"])
    assert said["findings"][0]["cure"] == "dataset.select_columns(['anchor', 'positive'])"


@pytest.mark.parametrize("text", ["", "[1]", "{", None])
def test_a_file_without_rows_is_an_error(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "train.jsonl").write_text(text, encoding="utf-8")

    status, said, error = run("check_pairs", str(tmp_path / "train.jsonl"))

    assert (status, said) == (2, None)
    assert error.startswith("error: ")


def test_steps_in_the_query_keep_the_neighbours_where_ranges_per_dimension_lose_them(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    corpus = draw.standard_normal((3000, 32)) * np.linspace(2, 0.2, 32) + 0.5
    corpus = (corpus / np.linalg.norm(corpus, axis=1, keepdims=True)).astype(np.float32)
    np.save(tmp_path / "corpus.npy", corpus)
    np.save(
        tmp_path / "queries.npy", corpus[:100] + 0.05 * draw.standard_normal((100, 32)).astype(np.float32)
    )

    status, said, _ = run("quantized_recall", str(tmp_path / "corpus.npy"), str(tmp_path / "queries.npy"))

    recalls = {way["way"]: way["recall"] for way in said["ways"]}
    assert (status, said["unit_vectors"]) == (0, True)
    assert recalls["int8, steps in the float query"] > 0.95
    assert recalls["int8 x int8, ranges per dimension"] < 0.6
    assert recalls["float16"] > 0.99
    assert recalls["binary"] < recalls["binary, 20 x top rescored by int8"]


def test_codes_are_clipped_and_rounded_down() -> None:
    ranges = np.array([[-1, -1, -1], [1, 1, 1]])  # steps of 2 / 255: 0.999 is 254.87 of them, 0 is 127.5

    codes = skill_module(SKILL.name, "quantized_recall").int8(np.array([[5, -5, 0], [0.999, -1, 1]]), ranges)

    assert codes.tolist() == [[127, -128, -1], [126, -128, 127]]


def test_vectors_that_do_not_fit_are_an_error(tmp_path: Path) -> None:
    np.save(tmp_path / "corpus.npy", np.ones((4, 3), dtype=np.float32))
    np.save(tmp_path / "queries.npy", np.ones((4, 2), dtype=np.float32))

    status, said, error = run("quantized_recall", str(tmp_path / "corpus.npy"), str(tmp_path / "queries.npy"))

    assert (status, said) == (2, None)
    assert "(4, 3) and (4, 2)" in error
