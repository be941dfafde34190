"""What the machine knows of a value. Literals stand for themselves: str, int, float, bool, None, list, tuple, dict, set."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Value: TypeAlias = Any  # a literal or one of the classes below


class Unknown:
    """A value of which nothing is known."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN = Unknown()


@dataclass(frozen=True)
class External:
    """A name of a module that is not read: builtins, the standard library, packages that are not unpacked."""

    name: str


@dataclass(frozen=True)
class Lazy:
    """An import that nobody has looked at yet: `module`, or its `attribute`."""

    module: str
    attribute: str = ""


@dataclass(frozen=True)
class Generic:
    """A type with arguments: `list[int]`, `Literal["a"]`, and `X | Y` with the origin `typing.Union`."""

    origin: Value
    arguments: tuple[Value, ...]


@dataclass(eq=False, repr=False)
class Module:
    """A module that is being or has been run."""

    name: str
    package: str
    names: dict[str, Value] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)


@dataclass(eq=False, repr=False)
class Scope:
    """Names of a function's body or a class's body.

    Attributes:
        parent: the scope around it; None below a module.
        owner: the class whose method runs here, for `super()`.
        receiver: the first argument of that method.
        returned: what branches of unknown conditions returned so far.
        yielded: what a generator gave so far.
        outer: names that a statement declared to be of a scope around it.
        of_class: whether it is the body of a class, whose names the functions in it do not see.
    """

    module: Module
    parent: Scope | None = None
    names: dict[str, Value] = field(default_factory=dict)
    owner: Class | None = None
    receiver: Value = None
    returned: list[Value] = field(default_factory=list)
    yielded: list[Value] = field(default_factory=list)
    outer: frozenset[str] = frozenset()
    of_class: bool = False


@dataclass(eq=False, repr=False)
class Function:
    """A function or lambda of a module that is read.

    Attributes:
        binding: `classmethod`, `staticmethod`, `property` or "".
        notes: what decorators left on it (options of click, attributes that were set).
    """

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    owner: Class | None = None
    binding: str = ""
    notes: dict[str, Value] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name, or that of the function it wraps; `<lambda>` for a lambda."""
        return str(self.notes.get("name") or getattr(self.node, "name", "<lambda>"))


@dataclass(eq=False, repr=False)
class Class:
    """A class of a module that is read; its body runs when somebody asks for its names."""

    node: ast.ClassDef
    scope: Scope
    bases: tuple[Value, ...]
    names: dict[str, Value] | None = None
    dataclass: bool = False
    notes: dict[str, Value] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name, without the module."""
        return self.node.name

    @property
    def full_name(self) -> str:
        """Its name with the module."""
        return f"{self.scope.module.name}.{self.node.name}"


@dataclass(eq=False, repr=False)
class Instance:
    """An object of a class that is read.

    Attributes:
        native: what stands for the part of it that a class we model brings (a parser).
    """

    cls: Class
    names: dict[str, Value] = field(default_factory=dict)
    native: Value = None


@dataclass(frozen=True)
class Bound:
    """A function together with its first argument."""

    function: Value
    receiver: Value


@dataclass(frozen=True)
class Super:
    """What `super()` gives: the classes after `owner` in the order of `receiver`."""

    owner: Class
    receiver: Value


@dataclass(eq=False, repr=False)
class Member:
    """A member of an enumeration."""

    cls: Class
    name: str
    value: Value


@dataclass(eq=False, repr=False)
class Arguments:
    """Arguments of a call.

    Attributes:
        open_positional: a `*x` of unknown content was among them.
        open_named: the same for `**x`.
    """

    positional: list[Value] = field(default_factory=list)
    named: dict[str, Value] = field(default_factory=dict)
    open_positional: bool = False
    open_named: bool = False

    def get(self, position: int, name: str, default: Value = None) -> Value:
        """The argument with that name, or at that position; unknown where it may hide in `*x` or `**x`."""
        if name in self.named:
            return self.named[name]
        if 0 <= position < len(self.positional):
            return self.positional[position]
        return UNKNOWN if self.open_named or (position >= 0 and self.open_positional) else default


@dataclass(eq=False, repr=False)
class Native:
    """A function of ours that stands for one that is not read."""

    name: str
    call: Callable[[Arguments], Value]


@dataclass(frozen=True)
class Argv:
    """`sys.argv` from the word `start` on; word 1 is the first after the program's name."""

    start: int = 0


@dataclass(frozen=True)
class Word:
    """One word of the command line."""

    index: int


@dataclass(frozen=True)
class Condition:
    """A test that is true when the command line's word is one of `words`."""

    words: frozenset[str]


@dataclass(frozen=True)
class Rest:
    """What a parser that tolerates unknown words left over; `root` is its place in `Machine.roots`."""

    root: int


@dataclass(eq=False, repr=False)
class Choice:
    """The value that belongs to a word of the command line."""

    options: Mapping[str, Value]


def is_literal(value: Value) -> bool:
    """Whether a value is a scalar that is known."""
    return value is None or isinstance(value, str | int | float | bytes | complex)


def truth(value: Value) -> bool | None:
    """Whether a value is true; None where that is not known."""
    if is_literal(value) or isinstance(value, list | tuple | dict | set | frozenset):
        return bool(value)
    if isinstance(value, Unknown | Word | Condition | Lazy | Argv | Choice | External | Native | Rest):
        return None
    if isinstance(value, Instance):
        return None if value.native is None else True
    return True
