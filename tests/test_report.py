"""Findings in five formats: each is what its readers parse."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airskills import report
from airskills.finding import SEVERITIES, Finding

ONE = Finding(
    "skills/demo/SKILL.md", 3, 1, "AS117", "The specification has no field 'version'", "Move it into metadata"
)
any_finding = st.builds(
    Finding,
    st.text(max_size=30),
    st.integers(1, 9999),
    st.integers(1, 999),
    st.sampled_from(sorted(SEVERITIES)),
    st.text(max_size=60),
    st.text(max_size=60),
)


def test_text_is_path_line_column_code_message_and_help() -> None:
    assert report.render([ONE], "text") == (
        "skills/demo/SKILL.md:3:1: AS117 The specification has no field 'version'\n    help: Move it into metadata\n"
    )


def test_json_is_one_list_of_the_seven_fields() -> None:
    assert json.loads(report.render([ONE], "json")) == [
        {
            "path": "skills/demo/SKILL.md",
            "line": 3,
            "column": 1,
            "code": "AS117",
            "message": "The specification has no field 'version'",
            "help": "Move it into metadata",
            "severity": "error",
        }
    ]


def test_sarif_places_the_finding_and_names_the_rule() -> None:
    log = json.loads(report.render([ONE], "sarif", {"AS117": "Field is not in the specification"}))
    run = log["runs"][0]
    place = run["results"][0]["locations"][0]["physicalLocation"]

    assert log["version"] == "2.1.0"
    assert run["tool"]["driver"]["rules"] == [
        {"id": "AS117", "shortDescription": {"text": "Field is not in the specification"}}
    ]
    assert place == {
        "artifactLocation": {"uri": "skills/demo/SKILL.md"},
        "region": {"startLine": 3, "startColumn": 1},
    }
    assert run["results"][0]["level"] == "error"


def test_github_annotation_escapes_what_would_end_it() -> None:
    text = report.render([Finding("a,b:c.md", 1, 2, "AS402", "50% done\nnext")], "github")

    assert text == "::warning file=a%2Cb%3Ac.md,line=1,col=2,title=AS402::50%25 done%0Anext\n"


@given(st.lists(any_finding, max_size=4))
def test_junit_is_well_formed_for_any_text(findings: list[Finding]) -> None:
    suite = ET.fromstring(report.render(findings, "junit").encode())[0]

    assert suite.get("failures") == str(len(findings))
    assert int(suite.get("tests", "0")) == max(1, len(findings))


@given(st.lists(any_finding, max_size=4), st.sampled_from(["json", "sarif"]))
def test_machine_formats_are_json_for_any_text(findings: list[Finding], form: str) -> None:
    json.loads(report.render(findings, form))


@given(any_finding)
def test_text_cannot_move_the_cursor(finding: Finding) -> None:
    shown = report.render([finding], "text")

    assert all(character.isprintable() for character in shown.partition(":")[2].replace("\n", ""))


def test_paths_are_relative_to_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert report.relative(str(tmp_path / "a/b.md")) == "a/b.md"
    assert report.relative("/elsewhere/b.md") == "/elsewhere/b.md"


def test_summary_counts_by_severity() -> None:
    assert report.summary([ONE, ONE], 3) == "2 errors in 3 skills."
    assert report.summary([], 1) == "No findings in 1 skill."


def test_statistics_put_the_most_frequent_first() -> None:
    other = Finding("a", 1, 1, "AS102", "BOM")

    assert report.statistics([other, ONE, ONE]) == [(2, "AS117", ONE.message), (1, "AS102", "BOM")]
