"""Findings that are known and not repaired yet: how an old library adopts the check and still notices what is new.

A finding is known by its file, code and message, never by its line or by what the message counts, so that it stays known
when text moves and grows.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from airskills.errors import AirskillsError
from airskills.finding import Finding, gist

Identity = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """Findings against a baseline.

    Attributes:
        fresh: findings that it does not hold, in their order.
        known: how many it holds.
        gone: how many of its entries no finding answers to any more.
    """

    fresh: tuple[Finding, ...]
    known: int
    gone: int


def write(findings: Sequence[Finding], path: Path, roots: Iterable[str]) -> int:
    """Make the file hold these findings and, of its old entries, those outside the checked `roots`.

    Returns:
        How many entries it has now.

    Raises:
        AirskillsError: the file exists and is no baseline.
    """
    known = Counter(_identity(finding, path) for finding in findings)
    if path.exists():
        known += _outside(_read(path), path, roots)
    rows = [
        {"path": file, "code": code, "message": message, "count": count}
        for (file, code, message), count in sorted(known.items())
    ]
    text = json.dumps({"version": 1, "findings": rows}, indent=2, ensure_ascii=False) + "\n"
    path.write_bytes(text.encode(errors="backslashreplace"))  # JSON writes a lone surrogate in the same way
    return known.total()


def compare(findings: Sequence[Finding], path: Path, roots: Iterable[str]) -> Difference:
    """What is new, known and gone, of that what lies under the checked `roots`.

    Raises:
        AirskillsError: the file is missing or is no baseline.
    """
    left = _read(path)
    fresh = []
    for finding in findings:
        identity = _identity(finding, path)
        if left[identity] > 0:
            left[identity] -= 1
        else:
            fresh.append(finding)
    gone = left.total() - _outside(left, path, roots).total()
    return Difference(tuple(fresh), len(findings) - len(fresh), gone)


def _read(path: Path) -> Counter[Identity]:
    known: Counter[Identity] = Counter()
    try:
        for row in json.loads(path.read_bytes())["findings"]:
            known[row["path"], row["code"], gist(row["message"])] += int(row["count"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AirskillsError(
            f"{path} is no baseline: {error}", help="Write one with --write-baseline"
        ) from error
    return known


def _identity(finding: Finding, baseline: Path) -> Identity:
    return (
        os.path.relpath(finding.path, _folder(baseline)).replace(os.sep, "/"),
        finding.code,
        gist(finding.message),
    )


def _outside(known: Counter[Identity], baseline: Path, roots: Iterable[str]) -> Counter[Identity]:
    checked = [os.path.abspath(root) for root in roots]
    folder = _folder(baseline)
    return Counter(
        {
            identity: count
            for identity, count in known.items()
            if not any(_below(os.path.normpath(f"{folder}/{identity[0]}"), root) for root in checked)
        }
    )


def _below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def _folder(baseline: Path) -> str:
    return os.path.dirname(os.path.abspath(baseline))
