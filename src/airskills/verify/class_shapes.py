"""What a configuration may hold whose keys are fields of classes: dataclasses, pydantic models, typed dictionaries."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from airskills.verify.reader import records
from airskills.verify.reader.classes import class_names, mro
from airskills.verify.reader.flow import Runner
from airskills.verify.reader.values import Class, Function, Unknown, Value
from airskills.verify.shapes import ANY, OTHER, Record, Shape, union


class FromClasses:
    """Records of dataclasses, pydantic models and typed dictionaries that a machine reads."""

    def __init__(self, machine: Runner) -> None:
        self.machine = machine
        self.records: dict[str, Record] = {}

    def record(self, cls: Class) -> str:
        """The name under which the record of a class is kept in `records`, with those that it refers to."""
        name = cls.full_name
        if name not in self.records:
            self.records[name] = Record({})  # it may refer to itself
            self.records[name] = self._record(cls)
        return name

    def shape(self, cls: Class) -> Shape:
        """The shape of a class; one that rewrites what it is given takes other forms too."""
        plain = Shape("record", record=self.record(cls))
        return union(plain, OTHER) if "*" in set(_rewritten(self.machine, cls)) else plain

    def _record(self, cls: Class) -> Record:
        keys: dict[str, Shape] = {}
        reason = _why_open(self.machine, cls)
        for found in records.fields(self.machine, cls):
            shape = self.of_kind(records.kind(self.machine, records.type_of(self.machine, found)))
            arguments = records.factory(self.machine, found)
            if arguments is not None and arguments.named.get("init", True) is False:
                continue
            names, computed = _aliases(arguments.named if arguments else {})
            reason = reason or (f"an alias of {found.name} is computed" if computed else "")
            keys |= dict.fromkeys([found.name, *names], shape)
        for name in _rewritten(self.machine, cls):
            if name in keys and name != "*":
                keys[name] = union(keys[name], OTHER)
        for name in _renamed(self.machine, cls) & keys.keys():
            self._loosen(keys[name])
        for name in _handled(self.machine, cls):
            keys.setdefault(name, ANY)
        return Record(keys, reason)

    def _loosen(self, shape: Shape) -> None:
        """Leave the keys of a mapping open whose names are changed before it is read."""
        for part in shape.parts or (shape,):
            if part.record in self.records:
                record = self.records[part.record]
                self.records[part.record] = replace(record, open="a validator renames its keys")

    def of_kind(self, kind: records.Kind) -> Shape:
        """The shape that a kind of type admits."""
        if kind.name == "record" and kind.record is not None:
            return self.shape(kind.record)
        if kind.name == "literal":
            return Shape("literal", (), kind.values)
        if kind.name == "union":
            return union(*map(self.of_kind, kind.parts))
        if kind.name in {"list", "dict"}:
            return Shape(kind.name, (self.of_kind(kind.parts[-1]),))
        return Shape({"str": "text"}.get(kind.name, kind.name))


def _why_open(machine: Runner, cls: Class) -> str:
    missing = records.missing_bases(cls)
    if missing:
        return f"the base {missing[0]} of {cls.name} is not unpacked"
    for base in mro(cls):
        names = class_names(machine, base) if isinstance(base, Class) else {}
        if "model_config" in names or "Config" in names:
            return f"{cls.name} allows other keys" if _allows(base, names) else ""
    return ""


def _allows(cls: Class, names: Mapping[str, Value]) -> bool:
    """Whether a model's configuration says `extra="allow"`."""
    config = names.get("model_config")
    if isinstance(config, dict):
        return config.get("extra") == "allow"
    nodes = [s for s in cls.node.body if isinstance(s, ast.Assign | ast.AnnAssign | ast.ClassDef)]
    texts = [
        ast.unparse(node)
        for node in nodes
        if "model_config" in ast.unparse(node) or "Config" in ast.unparse(node)
    ]
    return any("'allow'" in text for text in texts)


def _aliases(named: Mapping[str, Value]) -> tuple[list[str], bool]:
    """Other names of a field, and whether one of them is computed."""
    given = [named[key] for key in ("alias", "validation_alias") if named.get(key) is not None]
    found = [name for item in given for name in (item if isinstance(item, tuple) else (item,))]
    return [name for name in found if isinstance(name, str)], any(isinstance(name, Unknown) for name in found)


def _whole(decorator: ast.expr) -> bool:
    """Whether a validator is given all values of a model."""
    return re.search(r"\b(?:model|root)_validator\b", ast.unparse(decorator)) is not None


def _validators(machine: Runner, cls: Class) -> Iterator[tuple[Function, ast.expr]]:
    """Functions of a model that see values before the fields do, each with its decorator."""
    for base in mro(cls):
        for value in class_names(machine, base).values() if isinstance(base, Class) else ():
            for decorator in getattr(value.node, "decorator_list", ()) if isinstance(value, Function) else ():
                if re.search(r"'(?:before|wrap|plain)'|pre=True", ast.unparse(decorator)):
                    yield value, decorator


def _rewritten(machine: Runner, cls: Class) -> Iterator[str]:
    """Fields whose values a validator may rewrite; `*` for the whole."""
    for _, decorator in _validators(machine, cls):
        words = decorator.args if isinstance(decorator, ast.Call) else []
        names = [
            word.value for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str)
        ]
        yield from ["*"] if _whole(decorator) else names


def _handled(machine: Runner, cls: Class) -> Iterator[str]:
    """Keys that validators look at before the fields are read: older spellings, mostly."""
    for function, decorator in _validators(machine, cls):
        if _whole(decorator):
            yield from _looked_up(function.node)


def _renamed(machine: Runner, cls: Class) -> set[str]:
    """Fields that a validator reads which takes names apart: it may rename the keys below them."""
    functions = [function for function, _ in _validators(machine, cls)]
    taking = [
        f for f in functions if re.search(r"\.(?:startswith|removeprefix|replace)\(", ast.unparse(f.node))
    ]
    return {name for function in taking for name in _looked_up(function.node)}


def _looked_up(function: ast.AST) -> Iterator[str]:
    """String keys that a function subscripts, gets, pops or looks for in what it is given, not in parts of that."""
    given = set(_given(function))
    for node in ast.walk(function):
        key: ast.expr | None = None
        where: ast.expr | None = None
        if isinstance(node, ast.Subscript):
            key, where = node.slice, node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            key = node.args[0] if node.func.attr in {"get", "pop", "setdefault"} else None
            where = node.func.value
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            key, where = node.left, node.comparators[0]
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and _named(where) in given:
            yield key.value


def _given(function: ast.AST) -> Iterator[str]:
    """Parameters of a function, and the copies that it makes of them."""
    known = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    yield from known
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            call = node.value
            sources = [*call.args, *([call.func.value] if isinstance(call.func, ast.Attribute) else [])]
            if not _fetches(call) and known & set(map(_named, sources)):
                yield from filter(None, map(_named, node.targets))


def _fetches(call: ast.Call) -> bool:
    """Whether a call takes one part out of something."""
    return isinstance(call.func, ast.Attribute) and call.func.attr in {"get", "pop", "setdefault"}


def _named(node: ast.expr | None) -> str:
    return node.id if isinstance(node, ast.Name) else ""
