"""AV202: configurations in blocks with `{schema="NAME"}`, against what the pinned tool takes."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from airskills.markdown import CodeBlock
from airskills.verify.documents import DocumentError, Node, read
from airskills.verify.ledger import Entry, State
from airskills.verify.schemas import SCHEMAS, schema
from airskills.verify.shapes import Record, Schema, Shape
from airskills.verify.tools import Tools

LANGUAGES = frozenset({"yaml", "yml", "json", "toml"})
_TRUE = frozenset({"true", "yes", "on", "y", "t", "1", "false", "no", "off", "n", "f", "0"})


def check_configs(path: str, blocks: Iterable[CodeBlock], tools: Tools) -> list[Entry]:
    """Judge every key of the configurations that name their schema.

    Args:
        path: the file that the blocks stand in.
        blocks: any blocks; those without a schema are passed over, as nobody says what reads them.
        tools: the pinned packages.
    """
    found: list[Entry] = []
    for block in blocks:
        name = block.attributes.get("schema", "")
        if (
            name
            and block.language in LANGUAGES
            and not block.attributes.get("proof", "").startswith(("skip", "fails"))
        ):
            found += _of_block(path, block, name, tools)
    return found


def _of_block(path: str, block: CodeBlock, name: str, tools: Tools) -> Iterator[Entry]:
    known = schema(name, tools)
    if isinstance(known, str):
        near = difflib.get_close_matches(name, SCHEMAS, n=1) if name not in SCHEMAS else []
        hint = f"Write {near[0]}" if near else ""
        yield Entry(
            path, block.line, 1, "AV203", f"The configuration is not proven: {known}", hint, "unproven", name
        )
        return
    try:
        documents = read(block.language, block.text)
    except DocumentError as error:
        message = f"The {block.language} block is not read: {error}"
        yield Entry(path, block.first_line + error.line - 1, 1, "AV203", message, "", "unproven", name)
        return
    for document in documents:
        for said in judge(name, known, document):
            place = (path, block.first_line + said.node.line - 1, said.node.column)
            if said.state == "proven":
                yield Entry(*place, use=f"{name} {said.message}")
            else:
                code = "AV202" if said.state == "dead" else "AV203"
                yield Entry(
                    *place, code, said.message, said.help, said.state, f"{name} {said.node.value}"[:80]
                )


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict on a key or value."""

    state: State
    node: Node
    message: str
    help: str = ""


def judge(name: str, schema: Schema, document: Node) -> Iterator[Said]:
    """Every key of a document, and every value that is wrong."""
    yield from _value(name, schema, schema.root, document, "")


def _value(name: str, schema: Schema, shape: Shape, node: Node, path: str) -> Iterator[Said]:
    if not node.known or shape.name == "any" or (shape.name == "other" and node.pairs is None):
        return
    if shape.name == "union":
        yield from _either(name, schema, shape, node, path)
    elif shape.name == "record" and node.pairs is not None:
        yield from _mapping(name, schema, schema.records[shape.record], node, path)
    elif shape.name == "dict" and node.pairs is not None:
        for key, value in node.pairs:
            yield from _value(name, schema, shape.parts[0], value, f"{path}.{key.value}")
    elif shape.name == "list" and isinstance(node.value, list):
        for item in node.value:
            yield from _value(name, schema, shape.parts[0], item, f"{path}[]")
    elif not _fits(shape, node):
        yield _wrong(name, shape, node, path)


def _either(name: str, schema: Schema, shape: Shape, node: Node, path: str) -> Iterator[Said]:
    """Of the alternatives that are built like the value, the one that says the least against it."""
    parts = [part for part in shape.parts if _alike(part, node)]
    if isinstance(node.value, list) and any(item.pairs is not None for item in node.value):
        parts = [part for part in parts if part.name == "list"] or parts  # `other` says nothing about keys
    if not parts:
        yield _wrong(name, shape, node, path)
        return
    said = [list(_value(name, schema, part, node, path)) for part in parts]
    best = min(said, key=lambda verdicts: (sum(v.state == "dead" for v in verdicts), -len(verdicts)))
    scalar = node.pairs is None and not isinstance(node.value, list)
    if scalar and any(verdict.state == "dead" for verdict in best):
        yield _wrong(name, shape, node, path)
    else:
        yield from best


def _alike(shape: Shape, node: Node) -> bool:
    """Whether a shape is built like a value: mapping, list or scalar."""
    if shape.name == "other":
        return node.pairs is None
    if node.pairs is not None:
        return shape.name in {"record", "dict"}
    return (shape.name == "list") is isinstance(node.value, list) and shape.name not in {"record", "dict"}


def _mapping(name: str, schema: Schema, record: Record, node: Node, path: str) -> Iterator[Said]:
    plain = {_plain(key, record): shape for key, shape in record.keys.items()}
    seen: set[str] = set()
    for key, value in node.pairs or ():
        text = str(key.value)
        if text == "<<" or not key.known:
            continue
        full = f"{path}.{text}".lstrip(".")
        word = _plain(text, record)
        if word in seen:
            yield Said("dead", key, f"{name}: {full!r} stands twice; the first is lost", "Remove one of them")
        elif word in plain:
            yield Said("proven", key, full)
            yield from _value(name, schema, plain[word], value, full)
        elif record.open:
            yield Said("unproven", key, f"{name} may have a key {full!r}: {record.open}")
        else:
            near = difflib.get_close_matches(text, record.keys, n=1, cutoff=0.7)
            where = f" in {path!r}" if path else ""
            hint = f"Did you mean {near[0]}?" if near else ""
            yield Said("dead", key, f"{name} has no key {text[:80]!r}{where}", hint)
        seen.add(word)


def _plain(key: str, record: Record) -> str:
    return key.replace("_", "-") if record.dashes else key


def _fits(shape: Shape, node: Node) -> bool:
    """Whether a scalar can become what the shape asks for."""
    value = node.value
    if node.pairs is not None or isinstance(value, list):
        return False
    if value is None:
        return True  # an empty value stands for the default in every tool that was looked at
    if shape.name == "literal":
        return any(value == item or str(value) == str(item) for item in shape.values)
    if shape.name in {"int", "float"}:
        return _is_number(value, shape.name)
    if shape.name == "bool":
        return isinstance(value, bool) or str(value).lower() in _TRUE
    return shape.name == "text"


def _is_number(value: object, kind: str) -> bool:
    if isinstance(value, int | float):  # true and false count as 1 and 0
        return kind == "float" or float(value).is_integer()
    try:
        (int if kind == "int" else float)(str(value).replace("_", ""))
    except ValueError:
        return False
    return True


def _wrong(name: str, shape: Shape, node: Node, path: str) -> Said:
    values = [str(v) for part in (shape.parts or (shape,)) for v in part.values if part.name == "literal"]
    near = difflib.get_close_matches(str(node.value), values, n=1)
    hint = f"Write {near[0]}" if near else f"Choose from {', '.join(values[:12])}" if values else ""
    place = path or "the document"
    return Said("dead", node, f"{name}: {place} takes {_words(shape)}, not {node.kind}", hint)


def _words(shape: Shape) -> str:
    names = {"text": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "none": "nothing",
             "list": "a list", "dict": "a mapping", "record": "a mapping", "other": "another form", "literal": "one of its choices"}  # fmt: skip
    parts = [part for part in (shape.parts if shape.name == "union" else (shape,)) if part.name != "none"]
    return " or ".join(dict.fromkeys(names.get(part.name, part.name) for part in parts)) or "nothing"
