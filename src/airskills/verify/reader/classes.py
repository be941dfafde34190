"""Classes that are read: their order of resolution, their names, their members."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from airskills.verify.reader.flow import Runner
from airskills.verify.reader.values import (
    UNKNOWN,
    Class,
    External,
    Function,
    Generic,
    Lazy,
    Member,
    Scope,
    Unknown,
    Value,
    is_literal,
)

MAX_ITEMS = 5_000


def hashable(value: Value) -> bool:
    """Whether a value can be a key."""
    try:
        hash(value)
    except TypeError:
        return False
    return not isinstance(value, Unknown)


def items(machine: Runner, value: Value) -> list[Value] | None:
    """What iteration over a value gives, or None where that is not known."""
    if isinstance(value, set | frozenset):
        return sorted(value, key=_order)[:MAX_ITEMS]
    if isinstance(value, list | tuple | dict | str | range):
        return list(islice(value, MAX_ITEMS))
    if isinstance(value, Class) and is_enum(value):
        return list(members(machine, value))
    return None


def _order(value: Value) -> str:
    """A key that puts the members of a set in the same order in every process."""
    if isinstance(value, Generic):
        return f"{_order(value.origin)}[{','.join(map(_order, value.arguments))}]"
    return repr(value) if is_literal(value) else f"{type(value).__name__} {getattr(value, 'name', '')}"


def mro(cls: Class) -> list[Value]:
    """The class and its bases in an order that puts a class before its bases; the first of equal ones stays."""
    found: list[Value] = [cls]
    for base in cls.bases:
        plain = base.origin if isinstance(base, Generic) else base
        found += [item for item in (mro(plain) if isinstance(plain, Class) else [plain]) if item not in found]
        if len(found) > 200:
            break
    return found


def class_names(machine: Runner, cls: Class) -> dict[str, Value]:
    """Names of the class body, which runs once."""
    if cls.names is None:
        cls.names = {}
        if machine.enter(cls.node):
            try:
                machine.run_each(cls.node.body, Scope(cls.scope.module, cls.scope, cls.names, of_class=True))
            finally:
                machine.leave()
        for value in cls.names.values():
            if isinstance(value, Function) and value.owner is None:
                value.owner = cls
    return cls.names


def find(machine: Runner, classes: Sequence[Value], name: str) -> Value:
    """A name in the first class that has it."""
    for cls in classes:
        if isinstance(cls, Class):
            names = class_names(machine, cls)
            if name in names or name in cls.notes:
                found = names.get(name, cls.notes.get(name))
                return (
                    machine.lookup(name, Scope(cls.scope.module, names=names))
                    if isinstance(found, Lazy)
                    else found
                )
    return UNKNOWN


def is_enum(cls: Class) -> bool:
    """Whether a class is an enumeration."""
    return any(isinstance(b, External) and b.name.rpartition(".")[2] in _ENUMS for b in mro(cls))


_ENUMS = frozenset({"Enum", "IntEnum", "StrEnum", "ExplicitEnum", "Flag", "IntFlag"})


def members(machine: Runner, cls: Class) -> Iterator[Member]:
    """Members of an enumeration."""
    for name, value in class_names(machine, cls).items():
        if not name.startswith("_") and not isinstance(value, Function | Class):
            yield Member(cls, name, name.lower() if _is_auto(value) else value)


def _is_auto(value: Value) -> bool:
    return isinstance(value, Unknown)
