"""Proposals for `facts.yaml`: what an author would write from memory, how it fails now, what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import yaml

from airskills.drift.change import Change
from airskills.drift.surface import last, parent

HEAD = """\
# Proposed by `airskills drift {package} {old} {new}`: from signatures, not from behavior. Keep what a strong model
# gets wrong, put real code in place of the probes, and run `airskills test`; a `new` that says REPLACE is not done.
"""


def propose(package: str, old: str, new: str, changes: Iterable[Change]) -> str:
    """Entries for a `facts.yaml`, breaking changes and changed defaults only; the header alone where there are none."""
    entries = [_entry(group, package) for group in _alike(c for c in changes if c.kind in _WRITERS)]
    taken: dict[str, int] = {}
    for entry in entries:
        taken[entry["id"]] = taken.get(entry["id"], 0) + 1
        if taken[entry["id"]] > 1:
            entry["id"] += f"-{taken[entry['id']]}"
    body = "".join(
        yaml.dump([entry], Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True)
        for entry in entries
    )
    return HEAD.format(package=package, old=old, new=new) + body


def _alike(changes: Iterable[Change]) -> Iterable[list[Change]]:
    """One parameter of several calls with one new default is one fact."""
    groups: dict[tuple[str, ...], list[Change]] = {}
    for change in changes:
        same = change.parameter, change.old, change.new, change.since
        groups.setdefault(same if change.kind == "default" else change.key, []).append(change)
    return groups.values()


def _entry(group: Sequence[Change], package: str) -> dict[str, str]:
    change = group[0]
    thing = "" if len(group) > 1 else last(change.path)
    name = "-".join(filter(None, (thing, change.parameter.strip("*"), change.kind)))
    body = _WRITERS[change.kind](change)
    if len(group) > 1:
        body["new"] += f"# the same in {', '.join(other.path for other in group[1:])}\n"
    since = f"{package} {_short(change.since)}" if change.since else ""
    return {"id": re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"), **body, "since": since}


def _short(version: str) -> str:
    """1.14 of 1.14.0, as release notes write it."""
    return re.sub(r"^(\d+\.\d+)\.0$", r"\1", version)


def _import(path: str) -> str:
    return f"from {parent(path)} import {last(path)}\n" if "." in path else f"import {path}\n"


def _reach(change: Change, path: str) -> tuple[str, str]:
    """(import line, expression) of a thing; of a member behind its class."""
    if change.what in {"method", "attribute", "property"}:
        owner = parent(path)
        return _import(owner), f"{last(owner)}.{last(path)}"
    return _import(path), last(path)


def _callable(change: Change) -> tuple[str, str]:
    """(imports, expression) of what takes the parameter: a function, a class, or a method behind its class."""
    owner = parent(change.path)
    if last(owner)[:1].isupper():
        return _import(owner), f"{last(owner)}.{last(change.path)}"
    return _import(change.path), last(change.path)


def _lost(change: Change) -> dict[str, str]:
    if change.parameter:
        return _lost_parameter(change)
    line, expression = _reach(change, change.path)
    is_member = change.what in {"method", "attribute", "property"}
    old = (
        f"{line}{expression}\n"
        if is_member
        else f"import {change.path}\n"
        if change.what == "module"
        else line
    )
    fails = (
        f"AttributeError: .*{last(change.path)}"
        if is_member
        else f"(ImportError|ModuleNotFoundError): .*{last(change.path)}"
    )
    return {"old": old, "fails": fails, "new": _instead(change)}


def _instead(change: Change) -> str:
    if not change.new:
        return "# REPLACE: nothing took its place by name\n"
    if change.what in {"method", "attribute", "property"}:
        line, expression = _reach(change, change.new)
        return f"{line}{expression}\n"
    return _import(change.new)


def _lost_parameter(change: Change) -> dict[str, str]:
    line, expression = _callable(change)
    name = change.parameter.strip("*")
    if "**" in change.evidence and change.kind == "gone":
        probe = f"import inspect\n{line}names = inspect.signature({expression}).parameters\n"
        new = f"{probe}# REPLACE: {name} {change.evidence}\n"
        return {"old": probe, "silent": f"{name!r} not in names", "new": new}
    old = f"import inspect\n{line}inspect.signature({expression}).bind_partial({name}=None)\n"
    new = (
        f"import inspect\n{line}inspect.signature({expression}).bind_partial({change.new}=None)\n"
        if change.new
        else _instead(change)
    )
    return {"old": old, "fails": f"TypeError: .*{name}", "new": new}


def _default(change: Change) -> dict[str, str]:
    line, expression = _callable(change)
    probe = f"import inspect\n{line}default = inspect.signature({expression}).parameters[{change.parameter!r}].default\n"
    new = f"{probe}# REPLACE: pass {change.parameter}={change.old} for the old behavior\n"
    return {"old": probe, "silent": f"repr(default) != {change.old!r}", "new": new}


_WRITERS: dict[str, Callable[[Change], dict[str, str]]] = {
    "gone": _lost,
    "renamed": _lost,
    "moved": _lost,
    "default": _default,
}


class _Dumper(yaml.SafeDumper):
    """Writes code as literal blocks."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else '"' if re.search(r"[:*#{}\[\]|>&!%@`'\"]", value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
