"""How control leaves a statement, and what the parts of the machine ask of each other."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from airskills.verify.reader.source import Sources
from airskills.verify.reader.values import Arguments, Class, Module, Scope, Value


class Exhausted(Exception):  # noqa: N818 - not an error: it ends a reading that takes too long
    """The program is larger than what is read."""


class Flow(Exception):  # noqa: N818 - not an error: it carries `return` and the like up
    """Control leaves the statement."""


class Return(Flow):
    """`return value`."""

    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


class Break(Flow):
    """`break`."""


class Continue(Flow):
    """`continue`."""


class Raised(Flow):
    """`raise`, or the end of the program."""


class Done(Flow):
    """A parser has read the command line; what comes after it is the program's work."""


@dataclass(frozen=True)
class Root:
    """A parser that a program asks to read its command line.

    Attributes:
        words: which word the command line begins with when this happens; empty: any.
        parser: what was asked.
        strict: whether it refuses what it does not know.
        weak: it was given a list that may be the program's own, as for defaults; counts only where there is no other.
    """

    words: frozenset[str]
    parser: Any
    strict: bool
    weak: bool = False


class Runner(Protocol):
    """The machine, as its parts and its models see it."""

    sources: Sources
    roots: list[Root]
    words: set[str]
    flags: set[tuple[str, str]]
    default: str
    word: frozenset[str]
    models: dict[str, Callable[[Any, Arguments], Value]]

    def module(self, name: str) -> Module | None:
        """The module of that name, after it ran."""
        ...

    def classes(self, near: str) -> list[Class]:
        """Classes of the modules that have been read in one package."""
        ...

    def lookup(self, name: str, scope: Scope) -> Value:
        """What a name means in a scope."""
        ...

    def in_module(self, module: Module, name: str, default: Value = ...) -> Value:
        """A name of a module."""
        ...

    def evaluate(self, node: ast.expr | None, scope: Scope) -> Value:
        """The value of an expression."""
        ...

    def attribute(self, value: Value, name: str) -> Value:
        """`value.name`."""
        ...

    def call(self, callee: Value, arguments: Arguments) -> Value:
        """What a call gives."""
        ...

    def assign(self, target: ast.expr, value: Value, scope: Scope) -> None:
        """Bind a target."""
        ...

    def run(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        """Run statements."""
        ...

    def run_each(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        """Run statements of which one that raises does not stop the others."""
        ...

    def loop(self, items: Iterable[Value], once: Callable[[Value], object]) -> None:
        """Run a body for each item."""
        ...

    def under(self, words: frozenset[str], work: Callable[[], object]) -> Flow | None:
        """Do something as when the command line begins with one of `words`."""
        ...

    def enter(self, node: ast.AST) -> bool:
        """Whether a function may be entered."""
        ...

    def leave(self) -> None:
        """The function that was entered last is done."""
        ...
