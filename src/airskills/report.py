"""Findings as text for people, and as JSON, SARIF 2.1.0, GitHub annotations and JUnit for machines.

Sources: OASIS SARIF 2.1.0 (errata 01) with the properties that GitHub code scanning requires; GitHub's workflow commands;
the XML schema of Jenkins' xunit plugin.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any
from urllib.parse import quote

import click

from airskills import __version__, codes
from airskills.codes import CODES
from airskills.finding import SEVERITIES, Finding, gist
from airskills.rules import FAMILIES, RULES, page, title, why

FORMATS = ("text", "json", "sarif", "github", "junit")
SPECIFICATION = "https://agentskills.io/specification"
SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# The public page that says what a family of rules holds a skill to; the other families have only their own pages.
BACKGROUND = {
    "AS1": SPECIFICATION,
    "AS2": "https://agentskills.io/skill-creation/best-practices",
    "AS4": SPECIFICATION,
    "AS5": "https://agentskills.io/skill-creation/using-scripts",
    "AS6": "https://agentskills.io/skill-creation/evaluating-skills",
}
# Known here so that a run from the cache need not import the rules. Of AS118 and AS409 only some can be repaired.
FIXABLE = frozenset({"AS102", "AS106", "AS118", "AS409", "AS410"})
COLORS = {"error": "red", "warning": "yellow", "note": "cyan"}


def relative(path: str, base: str | None = None) -> str:
    """`path` relative to `base` (the working folder when None) where it lies below, else as it is."""
    start = base or os.getcwd()
    return os.path.relpath(path, start) if path.startswith(start.rstrip("/") + "/") else path


def render(findings: Sequence[Finding], form: str, *, color: bool = False) -> str:
    """Write findings in one of `FORMATS`, in the order given.

    Args:
        findings: what was found.
        form: the format.
        color: whether the text is for a terminal; machine formats have no color.
    """
    return text(findings, color=color) if form == "text" else _RENDERERS[form](findings)


def summary(findings: Sequence[Finding], skills: int, *, seconds: float | None = None, known: int = 0) -> str:
    """One closing line: how many findings of which severity, in how many skills; what a baseline hides, what --fix can do."""
    counts = Counter(finding.severity for finding in findings)
    parts = [_plural(counts[s], s) for s in ("error", "warning", "note") if counts[s]]
    nothing = "No new findings" if known else "No findings"
    took = f" ({seconds:.2f} s)" if seconds is not None else ""
    hidden = f" {_plural(known, 'known finding')} not shown." if known else ""
    repairs = sum(finding.code in FIXABLE for finding in findings)
    hint = f" --fix can repair up to {repairs:,}." if repairs else ""
    return f"{', '.join(parts) or nothing} in {_plural(skills, 'skill')}{took}.{hidden}{hint}"


def statistics(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """`count`, `code`, `severity` and `title` of each code, most frequent first."""
    counts = Counter(finding.code for finding in findings)
    return [
        {"count": count, "code": code, "severity": SEVERITIES[code], "title": _title(code)}
        for code, count in counts.most_common()
    ]


def fingerprints(findings: Sequence[Finding]) -> list[str]:
    """For each finding a name that stays the same while text moves: file, code and what the message says, numbered among equals."""
    seen: Counter[str] = Counter()
    names = []
    for finding in findings:
        identity = f"{relative(finding.path)}\0{finding.code}\0{gist(finding.message)}"
        key = hashlib.sha256(identity.encode(errors="surrogateescape")).hexdigest()[:32]
        seen[key] += 1
        names.append(f"{key}:{seen[key]}")
    return names


def text(findings: Sequence[Finding], *, color: bool = False) -> str:
    """`path:line:column: CODE message`, and what to do about it below."""
    style: Callable[..., str] = click.style if color else lambda shown, **_: str(shown)
    lines = []
    for finding in findings:
        path = style(flat(relative(finding.path)), bold=True)
        code = style(finding.code, fg=COLORS[finding.severity], bold=True)
        lines.append(f"{path}:{finding.line}:{finding.column}: {code} {flat(finding.message)}\n")
        if finding.help:
            lines.append(f"    {style('help:', fg='green')} {flat(finding.help)}\n")
    return "".join(lines)


def flat(shown: str) -> str:
    """One line that cannot move the cursor: whatever is not printable is written out."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in shown)


def _title(code: str) -> str:
    if code in CODES:
        return CODES[code].title
    return title(RULES[code]) if code in RULES else code


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _json(findings: Sequence[Finding]) -> str:
    rows = [{**finding.as_dict(), "path": relative(finding.path)} for finding in findings]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def _sarif(findings: Sequence[Finding]) -> str:
    codes = sorted({finding.code for finding in findings})
    driver = {
        "name": "airskills",
        "version": __version__,
        "informationUri": SPECIFICATION,
        "rules": [_descriptor(code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(finding, codes.index(finding.code), name)
            for finding, name in zip(findings, fingerprints(findings), strict=True)
        ],
    }
    return (
        json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)
        + "\n"
    )


def _descriptor(code: str) -> dict[str, Any]:
    """A rule for code scanning, which shows title, reason and page beside each alert."""
    family = code[:3]
    reason, manual = _reason_and_page(code)
    tags = [name for families in (FAMILIES, codes.FAMILIES) if (name := families.get(family))]
    link = {"helpUri": BACKGROUND[family]} if family in BACKGROUND else {}
    return {
        "id": code,
        "shortDescription": {"text": _title(code)},
        "fullDescription": {"text": reason},
        "help": {"text": manual, "markdown": manual},
        **link,
        "defaultConfiguration": {"level": SEVERITIES[code]},
        "properties": {"tags": tags},
    }


def _reason_and_page(code: str) -> tuple[str, str]:
    if code in CODES:
        return CODES[code].why, codes.page(code)
    return (why(RULES[code]), page(RULES[code])) if code in RULES else (code, code)


def _result(finding: Finding, index: int, fingerprint: str) -> dict[str, Any]:
    message = f"{finding.message}. {finding.help}" if finding.help else finding.message
    region = {"startLine": finding.line, "startColumn": finding.column}
    place = {"artifactLocation": {"uri": _uri(relative(finding.path))}, "region": region}
    return {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": finding.severity,
        "message": {"text": message},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"airskills/v1": fingerprint},
    }


def _uri(path: str) -> str:
    """A relative reference, or for a file elsewhere a `file:` address."""
    quoted = quote(path.replace(os.sep, "/").encode(errors="surrogateescape"))
    return f"file://{quoted}" if quoted.startswith("/") else quoted


def _github(findings: Sequence[Finding]) -> str:
    """Annotations. The log shows only the text behind `::`, so the place is repeated there."""
    kinds = {"error": "error", "warning": "warning", "note": "notice"}
    lines = []
    for finding in findings:
        path = relative(finding.path)
        place = f"file={_property(path)},line={finding.line},col={finding.column}"
        shown = "\n".join(
            filter(
                None,
                [f"{path}:{finding.line}:{finding.column}: {finding.code} {finding.message}", finding.help],
            )
        )
        lines.append(f"::{kinds[finding.severity]} {place},title={finding.code}::{_data(shown)}\n")
    return "".join(lines)


def _data(shown: str) -> str:
    return shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(shown: str) -> str:
    return _data(shown).replace(":", "%3A").replace(",", "%2C")


def _junit(findings: Sequence[Finding]) -> str:
    """One suite for each file. A note passes, because it does not fail the check either."""
    ordered = sorted(findings, key=lambda finding: finding.path)
    suites = [_suite(path, list(found)) for path, found in groupby(ordered, key=lambda f: f.path)]
    body = "".join(suites) or (
        '  <testsuite name="airskills check" tests="1" failures="0" errors="0">\n'
        '    <testcase classname="airskills" name="no findings"/>\n  </testsuite>\n'
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="airskills check">\n{body}</testsuites>\n'
    )


def _suite(path: str, findings: Sequence[Finding]) -> str:
    failures = sum(finding.severity != "note" for finding in findings)
    name = _attribute(relative(path))
    head = f'  <testsuite name={name} tests="{len(findings)}" failures="{failures}" errors="0">\n'
    return head + "".join(_case(finding) for finding in findings) + "  </testsuite>\n"


def _case(finding: Finding) -> str:
    name = _attribute(f"{finding.line}:{finding.column} {_title(finding.code)}")
    if finding.severity == "note":
        inner = f"<system-out>{_escaped(finding.message)}</system-out>"
    else:
        inner = (
            f'<failure type="{finding.severity}" message={_attribute(finding.message)}>'
            f"{_escaped(finding.help)}</failure>"
        )
    return f'    <testcase classname="{finding.code}" name={name}>{inner}</testcase>\n'


def _attribute(shown: str) -> str:
    return f'"{_escaped(shown)}"'


def _escaped(shown: str) -> str:
    """Text of an element; XML 1.0 has no place for control characters and surrogates, not even escaped."""
    from html import escape

    return escape("".join(_allowed(shown)))


def _allowed(shown: str) -> Iterator[str]:
    for character in shown:
        yield character if character in "\t\n" or character.isprintable() else "?"


_RENDERERS: dict[str, Callable[[Sequence[Finding]], str]] = {
    "json": _json,
    "sarif": _sarif,
    "github": _github,
    "junit": _junit,
}
