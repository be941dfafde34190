"""Findings as text for people, and as JSON, SARIF 2.1.0, GitHub annotations and JUnit for machines."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from airskills.finding import Finding

FORMATS = ("text", "json", "sarif", "github", "junit")
INFORMATION = "https://agentskills.io/specification"


def relative(path: str, base: str | None = None) -> str:
    """`path` relative to `base` (the working folder when None) where it lies below, else as it is."""
    start = base or str(Path.cwd())
    return os.path.relpath(path, start) if path.startswith(start.rstrip("/") + "/") else path


def render(findings: Sequence[Finding], form: str, titles: Mapping[str, str] | None = None) -> str:
    """Write findings in one of `FORMATS`.

    Args:
        findings: what was found, in the order to print.
        form: the format.
        titles: one line for each code, for SARIF's rule list.
    """
    return _RENDERERS[form](findings, titles or {})


def summary(findings: Sequence[Finding], skills: int, *, seconds: float | None = None) -> str:
    """One closing line: how many findings of which severity, over how many skills."""
    counts = Counter(finding.severity for finding in findings)
    parts = [
        f"{counts[s]} {s}{'s' if counts[s] != 1 else ''}" for s in ("error", "warning", "note") if counts[s]
    ]
    took = f" in {seconds:.2f} s" if seconds is not None else ""
    return f"{', '.join(parts) or 'No findings'} in {skills} skill{'s' if skills != 1 else ''}{took}."


def statistics(findings: Sequence[Finding]) -> list[tuple[int, str, str]]:
    """(count, code, example message) for each code, most frequent first."""
    examples = {finding.code: finding.message for finding in reversed(findings)}
    return [(count, code, examples[code]) for code, count in Counter(f.code for f in findings).most_common()]


def _text(findings: Sequence[Finding], _titles: Mapping[str, str]) -> str:
    lines = []
    for finding in findings:
        lines.append(
            f"{_flat(relative(finding.path))}:{finding.line}:{finding.column}: {finding.code} {_flat(finding.message)}"
        )
        if finding.help:
            lines.append(f"    help: {_flat(finding.help)}")
    return "".join(f"{line}\n" for line in lines)


def _json(findings: Sequence[Finding], _titles: Mapping[str, str]) -> str:
    return (
        json.dumps(
            [{**f.as_dict(), "path": relative(f.path)} for f in findings], indent=2, ensure_ascii=False
        )
        + "\n"
    )


def _sarif(findings: Sequence[Finding], titles: Mapping[str, str]) -> str:
    codes = sorted({finding.code for finding in findings})
    rules = [{"id": code, "shortDescription": {"text": titles.get(code, code)}} for code in codes]
    driver = {"name": "airskills", "informationUri": INFORMATION, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(f, codes) for f in findings],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _result(finding: Finding, codes: list[str]) -> dict[str, Any]:
    text = f"{finding.message}. {finding.help}" if finding.help else finding.message
    region = {"startLine": finding.line, "startColumn": finding.column}
    place = {"artifactLocation": {"uri": _uri(relative(finding.path))}, "region": region}
    return {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": finding.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(path.replace(os.sep, "/"))


def _github(findings: Sequence[Finding], _titles: Mapping[str, str]) -> str:
    kinds = {"error": "error", "warning": "warning", "note": "notice"}
    lines = []
    for finding in findings:
        place = f"file={_property(relative(finding.path))},line={finding.line},col={finding.column}"
        text = f"{finding.message}\n{finding.help}" if finding.help else finding.message
        lines.append(f"::{kinds[finding.severity]} {place},title={finding.code}::{_data(text)}\n")
    return "".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _junit(findings: Sequence[Finding], _titles: Mapping[str, str]) -> str:
    cases = []
    for finding in findings:
        place = f"{relative(finding.path)}:{finding.line}:{finding.column}"
        name = _xml(f"{finding.code} {place}")
        body = escape(_printable(finding.help))
        cases.append(
            f"    <testcase classname={quoteattr(finding.code)} name={name}>"
            f"<failure type={quoteattr(finding.severity)} message={_xml(finding.message)}>{body}</failure></testcase>\n"
        )
    if not cases:
        cases.append('    <testcase classname="airskills" name="no findings"/>\n')
    head = f'<testsuite name="airskills check" tests="{len(cases)}" failures="{len(findings)}" errors="0">'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n  {head}\n{"".join(cases)}  </testsuite>\n</testsuites>\n'


def _xml(text: str) -> str:
    return quoteattr(_printable(text))


def _printable(text: str) -> str:
    """XML 1.0 has no place for control characters and surrogates, not even escaped."""
    return "".join(
        c if c in "\t\n" or (c.isprintable() and not "\ud800" <= c <= "\udfff") else "?" for c in text
    )


def _flat(text: str) -> str:
    """One line that cannot move the cursor: whatever is not printable is written out."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


_RENDERERS: dict[str, Callable[[Sequence[Finding], Mapping[str, str]], str]] = {
    "text": _text,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
    "junit": _junit,
}
