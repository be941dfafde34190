"""Changes as text for people, Markdown for a skill, and JSON for machines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from airskills.drift.change import BREAKING, KINDS, SILENT, Change
from airskills.drift.hits import Hit

FORMATS = ("text", "json", "markdown")
_SHOWN = 5  # parameters, paths


def text(changes: Sequence[Change]) -> str:
    """What happened, a heading for each kind; things that changed in the same way and release share a line."""
    lines = []
    width = max((len(change.since) for change in changes), default=0)
    for kind, group in groupby(changes, key=lambda change: change.kind):
        lines.append(f"\n{KINDS[kind]}{' (silent)' if kind in SILENT else ''}:")
        for alike in _alike(group):
            others = [path for change in alike for path in change.paths if change.what != "module"]
            more = f" (also {_listed(sorted(set(others)))})" if others else ""
            lines.append(f"  {alike[0].since:{width}}  {_line(alike)}{more}")
    return "\n".join(lines).lstrip("\n") + "\n" if lines else ""


def _alike(changes: Iterable[Change]) -> Iterable[list[Change]]:
    """Parameters of one call with one fate, or one parameter of several calls with one new default."""
    groups: dict[tuple[str, ...], list[Change]] = {}
    for change in changes:
        key: tuple[str, ...] = change.key
        if change.kind == "default":
            key = (change.kind, change.parameter, change.old, change.new, change.since)
        elif change.parameter and change.kind in {"gone", "required", "added", "positional-only"}:
            key = (change.kind, change.path, change.since, change.evidence, "")
        groups.setdefault(key, []).append(change)
    return groups.values()


def _line(alike: Sequence[Change]) -> str:
    first = alike[0]
    if first.kind == "default":
        return (
            f"{first.parameter}: {first.old} to {first.new} in {_listed([change.path for change in alike])}"
        )
    subject = first.subject
    if len(alike) > 1:
        subject = f"{first.path}({_listed([f'{change.parameter}=' for change in alike])})"
    return f"{subject}{_detail(first, len(alike))}"


def _detail(change: Change, count: int) -> str:
    """What a heading does not say."""
    if change.kind in {"renamed", "moved"}:
        return f" is {change.new} ({change.evidence})"
    if change.kind in {"reordered", "became"}:
        return f" {change.predicate}"
    if change.kind == "required" and count == 1:
        return f" (the default was {change.old})" if change.old else " (new)"
    if change.kind == "added":
        return f" (default {change.new})" if change.new and count == 1 else ""
    return f": {change.evidence}" if change.evidence else ""


def _listed(words: Sequence[str]) -> str:
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more


def markdown(changes: Sequence[Change]) -> str:
    """The table "What changed lately" of a skill, newest release first within each kind."""
    rows = ["| you would write | what happens now | write this | since |", "|---|---|---|---|"]
    for change in changes:
        new = f"`{change.new}`" if change.kind in {"renamed", "moved"} else ""
        new = f"`{change.parameter}={change.old}` for the old behavior" if change.kind == "default" else new
        cells = (f"`{change.subject}`", change.predicate, new, change.since)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def as_json(
    package: str,
    old: str,
    new: str,
    changes: Sequence[Change],
    undecided: Mapping[str, int],
    hits: Sequence[Hit] | None,
) -> str:
    """Everything, for machines."""
    value: dict[str, object] = {
        "package": package,
        "old": old,
        "new": new,
        "changes": [{**change.as_dict(), "breaks": change.breaks} for change in changes],
        "undecided": dict(undecided),
    }
    if hits is not None:
        value["hits"] = [hit_row(hit) for hit in hits]
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def hit_row(hit: Hit) -> dict[str, object]:
    """A hit for JSON."""
    return {
        "path": hit.path,
        "line": hit.line,
        "column": hit.column,
        "change": hit.change.as_dict(),
    }


def hit_lines(hits: Sequence[Hit], package: str) -> str:
    """`path:line:column: trl.PPOTrainer is gone (since trl 1.13.0)`; a changed default once, with every line that relies on it."""
    lines = [
        f"{hit.path}:{hit.line}:{hit.column}: {_dated(hit.change, package)}"
        for hit in hits
        if hit.change.kind not in SILENT
    ]
    relying: dict[Change, list[str]] = {}
    for hit in hits:
        if hit.change.kind in SILENT:
            relying.setdefault(hit.change, []).append(f"{hit.path}:{hit.line}")
    for change, places in relying.items():
        lines += [f"{_dated(change, package)}; relied on by", *(f"    {place}" for place in places)]
    return "".join(f"{line}\n" for line in lines)


def _dated(change: Change, package: str) -> str:
    return f"{change} (since {package} {change.since})" if change.since else str(change)


def summary(changes: Sequence[Change], undecided: Mapping[str, int]) -> str:
    """One closing line: how many of what."""
    counts = Counter(change.kind for change in changes)
    breaking = sum(counts[kind] for kind in BREAKING)
    parts = [
        f"{breaking} that break",
        f"{counts['default']} changed defaults",
        f"{counts['deprecated']} deprecated",
        f"{counts['added']} new",
    ]
    unknown = sum(undecided.values())
    return f"{', '.join(parts)}{f'; {unknown} could not be told' if unknown else ''}."
