"""Runs modules and statements; `expressions` evaluates what stands in them."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from airskills.verify.reader import calls, classes, expressions
from airskills.verify.reader.flow import Break, Continue, Done, Exhausted, Flow, Raised, Return, Root
from airskills.verify.reader.source import Sources
from airskills.verify.reader.values import (
    UNKNOWN,
    Arguments,
    Class,
    Condition,
    External,
    Function,
    Instance,
    Lazy,
    Module,
    Rest,
    Scope,
    Unknown,
    Value,
    Word,
    is_literal,
    truth,
)

MAX_STEPS = 1_000_000  # statements and expressions of one program; vllm's takes about half of it
MAX_DEPTH = 60  # calls inside each other
MAX_LOOP = 3_000  # rounds of a loop over something that is known


class Machine:
    """Follows one program.

    Attributes:
        roots: parsers that read the command line, in order.
        words: first words that the program itself looks for.
        flags: options that the program itself looks for in its arguments, by word.
        default: the word that the program puts in where the first is no subcommand.
        imported: modules that `import a.b` names, looked at when somebody asks for what they register.
    """

    def __init__(self, sources: Sources, models: dict[str, Callable[[Machine, Arguments], Value]]) -> None:
        self.sources = sources
        self.models = models
        self.steps = 0
        self.depth = 0
        self.roots: list[Root] = []
        self.words: set[str] = set()
        self.flags: set[tuple[str, str]] = set()
        self.default = ""
        self.imported: set[str] = set()
        self.word: frozenset[str] = frozenset()
        self._modules: dict[str, Module] = {}
        self._active: list[ast.AST] = []

    # --- modules and names

    def module(self, name: str) -> Module | None:
        """The module after its statements have run, or None where it is not to be read."""
        if name in self._modules:
            return self._modules[name]
        tree = self.sources.tree(name)
        if tree is None:
            return None
        package = name if self.sources.is_package(name) else name.rpartition(".")[0]
        made = Module(name, package, {"__name__": name, "__package__": package})
        self._modules[name] = made
        with self._word(frozenset()):
            self.run_each(tree.body, Scope(made, names=made.names))
        return made

    def run_main(self, tree: ast.Module, package: str = "") -> None:
        """Run a module as `python FILE` and `python -m MODULE` do."""
        made = Module("__main__", package, {"__name__": "__main__", "__package__": package})
        self.run(tree.body, Scope(made, names=made.names))

    def classes(self, near: str) -> list[Class]:
        """Classes of the package of `near` and of the packages around it; what those import is read first."""
        parts = near.split(".")
        around = [self.module(".".join(parts[:size])) for size in range(1, len(parts))]
        package = f"{near.rpartition('.')[0]}."
        for name in sorted(name for name in self.imported if name.startswith(package)):
            self.module(name)
        inside = [module for name, module in self._modules.items() if f"{name}.".startswith(package)]
        for module in (*filter(None, around), *inside):
            for name in list(module.names):
                self._keep(module.names, name)
        modules = [module for name, module in self._modules.items() if f"{name}.".startswith(f"{parts[0]}.")]
        found = [value for module in modules for value in module.names.values() if isinstance(value, Class)]
        return list(dict.fromkeys(found))

    def lookup(self, name: str, scope: Scope) -> Value:
        """What a name means in a scope."""
        place: Scope | None = scope
        while place is not None:
            if name in place.names:
                return self._keep(place.names, name)
            place = place.parent
        if name in scope.module.names or not hasattr(builtins, name):
            return self.in_module(scope.module, name)
        return External(f"builtins.{name}")

    def in_module(self, module: Module, name: str, default: Value = UNKNOWN) -> Value:
        """A name of a module: its own, a submodule, or one that a star import brings."""
        if name in module.names:
            return self._keep(module.names, name)
        if self.sources.is_package(module.name) and self.sources.path(f"{module.name}.{name}"):
            return self.module(f"{module.name}.{name}") or default
        for star in module.stars if not name.startswith("_") else ():
            found = self._from_star(star, name)
            if not isinstance(found, Unknown):
                return found
        return default

    def _from_star(self, star: str, name: str) -> Value:
        other = self.module(star) if self.sources.may_define(star, name) else None
        if other is None or self._active.count(_STAR) > 20:
            return UNKNOWN
        self._active.append(_STAR)
        try:
            return self.in_module(other, name)
        finally:
            self._active.pop()

    def _keep(self, names: dict[str, Value], name: str) -> Value:
        """A name's value; an import is looked up once."""
        if isinstance(names[name], Lazy):
            names[name] = self.resolve(names[name])
        return names[name]

    def resolve(self, lazy: Lazy) -> Value:
        """What an import brings."""
        self.step()
        module = self.module(lazy.module)
        if module is None:
            return External(f"{lazy.module}.{lazy.attribute}".rstrip("."))
        if not lazy.attribute:
            return module
        found = module.names.get(lazy.attribute)
        if isinstance(found, Lazy) and (found == lazy or self.depth > MAX_DEPTH):
            submodule = self.module(f"{lazy.module}.{lazy.attribute}")
            return submodule or UNKNOWN
        self.depth += 1
        try:
            return self.in_module(module, lazy.attribute)
        finally:
            self.depth -= 1

    # --- evaluation

    def step(self) -> None:
        """Count one step.

        Raises:
            Exhausted: when there were too many.
        """
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise Exhausted

    def evaluate(self, node: ast.expr | None, scope: Scope) -> Value:
        """The value of an expression; None for no expression."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise Exhausted
        return None if node is None else expressions.evaluate(self, node, scope)

    def call(self, callee: Value, arguments: Arguments) -> Value:
        """What a call gives."""
        self.step()
        return calls.call(self, callee, arguments)

    def attribute(self, value: Value, name: str) -> Value:
        """`value.name`."""
        self.step()
        return calls.attribute(self, value, name)

    def enter(self, node: ast.AST) -> bool:
        """Whether a function may be entered: calls inside each other are limited, and so is recursion."""
        if self.depth >= MAX_DEPTH or self._active.count(node) >= 4:
            return False
        self.depth += 1
        self._active.append(node)
        return True

    def leave(self) -> None:
        """The function that was entered last is done."""
        self.depth -= 1
        self._active.pop()

    @contextmanager
    def _word(self, words: frozenset[str]) -> Iterator[None]:
        before, self.word = self.word, words
        try:
            yield
        finally:
            self.word = before

    def quietly(self, work: Callable[[], object]) -> Flow | None:
        """Do something; what leaves it is returned."""
        try:
            work()
        except Flow as flow:
            return flow
        return None

    def under(self, words: frozenset[str], work: Callable[[], object]) -> Flow | None:
        """Do something as it is done when the command line begins with one of `words`."""
        with self._word(self.word or words):
            flow = self.quietly(work)
        if not self.word and not isinstance(flow, Raised):
            self.words |= words
        return flow

    # --- statements

    def run(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        """Run statements in order."""
        for statement in body:
            self.step()
            handler = _STATEMENTS.get(type(statement))
            if handler is not None:
                handler(self, statement, scope)

    def run_each(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        """Run the statements of a module or class: one that raises here does not keep the others from running."""
        for statement in body:
            self.quietly(lambda statement=statement: self.run([statement], scope))  # type: ignore[misc]

    def assign(self, target: ast.expr, value: Value, scope: Scope) -> None:
        """Bind a target; parts of what is unknown are unknown."""
        if isinstance(target, ast.Name):
            home = scope if target.id not in scope.outer else _home(target.id, scope)
            home.names[target.id] = value
        elif isinstance(target, ast.Attribute):
            calls.set_attribute(self.evaluate(target.value, scope), target.attr, value)
        elif isinstance(target, ast.Subscript):
            container, key = self.evaluate(target.value, scope), self.evaluate(target.slice, scope)
            if isinstance(container, dict) and classes.hashable(key):
                container[key] = value
        elif isinstance(target, ast.Starred):
            self.assign(target.value, value, scope)
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(target.elts, value, scope)

    def _unpack(self, targets: Sequence[ast.expr], value: Value, scope: Scope) -> None:
        items = list(value) if isinstance(value, list | tuple) else []
        stars = [n for n, target in enumerate(targets) if isinstance(target, ast.Starred)]
        if stars and len(items) >= len(targets) - 1:
            first, rest = stars[0], len(targets) - stars[0] - 1
            items = [*items[:first], items[first : len(items) - rest], *items[len(items) - rest :]]
        known = len(items) == len(targets)
        for number, target in enumerate(targets):
            self.assign(target, items[number] if known else UNKNOWN, scope)

    def loop(self, items: Iterable[Value], once: Callable[[Value], object]) -> None:
        """Run a body for each item; `break` ends it."""
        for number, item in enumerate(items):
            if number >= MAX_LOOP:
                return
            flow = self.quietly(lambda item=item: once(item))  # type: ignore[misc]
            if isinstance(flow, Break):
                return
            if flow is not None and not isinstance(flow, Continue):
                raise flow

    def branches(self, scope: Scope, bodies: Sequence[Callable[[], object]]) -> None:
        """Run alternatives of which one happens, and join what they leave."""
        before, after, flows = dict(scope.names), [], []
        for body in bodies:
            scope.names.clear()
            scope.names.update(before)
            flows.append(self.quietly(body))
            after.append(dict(scope.names))
        stays = [names for names, flow in zip(after, flows, strict=True) if flow is None] or after
        scope.names.clear()
        scope.names.update(_join(stays))
        scope.returned += [flow.value for flow in flows if isinstance(flow, Return)]
        if all(flows) and flows:
            raise next((flow for flow in flows if isinstance(flow, Return)), flows[0])  # type: ignore[misc]


_STAR = ast.Pass()  # marks a star import among the nodes that are being read


def _home(name: str, scope: Scope) -> Scope:
    """The scope that `global` and `nonlocal` mean."""
    place = scope.parent
    while place is not None:
        if name in place.names:
            return place
        place = place.parent
    return Scope(scope.module, names=scope.module.names)


def _join(alternatives: Sequence[dict[str, Value]]) -> dict[str, Value]:
    joined: dict[str, Value] = {}
    for names in alternatives:
        for name, value in names.items():
            joined[name] = merge(joined[name], value) if name in joined else value
    return joined


def merge(one: Value, other: Value) -> Value:
    """What a name means after two alternatives: an object rather than None or unknown, no literal that may be wrong."""
    if one is other or isinstance(other, Unknown):
        return UNKNOWN if is_literal(one) and one is not other else one
    if isinstance(one, Unknown):
        return UNKNOWN if is_literal(other) else other
    if is_literal(one) and is_literal(other):
        return one if one == other and type(one) is type(other) else UNKNOWN
    if is_literal(one):
        return other
    return one


def _if(machine: Machine, node: ast.If, scope: Scope) -> None:
    test = machine.evaluate(node.test, scope)
    known = truth(test)
    if known is not None:
        machine.run(node.body if known else node.orelse, scope)
    elif isinstance(test, Rest):
        _if_left_over(machine, node, scope, test)
    elif isinstance(test, Condition):

        def chosen() -> None:
            flow = machine.under(test.words, lambda: machine.run(node.body, scope))
            if flow:
                raise flow

        machine.branches(scope, [chosen, lambda: machine.run(node.orelse, scope)])
    else:
        machine.branches(
            scope, [lambda: machine.run(node.body, scope), lambda: machine.run(node.orelse, scope)]
        )


def _if_left_over(machine: Machine, node: ast.If, scope: Scope, rest: Rest) -> None:
    """`if unknown: raise`: a parser that tolerates unknown words, in a program that does not."""
    flow = machine.quietly(lambda: machine.run(node.body, scope))
    if isinstance(flow, Raised) and rest.root >= 0:
        machine.roots[rest.root] = replace(machine.roots[rest.root], strict=True)
        raise Done
    machine.run(node.orelse, scope)


def _match(machine: Machine, node: ast.Match, scope: Scope) -> None:
    subject = machine.evaluate(node.subject, scope)

    def case(taken: ast.match_case) -> Callable[[], object]:
        words = _patterns(taken.pattern) if isinstance(subject, Word) else frozenset()

        def body() -> None:
            flow = machine.under(words, lambda: machine.run(taken.body, scope))
            if flow:
                raise flow

        return body if words else lambda: machine.run(taken.body, scope)

    machine.branches(scope, [*map(case, node.cases), lambda: None])


def _patterns(pattern: ast.pattern) -> frozenset[str]:
    if isinstance(pattern, ast.MatchValue) and isinstance(pattern.value, ast.Constant):
        return frozenset({str(pattern.value.value)})
    if isinstance(pattern, ast.MatchOr):
        return frozenset().union(*map(_patterns, pattern.patterns))
    return frozenset()


def _for(machine: Machine, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
    items = classes.items(machine, machine.evaluate(node.iter, scope))

    def once(item: Value) -> None:
        machine.assign(node.target, item, scope)
        machine.run(node.body, scope)

    if items is None:
        machine.branches(scope, [lambda: machine.loop([UNKNOWN], once), lambda: None])
    else:
        machine.loop(items, once)
    machine.run(node.orelse, scope)


def _while(machine: Machine, node: ast.While, scope: Scope) -> None:
    machine.evaluate(node.test, scope)
    machine.branches(
        scope, [lambda: machine.loop([None], lambda _: machine.run(node.body, scope)), lambda: None]
    )


def _try(machine: Machine, node: ast.Try, scope: Scope) -> None:
    try:
        machine.run(node.body, scope)
        machine.run(node.orelse, scope)
    except Raised:
        if not node.handlers:
            raise
        machine.run(node.handlers[0].body, scope)
    finally:
        machine.run(node.finalbody, scope)


def _with(machine: Machine, node: ast.With | ast.AsyncWith, scope: Scope) -> None:
    for item in node.items:
        value = machine.evaluate(item.context_expr, scope)
        if item.optional_vars is not None:
            machine.assign(item.optional_vars, value, scope)
    machine.run(node.body, scope)


def _import(machine: Machine, node: ast.Import, scope: Scope) -> None:
    for alias in node.names:
        machine.imported.add(alias.name)
        name = alias.name if alias.asname else alias.name.partition(".")[0]
        scope.names[alias.asname or name] = Lazy(name)


def _import_from(machine: Machine, node: ast.ImportFrom, scope: Scope) -> None:
    module = absolute(node.module or "", node.level, scope.module.package)
    for alias in node.names:
        if alias.name != "*":
            scope.names[alias.asname or alias.name] = Lazy(module, alias.name)
        elif machine.sources.path(module):
            scope.module.stars.append(module)


def absolute(module: str, level: int, package: str) -> str:
    """The full name of a module that is named relative to a package."""
    if not level:
        return module
    parts = package.split(".")
    return ".".join([*parts[: max(0, len(parts) - level + 1)], *([module] if module else [])])


def _function(machine: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
    made: Value = Function(node, scope)
    for decorator in reversed(node.decorator_list):
        made = calls.decorate(machine, machine.evaluate(decorator, scope), made)
    scope.names[node.name] = made


def _class(machine: Machine, node: ast.ClassDef, scope: Scope) -> None:
    bases = tuple(machine.evaluate(base, scope) for base in node.bases)
    made = Class(node, scope, bases)
    made.notes["keywords"] = {
        word.arg: machine.evaluate(word.value, scope) for word in node.keywords if word.arg
    }
    scope.names[node.name] = made
    for decorator in reversed(node.decorator_list):
        value = calls.decorate(machine, machine.evaluate(decorator, scope), made)
        if value is not made and not isinstance(value, Unknown | External | Instance) and value is not None:
            scope.names[node.name] = value


def _assign(machine: Machine, node: ast.Assign, scope: Scope) -> None:
    value = machine.evaluate(node.value, scope)
    for target in node.targets:
        machine.assign(target, value, scope)


def _annotated(machine: Machine, node: ast.AnnAssign, scope: Scope) -> None:
    if node.value is not None:
        machine.assign(node.target, machine.evaluate(node.value, scope), scope)


def _augmented(machine: Machine, node: ast.AugAssign, scope: Scope) -> None:
    before = machine.evaluate(node.target, scope)
    value = expressions.binary(node.op, before, machine.evaluate(node.value, scope))
    machine.assign(node.target, value, scope)


def _return(machine: Machine, node: ast.Return, scope: Scope) -> None:
    raise Return(machine.evaluate(node.value, scope))


def _expression(machine: Machine, node: ast.Expr, scope: Scope) -> None:
    machine.evaluate(node.value, scope)


def _raise(_machine: Machine, _node: ast.Raise, _scope: Scope) -> None:
    raise Raised


def _break(_machine: Machine, _node: ast.Break, _scope: Scope) -> None:
    raise Break


def _continue(_machine: Machine, _node: ast.Continue, _scope: Scope) -> None:
    raise Continue


def _outer(_machine: Machine, node: ast.Global | ast.Nonlocal, scope: Scope) -> None:
    scope.outer |= frozenset(node.names)


_STATEMENTS: dict[type[ast.stmt], Callable[[Machine, Any, Scope], None]] = {
    ast.If: _if,
    ast.Match: _match,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.Try: _try,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Return: _return,
    ast.Expr: _expression,
    ast.Raise: _raise,
    ast.Break: _break,
    ast.Continue: _continue,
    ast.Global: _outer,
    ast.Nonlocal: _outer,
}
