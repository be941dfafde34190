"""What a reading changes in the source of a wheel: each class has the case it exists for, and leaves what is in doubt."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from airskills.verify.attached import AttachedModule
from airskills.verify.optional import Available
from airskills.verify.patches import (
    FUNCTION,
    Edit,
    id_of,
    is_method,
    is_name,
    name_of,
    parameters,
    statements,
    whole,
)
from airskills.verify.returned import ReturnsSelf
from airskills.verify.wheel_source import Source

_LITERAL = (ast.Dict, ast.List, ast.Set, ast.Tuple)
UNNAMED = "airskills_nothing_"  # stands where no keyword is left to be named
_REFUSAL = re.compile(
    r"(?:assert (?:not |len\()|if (?:len\()?)(\w+)\)?(?: [=!>]= 0| > 0|,|:|$)", re.MULTILINE
)
_COLLECTED = re.compile(r"\*\*(\w+)")


class PlainDecorators:
    """`@transmit_format` over `Dataset.map`: it has no types, so the checker loses the signature and the result.

    A decorator goes whose wrapper takes `*args, **kwargs` and hands them on to the function as they are.
    """

    def concerns(self, text: str, source: Source) -> bool:
        """Whether it may change a file."""
        return source.is_decorated(text)

    def __call__(self, tree: ast.Module, source: Source) -> Iterator[Edit]:
        """The lines of every such decorator, blank."""
        for node in statements(tree):
            if isinstance(node, FUNCTION):
                for decorator in node.decorator_list:
                    taken_out = source.transparent.get(name_of(decorator))
                    if taken_out is not None and taken_out <= parameters(node):
                        yield replace(whole(decorator), start=node.col_offset)  # with its @


class ListedModule:
    """`dspy.Assert`: the module has a `__getattr__`, so every name seems to be there, but it only knows a few by name.

    Its names are declared instead: every one that the module's text lists, as a key, an entry or in a comparison; where the
    function imports it (`lm_eval.simple_evaluate`), as what it is.
    """

    def concerns(self, text: str, _source: Source) -> bool:
        """Whether it may change a file."""
        return "\ndef __getattr__" in text

    def __call__(self, tree: ast.Module, source: Source) -> Iterator[Edit]:
        """A line of declarations in place of the function."""
        functions = [node for node in tree.body if isinstance(node, FUNCTION) and node.name == "__getattr__"]
        if len(functions) != 1 or not _Lookup(functions[0], tree).is_closed():
            return
        bound = source.bound(tree)
        if bound is None:
            return
        imported = _imports(functions[0])
        names = sorted(_texts(tree) - bound - _refused(functions[0], tree))
        declared = "; ".join(imported.get(name, f"{name}: _Any") for name in names)
        yield whole(functions[0], f"from typing import Any as _Any; {declared}" if declared else "pass")


class _Lookup:
    """A module's `__getattr__`, and the tables that the module spells out."""

    def __init__(self, function: ast.FunctionDef | ast.AsyncFunctionDef, tree: ast.Module) -> None:
        self.nodes = list(ast.walk(function))
        self.name = function.args.args[0].arg if function.args.args else ""
        self.tables = {
            id_of(target)
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, _LITERAL)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        }
        self.made = {id_of(t) for node in self.nodes if isinstance(node, ast.Assign) for t in node.targets}

    def is_closed(self) -> bool:
        """Whether it answers only names that stand in the module: compared with one, or looked up in a table."""
        tests = [node for node in self.nodes if isinstance(node, ast.Compare) and self._is_name(node.left)]
        if not all(self._is_known(item) for test in tests for item in test.comparators):
            return False
        if not all(self._may_pass(node) for node in self.nodes if isinstance(node, ast.Call)):
            return False
        raises = any(isinstance(node, ast.Raise) for node in self.nodes)
        return bool(tests) or raises or any(self._looks_up(node) for node in self.nodes)

    def _may_pass(self, call: ast.Call) -> bool:
        """Whether a call either does not get the name, or gets with it what the table says of it."""
        if not any(self._is_name(arg) for arg in call.args) or name_of(call).endswith("Error"):
            return True
        if name_of(call) in {"getattr", "hasattr", "vars"}:
            return id_of(call.args[0]) in self.made
        return self._looks_up(call) or any(
            self._looks_up(node) for arg in call.args for node in ast.walk(arg)
        )

    def _looks_up(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Subscript):
            return self._is_name(node.slice) and self._is_known(node.value)
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return False
        is_get = node.func.attr == "get" and self._is_known(node.func.value)
        return is_get and any(self._is_name(arg) for arg in node.args)

    def _is_known(self, node: ast.expr) -> bool:
        return (
            isinstance(node, (*_LITERAL, ast.Constant))
            or id_of(node) in self.tables
            or ast.unparse(node) == "globals()"
        )

    def _is_name(self, node: ast.expr) -> bool:
        return bool(self.name) and is_name(node, self.name)


def _refused(function: ast.FunctionDef | ast.AsyncFunctionDef, tree: ast.Module) -> set[str]:
    """Names for which it only words an error: `if name == "load_boston": raise ImportError(...)`."""
    tables = {
        id_of(target): node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, _LITERAL)
        for target in node.targets
    }
    found: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Compare) and _raises(node.body):
            for item in node.test.comparators:
                listed = tables.get(id_of(item), item)
                keys = listed.keys if isinstance(listed, ast.Dict) else getattr(listed, "elts", [listed])
                found.update(str(key.value) for key in keys if isinstance(key, ast.Constant))
    return found


def _raises(body: list[ast.stmt]) -> bool:
    returns = any(isinstance(node, ast.Return) for statement in body for node in ast.walk(statement))
    return isinstance(body[-1], ast.Raise) and not returns


def _imports(function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, str]:
    """The imports that a function makes, by the name that each binds."""
    return {
        alias.asname or alias.name: ast.unparse(ast.ImportFrom(node.module, [alias], node.level))
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _texts(tree: ast.Module) -> set[str]:
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier()
    }


class RaisingGetattr:
    """`PartialState().on_main`: the class has a `__getattr__` that only words the error."""

    def concerns(self, text: str, _source: Source) -> bool:
        """Whether it may change a file."""
        return "def __getattr__" in text

    def __call__(self, tree: ast.Module, _source: Source) -> Iterator[Edit]:
        """`pass` in place of a `__getattr__` that returns nothing."""
        for owner in statements(tree):
            for node in owner.body if isinstance(owner, ast.ClassDef) else ():
                if isinstance(node, ast.FunctionDef) and node.name == "__getattr__" and _only_raises(node):
                    yield whole(node, "pass")


def _only_raises(function: ast.FunctionDef) -> bool:
    nodes = list(ast.walk(function))
    returns = any(isinstance(node, ast.Return | ast.Yield) for node in nodes)
    return not returns and isinstance(function.body[-1], ast.Raise) and not function.decorator_list


class RefusedKeywords:
    """`QdrantClient.create_collection(..., **kwargs)` with `assert len(kwargs) == 0`: it takes no others, at run time.

    Where all that is done with the collecting parameter is to take out keywords by name and to refuse the rest, those
    keywords stand in its place.
    """

    def concerns(self, text: str, _source: Source) -> bool:
        """Whether it may change a file."""
        return _may_refuse(text)

    def __call__(self, tree: ast.Module, _source: Source) -> Iterator[Edit]:
        """Parameters in place of `**kwargs`."""
        for node in statements(tree):
            if isinstance(node, FUNCTION) and node.args.kwarg:
                names = _accepted(node, node.args.kwarg.arg)
                if names is not None:
                    yield _instead_of_kwargs(node.args, node.args.kwarg, names - parameters(node))


def _instead_of_kwargs(given: ast.arguments, kwarg: ast.arg, names: Iterable[str]) -> Edit:
    star = [] if given.vararg or given.kwonlyargs else ["*"]
    written = ", ".join([*star, *(f"{name}=None" for name in sorted({*names, UNNAMED}))])
    found = Edit(kwarg.lineno, kwarg.col_offset, kwarg.end_lineno or 0, kwarg.end_col_offset or 0, written)
    return replace(found, start=found.start - 2)  # with its stars, which nobody writes apart


def _accepted(function: ast.FunctionDef | ast.AsyncFunctionDef, kwargs: str) -> frozenset[str] | None:
    """Keywords that are taken out by name before the rest is refused; None where it is not refused, or used before."""
    found: set[str] = set()
    for statement in function.body:
        if _refuses(statement, kwargs):
            return frozenset(found)
        uses = sum(is_name(node, kwargs) for node in ast.walk(statement) if isinstance(node, ast.expr))
        taken = [node for node in ast.walk(statement) if _takes_out(node, kwargs)]
        found.update(node.args[0].value for node in taken)  # type: ignore[attr-defined]  # `_takes_out` says so
        if uses != len(taken):
            return None
    return None


def _refuses(statement: ast.stmt, kwargs: str) -> bool:
    if isinstance(statement, ast.Assert):
        return ast.unparse(statement.test) in {f"len({kwargs}) == 0", f"not {kwargs}"}
    if isinstance(statement, ast.If) and isinstance(statement.body[-1], ast.Raise):
        return ast.unparse(statement.test) in {
            kwargs,
            f"len({kwargs}) > 0",
            f"len({kwargs}) != 0",
            f"len({kwargs})",
        }
    return False


def _takes_out(node: ast.AST, kwargs: str) -> bool:
    """Whether it is `kwargs.pop("name", ...)`."""
    if not isinstance(node, ast.Call) or not is_method(node.func, kwargs, "pop") or not node.args:
        return False
    key = node.args[0]
    return isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.isidentifier()


def _may_refuse(text: str) -> bool:
    return not set(_REFUSAL.findall(text)).isdisjoint(_COLLECTED.findall(text))


REVISIONS = (
    PlainDecorators(),
    ListedModule(),
    AttachedModule(),
    RaisingGetattr(),
    RefusedKeywords(),
    ReturnsSelf(),
    Available(),
)
