# /// script
# requires-python = ">=3.11"
# dependencies = ["qdrant-client==1.20.0"]
# ///
"""Say why a Qdrant filter finds nothing, or more than was meant: each condition alone against real payloads.

Payloads are JSON lines; the filter is JSON as the REST API takes it ({"must": [...], "should": [...], "must_not": [...]}).
Conditions are evaluated by the package's own local mode; nothing is sent anywhere.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qdrant_client import QdrantClient, models

EXAMPLE = """example:
  python check_filter.py payloads.jsonl filter.json
  python check_filter.py payloads.jsonl filter.json --json

exit status: 0 nothing found, 1 something found, 2 a file cannot be read or is no filter.
"""
PARTS = ("must", "should", "must_not")


@dataclass(frozen=True)
class Finding:
    """One condition that does not do what it seems to."""

    code: str
    what: str
    cure: str


def values(payload: Any, path: str) -> list[Any]:
    """What stands at a path such as `items[].color`; lists are opened at the end, as Qdrant does."""
    found = [payload]
    for part in path.split("."):
        name, opened = part.removesuffix("[]"), part.endswith("[]")
        found = [value[name] for value in found if isinstance(value, dict) and name in value]
        if opened:
            found = [item for value in found if isinstance(value, list) for item in value]
    return [item for value in found for item in (value if isinstance(value, list) else [value])]


def wanted(condition: models.FieldCondition) -> tuple[type, ...]:
    """The types that a condition can match."""
    match = condition.match
    if isinstance(condition.range, models.Range):
        return (int, float)
    if isinstance(match, models.MatchValue):
        return (type(match.value),)
    if isinstance(match, models.MatchAny):
        return tuple({type(value) for value in match.any})
    return (str,) if isinstance(match, (models.MatchText, models.MatchPrefix, models.MatchSubstring)) else ()


def of_field(
    condition: models.FieldCondition, part: str, payloads: list[dict[str, Any]]
) -> Iterator[Finding]:
    """Faults of one condition: key, type."""
    have = [values(payload, condition.key) for payload in payloads]
    missing = sum(not one for one in have)
    if missing == len(payloads):
        yield Finding(
            "no-key",
            f"no payload has {condition.key}",
            "the key's spelling; `[]` after the name of a list of objects",
        )
        return
    if part == "must_not" and missing:
        yield Finding("missing-matches", f"{missing} payloads lack {condition.key} and pass must_not",
                      "must with match except, or must_not with is_empty")  # fmt: skip
    types = {type(value) for one in have for value in one} - {type(None)}
    asked = wanted(condition)
    if asked and types and not types & set(asked):
        yield Finding("type", f"{condition.key} holds {', '.join(sorted(t.__name__ for t in types))}, the condition asks for "
                      f"{', '.join(t.__name__ for t in asked)}: it never matches", "one type in payload and filter")  # fmt: skip


def of_lists(conditions: list[Any]) -> Iterator[Finding]:
    """Conditions on the same list of objects that need not hold in one object."""
    roots: dict[str, list[str]] = {}
    for condition in conditions:
        if isinstance(condition, models.FieldCondition) and "[]" in condition.key:
            roots.setdefault(condition.key.rsplit("[]", 1)[0], []).append(condition.key)
    for root, keys in roots.items():
        if len(keys) > 1:
            yield Finding("not-nested", f"{' and '.join(keys)} may hold in different elements of {root}",
                          f'{{"nested": {{"key": "{root}", "filter": {{"must": [...]}}}}}}')  # fmt: skip


def collection(payloads: list[dict[str, Any]]) -> QdrantClient:
    """The payloads as points in memory."""
    client = QdrantClient(":memory:")
    client.create_collection("c", vectors_config={})
    client.upsert("c", [models.PointStruct(id=n, vector={}, payload=one) for n, one in enumerate(payloads)])
    return client


def conditions_of(given: models.Filter, part: str) -> list[Any]:
    """The conditions of a part as a list."""
    held = getattr(given, part)
    return held if isinstance(held, list) else [] if held is None else [held]


def findings(payloads: list[dict[str, Any]], given: models.Filter) -> tuple[list[Finding], dict[str, int]]:
    """All faults, and how many payloads each condition and the whole filter let through."""
    client = collection(payloads)

    def count(one: models.Filter) -> int:
        return client.count("c", count_filter=one).count

    found: list[Finding] = []
    counts = {"all": count(given)}
    for part in PARTS:
        conditions = conditions_of(given, part)
        for number, condition in enumerate(conditions):
            counts[f"{part}[{number}]"] = count(models.Filter(**{part: [condition]}))
            if isinstance(condition, models.FieldCondition):
                found += of_field(condition, part, payloads)
        if part == "must":
            found += of_lists(conditions)
    if given.must and given.should and 0 < count(models.Filter(must=given.must)) != counts["all"]:
        found.append(Finding("should-is-hard", "should excludes points: with must, one of should must hold",
                             "drop it, or boost by a formula"))  # fmt: skip
    if not any(conditions_of(given, part) for part in PARTS) and given.min_should is None:
        found.append(
            Finding("empty", "the filter has no condition: it means all points, in delete too", "refuse it")
        )
    return found, counts


def read(payloads: Path, given: Path) -> tuple[list[dict[str, Any]], models.Filter]:
    """Both files.

    Raises:
        ValueError: Not objects, or not a filter.
    """
    rows = [json.loads(line) for line in payloads.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not rows or not all(isinstance(row, dict) for row in rows):
        message = f"{payloads} holds no payloads: one JSON object a line is needed"
        raise ValueError(message)
    return rows, models.Filter.model_validate_json(given.read_text(encoding="utf-8"))


def main() -> int:
    """Print counts and what is found."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("payloads", type=Path, help="JSON lines")
    parser.add_argument("filter", type=Path, help="JSON")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    try:
        payloads, given = read(args.payloads, args.filter)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    found, counts = findings(payloads, given)
    if args.json:
        print(
            json.dumps(
                {"payloads": len(payloads), "match": counts, "findings": [asdict(one) for one in found]}
            )
        )
    else:
        print(
            f"{len(payloads)} payloads; " + ", ".join(f"{name}: {number}" for name, number in counts.items())
        )
        for one in found:
            print(f"{one.code}: {one.what}\n    cure: {one.cure}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
