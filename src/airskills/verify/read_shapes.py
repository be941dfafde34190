"""What a configuration may hold whose keys are flags of a program, or stand in a JSON schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airskills.verify.flags import Command, Option
from airskills.verify.reader.values import is_literal
from airskills.verify.shapes import ANY, NONE, Record, Schema, Shape, union


def from_command(command: Command, *, dashes: bool, extra: Mapping[str, Shape]) -> Schema:
    """A file whose keys are the long flags of a program; dots in flags make nested mappings."""
    found: dict[str, dict[str, Shape]] = {"": dict(extra)}
    for option in command.options:
        for name in option.names:
            if name.startswith("--") and name != "--help":
                _place(found, name[2:], _of_option(option))
    made = {name: Record(keys, command.open, dashes) for name, keys in found.items()}
    return Schema(Shape("record", record=""), made)


def _place(found: dict[str, dict[str, Shape]], name: str, shape: Shape) -> None:
    head, _, tail = name.rpartition(".")
    if head:
        found.setdefault(head, {})[tail] = shape
        _place(found, head, union(Shape("record", record=head), NONE, Shape("text")))
    else:
        found[""].setdefault(tail, shape)
        if shape.name == "union" and shape.parts[0].name == "record":
            found[""][tail] = shape


def _of_option(option: Option) -> Shape:
    if option.nargs in {0, "?", None, "..."}:
        return ANY
    one = (
        Shape("literal", (), option.choices) if option.choices else Shape(option.kind) if option.kind else ANY
    )
    return union(one, NONE) if option.nargs == 1 else union(one, Shape("list", (one,)), NONE)


def from_json_schema(data: Mapping[str, Any]) -> Schema:
    """The part of a JSON schema that says which keys and kinds there are."""
    found: dict[str, Record] = {}
    root = _of_schema(data, found, "document")
    return Schema(root, found)


_TYPES = {"string": "text", "integer": "int", "number": "float", "boolean": "bool", "null": "none"}


def _of_schema(data: Any, found: dict[str, Record], name: str) -> Shape:
    if not isinstance(data, Mapping) or len(found) > 2_000:
        return ANY
    kinds = data.get("type")
    either = data.get("anyOf") or data.get("oneOf")
    if "enum" in data or "case_insensitive_enum" in data:
        return _of_values(data.get("enum"))
    if isinstance(either, list | tuple) and "properties" not in data:
        return union(*(_of_schema(part, found, f"{name}|{number}") for number, part in enumerate(either)))
    if isinstance(kinds, list | tuple):
        return union(*(_of_schema({**data, "type": kind}, found, name) for kind in kinds))
    if kinds == "object" or "properties" in data:
        return _of_object(data, found, name)
    return (
        Shape("list", (_of_schema(data.get("items"), found, f"{name}[]"),))
        if kinds == "array"
        else _scalar(kinds)
    )


def _of_values(values: Any) -> Shape:
    known = isinstance(values, list | tuple) and all(is_literal(value) for value in values)
    return Shape("literal", (), tuple(values)) if known else ANY


def _scalar(kind: Any) -> Shape:
    return Shape(_TYPES.get(kind, "any")) if isinstance(kind, str) else ANY


def _of_object(data: Mapping[str, Any], found: dict[str, Record], name: str) -> Shape:
    properties, more = data.get("properties"), data.get("additionalProperties", True)
    if not isinstance(properties, Mapping):
        return Shape("dict", (_of_schema(more, found, f"{name}.*") if isinstance(more, Mapping) else ANY,))
    found[name] = Record({})
    keys = {key: _of_schema(value, found, f"{name}.{key}") for key, value in properties.items()}
    closed = more is False and not data.get("patternProperties")
    found[name] = Record(keys, "" if closed else "its schema allows other keys")
    return Shape("record", record=name)
