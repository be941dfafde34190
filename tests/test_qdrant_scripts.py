"""The script of the skill qdrant: a planted fault of a filter is named, a sound filter is not blamed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("qdrant_client")

SKILL = Path(__file__).resolve().parent.parent / "skills" / "qdrant"
PAYLOADS = [
    {"n": n, "s": str(n), "items": [{"c": "red", "z": 1}, {"c": "blue", "z": 2}], "metadata": {"space": "AI"}}
    | ({"t": "shoe"} if n else {})
    for n in range(4)
]


def run(folder: Path, given: Any, payloads: list[Any] = PAYLOADS) -> tuple[int, Any, str]:
    """Exit status, parsed standard output and standard error of the script with --json."""
    (folder / "payloads.jsonl").write_text("\n".join(json.dumps(one) for one in payloads), encoding="utf-8")
    (folder / "filter.json").write_text(json.dumps(given), encoding="utf-8")
    command = [sys.executable, str(SKILL / "scripts" / "check_filter.py"), str(folder / "payloads.jsonl")]
    done = subprocess.run(
        [*command, str(folder / "filter.json"), "--json"], capture_output=True, text=True, check=False
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def equal(key: str, value: Any) -> dict[str, Any]:
    """A condition."""
    return {"key": key, "match": {"value": value}}


@pytest.mark.parametrize(
    ("given", "matches", "codes"),
    [
        ({"must": [equal("n", 3), equal("t", "shoe")]}, 1, set()),
        ({"must": [equal("n", "3")]}, 0, {"type"}),
        ({"must": [{"key": "s", "range": {"gt": 1}}]}, 0, {"type"}),
        ({"must": [equal("items[].c", "red"), equal("items[].z", 2)]}, 4, {"not-nested"}),
        ({"must_not": [equal("t", "shoe")]}, 1, {"missing-matches"}),
        ({"must": [equal("space", "AI")]}, 0, {"no-key"}),
        ({"must": [equal("t", "shoe")], "should": [equal("n", 1)]}, 1, {"should-is-hard"}),
        ({"must": []}, 4, {"empty"}),
    ],
)
def test_a_planted_fault_of_a_filter_is_named_and_no_other(
    tmp_path: Path, given: Any, matches: int, codes: set[str]
) -> None:
    status, said, _ = run(tmp_path, given)

    assert (said["match"]["all"], {found["code"] for found in said["findings"]}) == (matches, codes)
    assert status == bool(codes)


def test_the_filter_of_a_thread_is_sound(tmp_path: Path) -> None:
    # qdrant/qdrant#6395: metadata.space == "AI"; what was missing there was the payload index
    assert run(tmp_path, {"must": [equal("metadata.space", "AI")]})[0] == 0


@pytest.mark.parametrize(
    ("given", "payloads"), [({"most": []}, PAYLOADS), ({"must": []}, [1]), ({"must": []}, [])]
)
def test_what_is_no_filter_or_no_payload_is_an_error(tmp_path: Path, given: Any, payloads: list[Any]) -> None:
    status, said, error = run(tmp_path, given, payloads)

    assert (status, said) == (2, None)
    assert error.startswith("error: ")
