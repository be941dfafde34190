"""The comparison of validators: its cases are what they claim, its page is its data, and our column is still true."""

from __future__ import annotations

import importlib
import json
import re
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from airskills import check
from airskills.finding import Finding
from airskills.settings import Settings

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "benchmarks"))
compare: Any = importlib.import_module("validators_compare")
faults: Any = importlib.import_module("validators_faults")

RECORD: dict[str, Any] = json.loads(compare.RESULTS.read_text(encoding="utf-8"))
PAGE = REPOSITORY / "docs" / "explanation" / "what-each-level-proves.md"
SETTINGS = {
    "default": Settings(),
    "everything": Settings(profile="standard", ignore=dict.fromkeys(compare.HOUSE.split(","), "")),
}
each_case = pytest.mark.parametrize("case", faults.CASES, ids=lambda case: case.name)


def committed(case: Any) -> dict[str, Any]:
    (row,) = [row for row in RECORD["cases"] if row["name"] == case.name]
    found: dict[str, Any] = row["verdicts"]["airskills"]
    return found


def look(folder: Path, files: Any, setting: str) -> list[Finding]:
    if not folder.exists():
        compare.plant(folder, files)
    return check.run(folder, settings=SETTINGS[setting])


def test_the_page_shows_the_committed_results() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert compare.with_table(page, RECORD) == page
    assert "| not UTF-8 |" in page


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="has no <!-- validators_compare: begin -->"):
        compare.with_table("# A page", RECORD)


def test_the_results_cover_every_case_and_the_pinned_peers() -> None:
    pins = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"][
        "bench"
    ]
    pinned = dict(pin.split("==") for pin in pins)
    peers = {name: version for name, version in RECORD["versions"].items() if name != "airskills"}

    assert [(row["name"], row["title"]) for row in RECORD["cases"]] == [
        (c.name, c.title) for c in faults.CASES
    ]
    assert peers == {name: pinned[name] for name in ("skills-ref", "skillcheck", "skillsaw")}


def test_nothing_of_this_machine_is_in_the_results() -> None:
    assert not re.search(r"/(tmp|home|root|work)/", compare.RESULTS.read_text(encoding="utf-8"))


def test_each_fault_differs_from_its_twin_and_has_a_name_of_its_own() -> None:
    assert all((case.bad == case.good) == (case.group == faults.TRICKY) for case in faults.CASES)
    assert len({case.name for case in faults.CASES}) == len(faults.CASES)


@each_case
@pytest.mark.parametrize("setting", list(SETTINGS))
def test_our_column_is_still_true(case: Any, setting: str, tmp_path: Path) -> None:
    stored = committed(case)[setting]
    without = look(tmp_path / "good", case.good, setting)
    alarms = {finding.code for finding in without if finding.severity != "note"}
    assert alarms <= set(stored.get("false_alarms", ()))

    if stored.get("verdict") == "reported":
        about = look(tmp_path / "bad", case.bad, setting)
        assert Counter(f.code for f in about) - Counter(f.code for f in without)


def answer(*said: str, alarms: tuple[str, ...] = (), crashed: bool = False) -> Any:
    return compare.Answer(Counter(said), Counter(alarms), crashed)


def test_only_what_is_said_more_often_than_about_the_twin_reports_a_fault() -> None:
    assert compare.verdict(answer("a", "a", "b"), answer("a", "b")) == {"verdict": "reported", "by": ["a"]}
    assert compare.verdict(answer("a"), answer("a", "b", alarms=("b",))) == {
        "verdict": "silent",
        "false_alarms": ["b"],
    }
    assert compare.verdict(answer(crashed=True), answer()) == {"verdict": "crashed"}


@pytest.mark.parametrize(
    ("default", "everything", "shown"),
    [
        ("reported", "reported", "yes"),
        ("silent", "reported", "opt-in"),
        ("silent", "silent", "no"),
        ("crashed", "crashed", "crash"),
        ("silent", "crashed", "crash"),
    ],
)
def test_a_cell_says_what_the_two_settings_said(default: str, everything: str, shown: str) -> None:
    assert compare.cell({"default": {"verdict": default}, "everything": {"verdict": everything}}) == shown


def test_an_answer_that_is_kept_is_not_asked_for_again(tmp_path: Path) -> None:
    kept = tmp_path / "answer.json"
    kept.write_text('[{"rule": 2}, {}, false]', encoding="utf-8")
    nobody = compare.Validator("nobody", ["no-such-command"], [], lambda _output, _errors: [])

    assert compare._kept_or_new(kept, nobody, nobody.default, tmp_path) == answer("rule", "rule")


def test_questions_differ_in_name_when_their_files_differ() -> None:
    peer = compare.Validator("pytest", ["pytest"], [], lambda _output, _errors: [])
    names = {compare._name_of(peer, "pytest", files) for files in ({"a": b"1"}, {"a": b"2"}, {"b": b"1"})}

    assert len(names) == 3


def test_a_console_script_runs_in_a_process_of_its_own(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # As in the benchmark: the child writes to its descriptors, not to what pytest puts before them.
    with capfd.disabled():
        output, errors = compare.run(["airskills", "check", "nowhere"], tmp_path)

    assert output == ""
    assert "nowhere" in errors
    assert sys.argv[0] != "airskills"


def test_a_link_is_planted_as_a_link(tmp_path: Path) -> None:
    compare.plant(tmp_path, {"a/x.md": faults.Link("../y.md"), "a/z.bin": b"\xff"})

    assert (tmp_path / "a" / "x.md").readlink() == Path("../y.md")
    assert (tmp_path / "a" / "z.bin").read_bytes() == b"\xff"
