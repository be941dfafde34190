"""YAML, JSON and TOML as trees whose every key and value knows its line; hostile input is refused, not followed."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 60
MAX_NODES = 100_000

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DocumentError(ValueError):
    """The text is no document that is read here.

    Attributes:
        line: 1-based.
    """

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands.

    Attributes:
        value: a scalar, a list of nodes, or (key node, value node) pairs under `pairs`.
        line: 1-based.
        column: 1-based.
        pairs: entries of a mapping, in order, repeated keys included; None for what is no mapping.
        known: the value is literal; a tag such as `!function` or an alias makes it unknown.
    """

    value: Any
    line: int
    column: int
    pairs: tuple[tuple[Node, Node], ...] | None = None
    known: bool = True

    @property
    def kind(self) -> str:
        """What it is, in words for a message."""
        if self.pairs is not None:
            return "a mapping"
        if isinstance(self.value, list):
            return "a list"
        return "nothing" if self.value is None else repr(self.value)[:60]


def read(language: str, text: str) -> list[Node]:
    """The documents of a text; several only in YAML.

    Raises:
        DocumentError: it does not parse, is larger than a million characters, has more than 100,000 parts, or nests
            more than 60 deep.
    """
    if len(text) > MAX_CHARACTERS:
        raise DocumentError(1, f"larger than {MAX_CHARACTERS:,} characters")
    if language in {"yaml", "yml"}:
        return _yaml(text)
    if language == "json":
        return _json(text)
    return [_toml(text)]


def _yaml(text: str) -> list[Node]:
    _measure(text)
    try:
        composed = list(yaml.compose_all(text, Loader=_Loader))
        return [_from_yaml(node) for node in composed if node is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise DocumentError(mark.line + 1 if mark else 1, str(getattr(error, "problem", error))) from error
    except (ValueError, RecursionError) as error:
        raise DocumentError(1, str(error)) from error


def _measure(text: str) -> None:
    """Refuse what is too deep or too large before it is built; an alias counts as one part."""
    depth = parts = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            parts += 1
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH or parts > MAX_NODES:
                line = event.start_mark.line + 1 if event.start_mark else 1
                limit = (
                    f"nests more than {MAX_DEPTH} deep"
                    if depth > MAX_DEPTH
                    else f"more than {MAX_NODES:,} parts"
                )
                raise DocumentError(line, limit)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise DocumentError(mark.line + 1 if mark else 1, str(getattr(error, "problem", error))) from error
    except ValueError as error:
        if isinstance(error, DocumentError):
            raise
        raise DocumentError(1, str(error)) from error


def _from_yaml(root: yaml.Node) -> Node:
    constructor = yaml.constructor.SafeConstructor()
    seen: set[int] = set()

    def build(node: yaml.Node) -> Node:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        standard = node.tag.startswith("tag:yaml.org,2002:")
        if isinstance(node, yaml.ScalarNode):
            return Node(_scalar(constructor, node) if standard else node.value, line, column, None, standard)
        if id(node) in seen:  # an alias: looked at where it was anchored
            return Node(None, line, column, None, known=False)
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            return Node([build(item) for item in node.value], line, column, None, standard)
        pairs = tuple((build(key), build(value)) for key, value in node.value)
        return Node(None, line, column, pairs, standard)

    return build(root)


def _scalar(constructor: yaml.constructor.SafeConstructor, node: yaml.ScalarNode) -> Any:
    try:
        return constructor.construct_object(node)
    except (yaml.YAMLError, ValueError, OverflowError):
        return node.value


def _json(text: str) -> list[Node]:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise DocumentError(error.lineno, error.msg) from error
    except RecursionError as error:
        raise DocumentError(1, "nested too deeply") from error
    # What is JSON is YAML too, but for tabs between tokens and the escape `\/`.
    return _yaml(
        re.sub(r'"(?:[^"\\]|\\.)*"|\t', lambda m: " " if m[0] == "\t" else m[0].replace("\\/", "/"), text)
    )


def _toml(text: str) -> Node:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        raise DocumentError(int(found[1]) if found else 1, str(error).partition(" (at")[0]) from error
    except RecursionError as error:
        raise DocumentError(1, "nested too deeply") from error
    return _from_data(data, dict(_toml_lines(text)), (), 0)


def _from_data(value: Any, lines: Mapping[tuple[str, ...], int], path: tuple[str, ...], depth: int) -> Node:
    if depth > MAX_DEPTH:
        raise DocumentError(1, f"nests more than {MAX_DEPTH} deep")
    line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), 1)
    if isinstance(value, dict):
        pairs = []
        for key, item in value.items():
            node = _from_data(item, lines, (*path, key), depth + 1)
            pairs.append((Node(key, lines.get((*path, key), line), 1), node))
        return Node(None, line, 1, tuple(pairs))
    if isinstance(value, list):
        return Node([_from_data(item, lines, path, depth + 1) for item in value], line, 1)
    return Node(value, line, 1)


def _toml_lines(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """(path, line) of each table and key, the first of a list of tables."""
    table: tuple[str, ...] = ()
    part = r"(?:[\w-]+|\"[^\"\n]*\"|'[^'\n]*')"
    seen = set()
    for number, line in enumerate(text.split("\n"), 1):
        found = re.match(rf"\s*(\[\[?)?\s*({part}(?:\s*\.\s*{part})*)\s*(\]|=)", line)
        if not found:
            continue
        names = tuple(name.strip("\"'") for name in re.findall(part, found[2]))
        table = names if found[1] else table
        path = names if found[1] else (*table, *names)
        if path not in seen:
            seen.add(path)
            yield path, number
