"""Outcomes for machines: JSON with one object a unit, and JUnit with one case a unit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from airskills.run.api import Report
from airskills.run.judge import Outcome


def as_json(report: Report) -> str:
    """A list of outcomes, in the order of the files."""
    return json.dumps([row(outcome) for outcome in report.outcomes], indent=2, ensure_ascii=False) + "\n"


def row(outcome: Outcome) -> dict[str, Any]:
    """An outcome as plain data."""
    return {
        "id": outcome.unit.id,
        "kind": outcome.unit.kind,
        "title": outcome.unit.title,
        "state": outcome.state,
        "seconds": round(outcome.seconds, 3),
        "cached": outcome.cached or None,
        "standins": list(outcome.standins),
        "findings": [{**f.as_dict(), "path": _relative(f.path)} for f in outcome.findings],
        "detail": outcome.detail,
    }


def as_junit(report: Report) -> str:
    """One suite for each skill; what did not run is skipped with its reason."""
    root = ET.Element("testsuites", name="airskills test")
    for skill, outcomes in groupby(report.outcomes, key=lambda outcome: outcome.unit.skill):
        _suite(root, skill, list(outcomes))
    for finding in report.malformed:
        suite = ET.SubElement(root, "testsuite", name="malformed", tests="1", errors="1")
        case = ET.SubElement(
            suite, "testcase", classname=finding.code, name=f"{_relative(finding.path)}:{finding.line}"
        )
        ET.SubElement(case, "error", type=finding.code, message=_printable(finding.message))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(root: ET.Element, skill: str, outcomes: Sequence[Outcome]) -> None:
    failures = sum(outcome.state == "failed" for outcome in outcomes)
    skipped = sum(outcome.state not in {"failed", "ran"} for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    suite = ET.SubElement(
        root,
        "testsuite",
        name=skill,
        tests=str(len(outcomes)),
        failures=str(failures),
        skipped=str(skipped),
        errors="0",
        time=f"{seconds:.3f}",
    )
    for outcome in outcomes:
        unit = outcome.unit
        name = f"{unit.id} {unit.title}".strip()
        seconds = outcome.seconds
        case = ET.SubElement(
            suite, "testcase", classname=f"{skill}.{unit.kind}", name=_printable(name), time=f"{seconds:.3f}"
        )
        _verdict(case, outcome)


def _verdict(case: ET.Element, outcome: Outcome) -> None:
    if outcome.state == "failed":
        finding = next(found for found in outcome.findings if found.severity == "error")
        problem = ET.SubElement(case, "failure", type=finding.code, message=_printable(finding.message))
        problem.text = _printable(outcome.detail or finding.help)
    elif outcome.state != "ran":
        finding = outcome.findings[0]
        ET.SubElement(case, "skipped", message=_printable(f"{finding.code}: {finding.message}"))


def _relative(path: str) -> str:
    """Relative to the working folder where it lies below, as the other reports write it."""
    return path.removeprefix(f"{Path.cwd()}/")


def _printable(text: str) -> str:
    """XML 1.0 has no place for control characters and surrogates, not even escaped."""
    return "".join(char if char in "\t\n" or char.isprintable() else "?" for char in text)
