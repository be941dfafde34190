"""Wires: what a checker does not carry from one function of a unit to another, carried by names that everybody sees.

A parameter without a type is nobody's knowledge to a checker, and so is what a function without a type returns, though
the calls and the `return` stand in the same unit. So a global name is set where a function is called, and read where it
begins; another is set where it returns, and read where it was called:

    def total(rows):                        def total(rows):
        return rows.sum()                       global r1; rows = p1; r1 = rows.sum(); return r1
    total(numpy.ones(3)).real               p1 = any_of(numpy.ones(3)); (total(numpy.ones(3)), r1)[-1].real

A parameter is wired only where every call of its function is seen, so that its type is the union of all that it is given.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from airskills.verify.edits import Point, Span, Wrap
from airskills.verify.functions import defaults, has_decorator, is_something, own_nodes, says_nothing, untyped
from airskills.verify.places import FUNCTION, Function, Places
from airskills.verify.rewrites import WIDE, WIRE
from airskills.verify.uses import Uses

# Decorators behind which a function is called, and returns, as it is written.
_TRANSPARENT = frozenset(
    {"no_grad", "inference_mode", "enable_grad", "cache", "lru_cache", "staticmethod", "classmethod"}
)


@dataclass(frozen=True, slots=True)
class Foreign:
    """What a unit imports from a file of the skill's own.

    Attributes:
        module: the name under which the checker finds the file.
        function: what is imported from it; "" for the module itself.
        returns: functions of the file, each with the wire that it sets.
    """

    module: str
    function: str
    returns: Mapping[str, str]


@dataclass(slots=True)
class _Put:
    """What is put before one statement: declarations, then parameters, then arguments."""

    globals: set[str] = field(default_factory=set)
    parameters: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)

    def texts(self) -> list[str]:
        declared = [f"global {', '.join(sorted(self.globals))}"] if self.globals else []
        return [*declared, *dict.fromkeys([*self.parameters, *self.arguments])]


class Wires:
    """The wires of one unit.

    Args:
        uses: the unit.
    """

    def __init__(self, uses: Uses) -> None:
        self._uses = uses
        self._places = Places(uses.syntax, uses.source.split("\n"))
        self._puts: dict[ast.stmt, _Put] = defaultdict(_Put)
        self._wraps: list[Wrap] = []
        self._count = 0
        self.returns: dict[str, str] = {}
        for function in self._functions:
            self._wire_parameters(function)
            self._wire_returns(function)

    def wraps(self, foreign: Mapping[str, Foreign]) -> tuple[Wrap, ...]:
        """Everything that is put in.

        Args:
            foreign: what the unit imports from files of the skill's own, by local name.
        """
        return (*self._statements(), *self._wraps, *self._of_foreign(foreign))

    @cached_property
    def _functions(self) -> list[Function]:
        """Functions that are the only one of their name, or the only method of it in their class."""
        nodes = self._uses.syntax.of(ast.FunctionDef, ast.AsyncFunctionDef)
        return [node for node in nodes if self._is_only(node) and self._is_transparent(node)]

    def _is_only(self, function: Function) -> bool:
        owner = self._places.owner(function)
        if owner is None:
            return self._places.bindings[function.name] == 1
        same = [node for node in owner.body if isinstance(node, FUNCTION) and node.name == function.name]
        return len(same) == 1 and self._places.bindings[owner.name] == 1

    def _is_transparent(self, function: Function) -> bool:
        names = set()
        for decorator in function.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            names.add(ast.unparse(called).rpartition(".")[2])
        return names <= _TRANSPARENT

    def _new(self, kind: str) -> str:
        self._count += 1
        return f"{WIRE}{kind}{self._count}"

    # --- calls

    @cached_property
    def _references(self) -> dict[str, list[ast.AST]]:
        """Every node that reads a name, or takes an attribute of that name from something."""
        found: dict[str, list[ast.AST]] = defaultdict(list)
        for node in self._uses.syntax.of(ast.Name):
            if isinstance(node.ctx, ast.Load):
                found[node.id].append(node)
        for attribute in self._uses.syntax.of(ast.Attribute):
            found[f".{attribute.attr}"].append(attribute)
        return found

    def _calls(self, function: Function) -> tuple[list[ast.Call], bool]:
        """(calls of a function, whether these are all its references)."""
        owner = self._places.owner(function)
        if owner is not None and function.name == "__init__":
            return self._called(self._references[owner.name])
        if owner is None:
            return self._called(self._references[function.name])
        named = self._references[f".{function.name}"]
        own = [node for node in named if isinstance(node, ast.Attribute) and self._is_of(node.value, owner)]
        calls, all_called = self._called(own)
        return calls, all_called and len(own) == len(named)

    def _called(self, references: Sequence[ast.AST]) -> tuple[list[ast.Call], bool]:
        calls = []
        for node in references:
            parent = self._places.parents.get(node)
            if isinstance(parent, ast.Call) and parent.func is node:
                calls.append(parent)
        return calls, len(calls) == len(references)

    def _is_of(self, node: ast.expr, owner: ast.ClassDef) -> bool:
        """Whether an expression is an object of a class of the unit: `self` in it, what it made, or the making."""
        if isinstance(node, ast.Call):
            return isinstance(node.func, ast.Name) and node.func.id == owner.name
        if not isinstance(node, ast.Name):
            return False
        inside = owner in set(self._places.above(node))
        return (node.id == "self" and inside) or self._uses.made.get(node.id) == owner.name

    # --- parameters

    def _wire_parameters(self, function: Function) -> None:
        names = untyped(function, is_method=self._places.owner(function) is not None)
        calls, all_seen = self._calls(function) if names else ([], False)
        if not calls or not all_seen:
            return
        given = [self._given(function, call) for call in calls]
        for name in names:
            texts = [self._texts(name, function, call, own) for call, own in zip(calls, given, strict=True)]
            if all(text is not None for text in texts):
                self._wire(name, function, calls, [text or "" for text in texts])

    def _given(self, function: Function, call: ast.Call) -> dict[str, ast.expr] | None:
        """Parameter to argument; None where a star may give anything."""
        starred = any(isinstance(arg, ast.Starred) for arg in call.args)
        if starred or any(keyword.arg is None for keyword in call.keywords):
            return None
        named = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
        if self._places.owner(function) is not None and not has_decorator(function, "staticmethod"):
            named = named[1:]
        found = dict(zip(named, call.args, strict=False))
        return found | {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}

    def _texts(
        self, name: str, function: Function, call: ast.Call, given: Mapping[str, ast.expr] | None
    ) -> str | None:
        """What a call gives to a parameter, written for the statement before it; "" for its default, None if unknown."""
        if given is None or isinstance(self._places.scope(call), ast.ClassDef | ast.Lambda):
            return None
        if name not in given:
            return "" if name in defaults(function) else None
        argument = given[name]
        if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(argument)):
            return None
        return self._places.expression(call, argument)

    def _wire(self, name: str, function: Function, calls: list[ast.Call], texts: list[str]) -> None:
        wire = self._new("p")
        default = defaults(function).get(name)
        for call, text in zip(calls, texts, strict=True):
            place: ast.AST = call if text else (self._places.owner(function) or function)
            written = text or (ast.unparse(default) if default is not None else "")
            statement = self._places.statement(place)
            if statement is not None:
                self._puts[statement].arguments.append(f"{wire} = {WIDE}(({written},)[0])")
                self._declare(wire, self._places.scope(place))
        self._puts[function.body[0]].parameters.append(f"{name} = {wire}")

    def _declare(self, wire: str, scope: ast.AST) -> None:
        """Name a wire global in the function that sets it."""
        if isinstance(scope, FUNCTION):
            self._puts[scope.body[0]].globals.add(wire)

    # --- results

    def _wire_returns(self, function: Function) -> None:
        if not says_nothing(function.returns):
            return
        own = list(own_nodes(function, self._uses.syntax.below))
        returned = [node for node in own if isinstance(node, ast.Return) and is_something(node.value)]
        if not returned or any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own):
            return
        wire = self._new("r")
        for node in returned:
            start, end = self._span(node).start, self._span(node).end
            word = Span(start, (start[0], start[1] + len("return")))
            self._wraps += [
                Wrap(word, f"{wire} = {WIDE}(((", replace=True),
                Wrap(Span(end, end), f"),)[0]); return {wire}"),
            ]
        self._declare(wire, function)
        if self._places.owner(function) is None and self._places.parents.get(function) is self._places.tree:
            self.returns[function.name] = wire
        for call in self._calls(function)[0]:
            self._wraps += self._read(call, wire, waits=isinstance(function, ast.AsyncFunctionDef))

    def _read(self, call: ast.Call, wire: str, *, waits: bool = False) -> Iterator[Wrap]:
        """`(call, wire)[-1]` in place of a call whose result is used."""
        node: ast.AST = call
        if waits:
            node = self._places.parents[call]
            if not isinstance(node, ast.Await):
                return
        if not isinstance(self._places.parents[node], ast.Expr) and self._uses.is_sound(call):
            yield Wrap(self._span(node), "(", f", {wire})[-1]")

    def _of_foreign(self, foreign: Mapping[str, Foreign]) -> Iterator[Wrap]:
        for name, found in foreign.items():
            for node in self._references[name] if self._places.bindings[name] == 1 else ():
                parent = self._places.parents[node]
                function = found.function or (parent.attr if isinstance(parent, ast.Attribute) else "")
                call = parent if found.function else self._places.parents.get(parent)
                if isinstance(call, ast.Call) and call.func in {node, parent} and function in found.returns:
                    yield from self._read(call, f"{found.module}.{found.returns[function]}")

    # --- text

    def _span(self, node: ast.AST) -> Span:
        return self._uses.span(node)

    def _statements(self) -> Iterator[Wrap]:
        for statement, put in self._puts.items():
            texts = put.texts()
            if not texts:
                continue
            start = self._start(statement)
            if self._places.is_simple(statement):
                yield Wrap(Span(start, start), "; ".join([*texts, ""]), aside=True)
            else:
                indent = self._uses.text(Span((start[0], 0), start))
                yield Wrap(Span(start, start), "".join(f"{text}\n{indent}" for text in texts), aside=True)

    def _start(self, statement: ast.stmt) -> Point:
        """Where a statement begins, with its decorators."""
        line, column = self._span(statement).start
        decorators = getattr(statement, "decorator_list", [])
        return (
            (min(line, *(self._span(node).start[0] for node in decorators)), column)
            if decorators
            else (line, column)
        )
