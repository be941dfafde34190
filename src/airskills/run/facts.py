"""`facts.yaml` with the line of everything in it: what memory gets wrong, how it fails, and what to write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from airskills.finding import Finding
from airskills.folder import Folder

FILE = "facts.yaml"
CLAIMS = ("fails", "silent", "warns")


class Half(NamedTuple):
    """Code of a fact: its text, the line of its key, and the line on which the text begins."""

    text: str
    line: int
    first_line: int


class Fact(NamedTuple):
    """One entry.

    Attributes:
        id: its name.
        old: what memory would write.
        new: what works.
        claim: `fails`, `silent` or `warns`: what `old` does.
        expression: the regular expression or Python expression that says so.
        proof: why it cannot be run (`static: ...`), or "".
    """

    id: str
    old: Half
    new: Half
    claim: str
    expression: str
    proof: str


def read_facts(folder: Folder) -> tuple[list[Fact], list[Finding]]:
    """The facts of a skill, and a finding for each entry that is none."""
    if not folder.has(FILE):
        return [], []
    path = folder.at(FILE)
    try:
        root = yaml.compose(folder.text(FILE), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        message = f"The file is not YAML: {getattr(error, 'problem', None) or error}"
        return [], [Finding(path, line, 1, "AR112", message, "Correct it")]
    if root is None:
        return [], []
    if not isinstance(root, yaml.SequenceNode):
        return [], [
            Finding(path, 1, 1, "AR112", "The file is not a list of facts", "Begin each with `- id:`")
        ]
    facts, findings = [], []
    for node in root.value:
        problems = list(_problems(node))
        findings += [Finding(path, _line(node), 1, "AR112", message, help_) for message, help_ in problems]
        if not problems:
            facts.append(_fact(_entries(node)))
    return facts, findings


def _entries(node: Any) -> dict[str, tuple[Any, Any]]:
    """Key and value node of each entry of a mapping, by the key's text."""
    return {key.value: (key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _problems(node: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(node, yaml.MappingNode):
        yield "The entry is not a mapping", "Begin it with `- id:`"
        return
    entries = _entries(node)
    name = entries["id"][1].value if "id" in entries else "without an id"
    for key in ("id", "old", "new", *CLAIMS):
        if key in entries and not isinstance(entries[key][1], yaml.ScalarNode):
            yield f"{key!r} of the fact {name} is not text", "Write one string"
    for key in ("id", "old", "new"):
        if key not in entries:
            yield f"The fact {name} has no {key!r}", "Add it"
    claims = [claim for claim in CLAIMS if claim in entries]
    if len(claims) != 1:
        yield f"The fact {name} has {len(claims)} of {', '.join(CLAIMS)}", "State exactly one"


def _fact(entries: dict[str, tuple[Any, Any]]) -> Fact:
    claim = next(claim for claim in CLAIMS if claim in entries)
    proof = entries["proof"][1].value if "proof" in entries else ""
    return Fact(
        entries["id"][1].value,
        _half(*entries["old"]),
        _half(*entries["new"]),
        claim,
        entries[claim][1].value,
        str(proof),
    )


def _half(key: Any, value: Any) -> Half:
    """A literal block (`|`) begins on the line after its mark; other scalars where they stand."""
    return Half(value.value, _line(key), _line(value) + (value.style == "|"))


def _line(node: Any) -> int:
    line: int = node.start_mark.line
    return line + 1
