"""Classes with what they inherit: members, and the parameters of their constructors.

A base outside of the world is looked up in the standard library or in `data/bases.json` (classes of packages too heavy
to unpack for their names alone); of any other base nobody knows what it brings, and the class is said to be open.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

from airskills.drift.names import (
    EITHER,
    KEYWORD,
    KEYWORDS,
    VARIABLE,
    Binding,
    Class,
    Function,
    Parameter,
    Value,
)
from airskills.drift.world import Absent, Found, World

_DATACLASS = re.compile(r"(?:^|\.)dataclass(?:\(|$)")
_NO_FIELD = re.compile(r"^(?:typing\.)?ClassVar\b")
_TYPING = frozenset({"typing", "typing_extensions", "abc"})
# Modules of the standard library that classes derive from and that do nothing when they are imported; others (think
# of `antigravity`, which opens a browser) are never imported on the word of a wheel.
_QUIET = frozenset(
    [
        "abc",
        "argparse",
        "ast",
        "asyncio",
        "builtins",
        "collections",
        "concurrent",
        "configparser",
        "contextlib",
        "ctypes",
        "dataclasses",
        "datetime",
        "decimal",
        "email",
        "enum",
        "fractions",
        "functools",
        "html",
        "http",
        "importlib",
        "inspect",
        "io",
        "json",
        "logging",
        "multiprocessing",
        "numbers",
        "pathlib",
        "pickle",
        "queue",
        "random",
        "shelve",
        "socket",
        "socketserver",
        "string",
        "subprocess",
        "tempfile",
        "threading",
        "types",
        "typing",
        "unittest",
        "urllib",
        "uuid",
        "warnings",
        "weakref",
        "zipfile",
    ]
)
_EXTRA_KEYWORDS = Parameter("kwargs", KEYWORDS, None)
_ANYTHING = (Parameter("args", VARIABLE, None), _EXTRA_KEYWORDS)


class Signature(NamedTuple):
    """What a call may pass.

    Attributes:
        parameters: in order, without the one that is bound (`self`, `cls`).
        open: why more may be allowed than is listed; "" when nothing more is.
        owners: for parameters that are fields of dataclasses, the class that declares each.
    """

    parameters: tuple[Parameter, ...]
    open: str = ""
    owners: dict[str, str] = {}  # noqa: RUF012 - never changed


class Member(NamedTuple):
    """One name of a class: its dotted home, what it is bound to, and the module that holds it."""

    home: str
    binding: Binding
    module: str


class External(NamedTuple):
    """A base outside of the world: its path, its names, or None where they are not known."""

    path: str
    names: frozenset[str] | None
    parameters: tuple[Parameter, ...] | None


class ClassView:
    """A class of a world, with everything it inherits."""

    def __init__(self, classes: Classes, found: Found) -> None:
        self.classes = classes
        self.world = classes.world
        self.found = found

    @cached_property
    def order(self) -> tuple[Found | External, ...]:
        """The classes in the order in which names are looked up in them."""
        return tuple(_linear(self.classes, self.found))

    @cached_property
    def members(self) -> dict[str, Member]:
        """Every name that a class of the world binds for it, the nearest one."""
        found: dict[str, Member] = {}
        for place in reversed(self.own):
            found |= self.classes.view(place).own_members
        return found

    @cached_property
    def own_members(self) -> dict[str, Member]:
        """What the body of the class itself binds."""
        home, module = self.found.home, self.found.module
        members = _class(self.found).members.items()
        return {name: Member(f"{home}.{name}", binding, module) for name, binding in members}

    @cached_property
    def own(self) -> tuple[Found, ...]:
        """Those classes of `order` that lie in the world."""
        return tuple(place for place in self.order if isinstance(place, Found))

    @cached_property
    def open(self) -> str:
        """Why it may have names that are not listed: a base nobody knows, or `__getattr__`; "" when it has none."""
        for place in self.order:
            if isinstance(place, External) and place.names is None:
                return f"its base {place.path}"
        return "its __getattr__" if {"__getattr__", "__getattribute__"} & self.members.keys() else ""

    def has(self, name: str) -> bool | None:
        """Whether the class or its instances have a name; None when nobody can tell."""
        if name in self.members or any(name in _class(place).attributes for place in self.own):
            return True
        if any(isinstance(place, External) and name in (place.names or ()) for place in self.order):
            return True
        tree = self.world.tree(self.found.module)
        return None if self.open or (tree and name in tree.patched) else False

    @cached_property
    def constructor(self) -> Signature:
        """What a call of the class may pass."""
        tree = self.world.tree(self.found.module)
        if tree and "__init__" in tree.patched and _last(self.found.home) in tree.handled:
            return Signature((), "a patch")
        if self._bases_named("BaseModel"):
            return self._from_fields(keyword=True)
        made = (self._made_by(place) for place in self.order)
        return next((signature for signature in made if signature is not None), Signature(()))

    def _made_by(self, place: Found | External) -> Signature | None:
        """The constructor, if it is this class of the order that brings it."""
        if isinstance(place, External):
            if place.parameters is None:
                return Signature((), f"its base {place.path}")
            return None if place.path in _SILENT else Signature(place.parameters)
        members = _class(place).members
        maker = members.get("__init__") or members.get("__new__")
        if isinstance(maker, Function):
            return bound(maker)
        if self._is_dataclass(place):
            return self._from_fields()
        is_tuple = "NamedTuple" in map(_last, _class(place).bases)
        return self._from_fields(all_places=True) if is_tuple else None

    def _bases_named(self, name: str) -> bool:
        return any(isinstance(place, External) and _last(place.path) == name for place in self.order)

    def _is_dataclass(self, place: Found) -> bool:
        if any(_DATACLASS.search(text) for text in _class(place).decorators):
            return True
        view = self.classes.view(place)
        return any(_class(base).makes_dataclasses for base in view.own[1:])

    def _from_fields(self, *, keyword: bool = False, all_places: bool = False) -> Signature:
        """Parameters that a dataclass makes of annotated names, bases first."""
        fields: dict[str, Parameter] = {}
        owners: dict[str, str] = {}
        for place in reversed(self.own):
            if keyword or all_places or self._is_dataclass(place):
                named = keyword or (not all_places and self._only_keywords(place))
                for parameter in _fields(_class(place), keyword=named):
                    fields[parameter.name] = parameter
                    owners[parameter.name] = place.home
        ordered = sorted(fields.values(), key=lambda p: p.kind == KEYWORD)
        takes_any = any(_class(base).makes_dataclasses == "open" for base in self.own)
        why = next(
            (f"its base {p.path}" for p in self.order if isinstance(p, External) and p.names is None), ""
        )
        extra = (_EXTRA_KEYWORDS,) if takes_any or keyword else ()
        return Signature((*ordered, *extra), "" if keyword else why, owners)

    def _only_keywords(self, place: Found) -> bool:
        own = _class(place)
        if any("kw_only=True" in text for text in own.decorators):
            return True
        return not any(_DATACLASS.search(text) for text in own.decorators)  # made one by its base


class Classes:
    """The classes of a world; the view of each is made once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._views: dict[str, ClassView] = {}
        self._ordering: set[str] = set()

    def order(self, found: Found) -> tuple[Found | External, ...]:
        """The order of a base; of one that derives from what is being ordered only itself, which Python would refuse."""
        if found.home in self._ordering:
            return (found,)
        self._ordering.add(found.home)
        try:
            return self.view(found).order
        finally:
            self._ordering.discard(found.home)

    def view(self, found: Found) -> ClassView:
        """The view of a class that was found in the world."""
        if found.home not in self._views:
            self._views[found.home] = ClassView(self, found)
        return self._views[found.home]


def bound(function: Function) -> Signature:
    """What a call of a method or, with nothing bound, of a plain function may pass."""
    static = "staticmethod" in function.decorators
    return Signature(function.parameters if static else _without_first(function.parameters))


def free(function: Function) -> Signature:
    """What a call of a function that is no method may pass."""
    return Signature(function.parameters)


def _without_first(parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    return tuple(
        parameters[1:] if parameters and parameters[0].kind not in {VARIABLE, KEYWORDS} else parameters
    )


def _class(found: Found) -> Class:
    assert isinstance(found.binding, Class)  # noqa: S101 - only such are put into an order
    return found.binding


def _last(path: str) -> str:
    return path.partition("[")[0].rpartition(".")[2]


def _fields(own: Class, *, keyword: bool) -> Iterator[Parameter]:
    """Annotated names of one class body as parameters."""
    for name, binding in own.members.items():
        if not isinstance(binding, Value) or not binding.annotation or _NO_FIELD.match(binding.annotation):
            continue
        if _last(binding.annotation) == "KW_ONLY":
            keyword = True
        elif binding.field != "never" and not name.startswith("__"):
            kind = KEYWORD if keyword or binding.field == "keyword" else EITHER
            yield Parameter(name, kind, binding.text, binding.annotation)


def _linear(classes: Classes, found: Found) -> Iterator[Found | External]:
    """Method resolution order; where Python would refuse a hierarchy, depth first. Source: C3, Python 2.3 notes."""
    yield found
    bases = [_base(classes.world, found, text) for text in _class(found).bases]
    chains = [[*classes.order(base)] if isinstance(base, Found) else [base] for base in bases]
    chains.append(list(bases))
    while chains := [chain for chain in chains if chain]:
        tails = {_place(item) for chain in chains for item in chain[1:]}
        head = next((chain[0] for chain in chains if _place(chain[0]) not in tails), chains[0][0])
        yield head
        chains = [[item for item in chain if _place(item) != _place(head)] for chain in chains]


def _place(item: Found | External) -> str:
    return item.home if isinstance(item, Found) else item.path


def _base(world: World, found: Found, text: str) -> Found | External:
    base = world.resolve(found.module, text)
    if isinstance(base, Absent):
        return External(text, None, None)
    if isinstance(base.binding, Class):
        return base
    return External(base.home, *_outside(base.home)) if base.binding is None else External(text, None, None)


# -- bases outside of the world --------------------------------------------------------------------------------------

_SILENT = frozenset(
    {"builtins.object", "abc.ABC", "typing.Generic", "typing.Protocol", "typing_extensions.Protocol"}
)


@cache
def _outside(path: str) -> tuple[frozenset[str] | None, tuple[Parameter, ...] | None]:
    """Names and constructor of a class outside of the world; None where they are not known."""
    if path in _SILENT or path.partition(".")[0] in _TYPING:
        return frozenset(dir(object)), ()
    known = _table().get(path)
    if known is not None:
        above = _table()[known["base"]]["names"] if "base" in known else []
        rows = known.get("parameters")
        parameters = None if rows is None else tuple(Parameter(*row) for row in rows)
        return frozenset([*known["names"], *above]), parameters
    module, _, name = path.rpartition(".")
    if module.partition(".")[0] not in _QUIET:
        return None, None
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        return None, None
    return frozenset(dir(found)), () if found is object else _ANYTHING


@cache
def _table() -> dict[str, Any]:
    path = Path(__file__).parent.parent / "data" / "bases.json"
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["classes"]
    return table
