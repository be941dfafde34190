"""What a configuration may hold, and the JSON form of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value may be.

    Attributes:
        name: `text`, `int`, `float`, `bool`, `none`, `list`, `dict`, `record`, `literal`, `union`, `other` (anything
            but a mapping) or `any`.
        parts: alternatives of a union; the items of a list or the values of a dictionary (one).
        values: what a literal may be.
        record: name of a record.
    """

    name: str
    parts: tuple[Shape, ...] = ()
    values: tuple[Any, ...] = ()
    record: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """Keys of a mapping.

    Attributes:
        keys: what each may hold.
        open: why other keys may be right as well; "" when these are all.
        dashes: `-` and `_` in keys mean the same.
    """

    keys: Mapping[str, Shape]
    open: str = ""
    dashes: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """What a whole document may be."""

    root: Shape
    records: Mapping[str, Record] = field(default_factory=dict)


ANY = Shape("any")
NONE = Shape("none")
OTHER = Shape("other")


def union(*parts: Shape) -> Shape:
    """A shape that is one of several."""
    flat = tuple(
        dict.fromkeys(p for part in parts for p in (part.parts if part.name == "union" else (part,)))
    )
    if ANY in flat:
        return ANY
    return flat[0] if len(flat) == 1 else Shape("union", flat)


def to_json(schema: Schema) -> dict[str, Any]:
    """A schema as JSON holds it."""
    records = {
        name: {
            "keys": {key: _shape_to_json(shape) for key, shape in record.keys.items()},
            **({"open": record.open} if record.open else {}),
            **({"dashes": True} if record.dashes else {}),
        }
        for name, record in schema.records.items()
    }
    return {"root": _shape_to_json(schema.root), "records": records}


def _shape_to_json(shape: Shape) -> Any:
    if shape.name == "literal":
        return {"literal": list(shape.values)}
    if shape.name == "record":
        return {"record": shape.record}
    return {shape.name: [_shape_to_json(part) for part in shape.parts]} if shape.parts else shape.name


def from_json(data: Mapping[str, Any]) -> Schema:
    """The schema that `to_json` wrote."""
    records = {
        name: Record(
            {key: _shape_from_json(shape) for key, shape in row["keys"].items()},
            row.get("open", ""),
            row.get("dashes", False),
        )
        for name, row in data["records"].items()
    }
    return Schema(_shape_from_json(data["root"]), records)


def _shape_from_json(data: Any) -> Shape:
    if isinstance(data, str):
        return Shape(data)
    ((name, value),) = data.items()
    if name == "literal":
        return Shape("literal", (), tuple(value))
    if name == "record":
        return Shape("record", record=value)
    return Shape(name, tuple(map(_shape_from_json, value)))
