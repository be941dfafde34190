"""Which expressions of a unit surely ran when its code ran to the end: no branch, no loop that may be empty, no handler.

A function's body counts where a call of it surely ran. Whatever might have been passed over counts as not run.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from functools import singledispatchmethod

from airskills.verify.edits import Point
from airskills.verify.places import FUNCTION, Function

_COMPREHENSION = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LEAVES = (ast.Return, ast.Raise, ast.Break, ast.Continue)


def executed(tree: ast.Module, ran: Callable[[int], bool]) -> frozenset[Point]:
    """Where expressions begin that surely ran, as (line, column in bytes).

    Args:
        tree: of the unit.
        ran: whether the statement of the outermost level that begins on a line belongs to what ran to its end.
    """
    walk = _Walk(tree)
    for statement in tree.body:
        if ran(statement.lineno):
            walk.statement(statement)
    return frozenset(walk.points)


class _Walk:
    def __init__(self, tree: ast.Module) -> None:
        self.points: set[Point] = set()
        self._functions: dict[str, Function | None] = {}
        for node in ast.walk(tree):
            if isinstance(node, FUNCTION):
                self._functions[node.name] = None if node.name in self._functions else node
        self._entered: set[Function] = set()

    def body(self, statements: Iterable[ast.stmt]) -> bool:
        """Walk statements in order; returns whether the end is surely reached."""
        return all(self.statement(statement) for statement in statements)

    @singledispatchmethod
    def statement(self, node: ast.AST) -> bool:
        """Walk one; returns whether what follows it surely runs."""
        if isinstance(node, ast.Import | ast.ImportFrom):
            self.points.update((alias.lineno, alias.col_offset) for alias in node.names)
        self._all(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
        return not isinstance(node, _LEAVES)

    @statement.register
    def _(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        self._all([*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)])
        return True

    @statement.register
    def _(self, node: ast.ClassDef) -> bool:
        self._all([*node.decorator_list, *node.bases])
        return self.body(node.body)

    @statement.register
    def _(self, node: ast.With | ast.AsyncWith) -> bool:
        self._all(item.context_expr for item in node.items)
        return self.body(node.body)

    @statement.register
    def _(self, node: ast.For | ast.AsyncFor) -> bool:
        self.expression(node.iter)
        if _is_filled(node.iter):
            self.body(node.body)
        return not _may_leave(node)

    @statement.register
    def _(self, node: ast.If | ast.While) -> bool:
        self.expression(node.test)
        if isinstance(node, ast.If) and _is_main(node.test):
            return self.body(node.body)
        return not _may_leave(node)

    @statement.register
    def _(self, node: ast.Try) -> bool:
        if not node.handlers and not self.body(node.body):
            return False
        self.body(node.finalbody)
        return not _may_leave(node)

    @statement.register
    def _(self, node: ast.Match) -> bool:
        self.expression(node.subject)
        return not _may_leave(node)

    @statement.register
    def _(self, node: ast.Assert) -> bool:
        self.expression(node.test)
        return True

    def _all(self, nodes: Iterable[ast.expr]) -> None:
        for node in nodes:
            self.expression(node)

    def expression(self, node: ast.AST) -> None:
        """Walk an expression as far as it surely runs."""
        if isinstance(node, ast.Lambda):
            return
        if isinstance(node, ast.Attribute | ast.Call | ast.keyword):  # others may begin where a branch does
            self.points.add((node.lineno, node.col_offset))
        if isinstance(node, _COMPREHENSION):
            self.expression(node.generators[0].iter)
        elif isinstance(node, ast.BoolOp):
            self.expression(node.values[0])
        elif isinstance(node, ast.IfExp):
            self.expression(node.test)
        elif isinstance(node, ast.Compare):
            self._all([node.left, node.comparators[0]])
        else:
            for child in ast.iter_child_nodes(node):
                self.expression(child)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            self._call(node.func.id)

    def _call(self, name: str) -> None:
        function = self._functions.get(name)
        if function is None or function in self._entered or _generates(function):
            return
        self._entered.add(function)
        if isinstance(function, ast.FunctionDef):
            self.body(function.body)


def _may_leave(node: ast.AST) -> bool:
    """Whether a statement inside may end the function or the loop around."""
    pending = list(ast.iter_child_nodes(node))
    while pending:
        inner = pending.pop()
        if isinstance(inner, _LEAVES):
            return True
        if not isinstance(inner, (*FUNCTION, ast.Lambda, ast.ClassDef)):
            pending += ast.iter_child_nodes(inner)
    return False


def _generates(function: Function) -> bool:
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(function))


def _is_filled(node: ast.expr) -> bool:
    """Whether a loop over this surely runs: a list that is written out, or `range(3)`."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return any(not isinstance(item, ast.Starred) for item in node.elts)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        values = [item.value for item in node.args if isinstance(item, ast.Constant)]
        return len(values) == len(node.args) == 1 and isinstance(values[0], int) and values[0] > 0
    return False


def _is_main(test: ast.expr) -> bool:
    """`if __name__ == "__main__":`, which holds of whatever is run."""
    return ast.unparse(test) == "__name__ == '__main__'"
