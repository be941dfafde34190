"""Whether a decorator's wrapper hands on all that it is given, and which keywords it takes out before."""

from __future__ import annotations

import ast
import builtins

from airskills.verify.patches import function_of, id_of, is_method, parameters


def taken_out(decorator: ast.FunctionDef, text: str) -> frozenset[str] | None:
    """Keywords that a decorator's wrapper pops by name; None where it is not sure to hand on all that it is given."""
    if decorator.returns is not None:
        return None  # it has types: the checker knows better
    functions = [node for node in ast.walk(decorator) if isinstance(node, ast.FunctionDef)]
    given = frozenset().union(*(parameters(node) for node in functions))
    for inner in functions:
        if inner.args.vararg and inner.args.kwarg:
            return _Wrapper(inner, given, text).taken_out()
    return None


class _Wrapper:
    """`def wrapper(*args, **kwargs)` inside a decorator."""

    def __init__(self, function: ast.FunctionDef, given: frozenset[str], text: str) -> None:
        self.nodes = list(ast.walk(function))
        self.given = given
        self.args = function.args.vararg.arg if function.args.vararg else ""
        self.kwargs = function.args.kwarg.arg if function.args.kwarg else ""
        self.leading = len(function.args.args)
        self.text = text

    def taken_out(self) -> frozenset[str] | None:
        if self.leading > 1 or not any(self._hands_on(node) for node in self.nodes):
            return None
        found = set()
        for node in self.nodes:
            if self._rebinds(node) or self._lends(node):
                return None
            key = self._key(node)
            if isinstance(key, ast.Constant):
                found.add(str(key.value))
            elif isinstance(key, ast.Name | ast.JoinedStr):
                return None  # any name may be taken out
        return frozenset(found - {"self"})

    def _hands_on(self, node: ast.AST) -> bool:
        """Whether it is `func(*args, **kwargs)` or `func(self, *args, **kwargs)`."""
        if not isinstance(node, ast.Call) or id_of(node.func) not in self.given:
            return False
        starred = [arg.value for arg in node.args if isinstance(arg, ast.Starred)]
        rest = [keyword.value for keyword in node.keywords if keyword.arg is None]
        plain = len(node.args) - len(starred) <= 1 and len(rest) == len(node.keywords)
        return plain and [id_of(item) for item in (*starred, *rest)] == [self.args, self.kwargs]

    def _rebinds(self, node: ast.AST) -> bool:
        """Whether `args` or `kwargs` becomes something else; without its first, or as a list, it is what it was."""
        if not isinstance(node, ast.Assign):
            return False
        names = {id_of(target) for target in node.targets}
        same = {f"{self.args}[1:]", f"list({self.args})", f"tuple({self.args})"}
        return self.kwargs in names or (self.args in names and ast.unparse(node.value) not in same)

    def _lends(self, node: ast.AST) -> bool:
        """Whether a function of the same file gets `kwargs` as a dictionary and changes it."""
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            return False
        given = [place for place, arg in enumerate(node.args) if id_of(arg) == self.kwargs]
        if not given or node.func.id in dir(builtins):
            return False
        borrower = function_of(self.text, node.func.id)
        if borrower is None or len(borrower.args.args) <= given[0]:
            return True
        return any(_changes(inner, borrower.args.args[given[0]].arg) for inner in ast.walk(borrower))

    def _key(self, node: ast.AST) -> ast.expr | None:
        """What is taken out of `kwargs`, or looked for in it."""
        if isinstance(node, ast.Call) and is_method(node.func, self.kwargs, "pop") and node.args:
            return node.args[0]
        if isinstance(node, ast.Compare) and any(id_of(item) == self.kwargs for item in node.comparators):
            return node.left
        return None


def _changes(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Subscript):
        return id_of(node.value) == name and not isinstance(node.ctx, ast.Load)
    methods = ("pop", "update", "setdefault", "clear", "popitem")
    return isinstance(node, ast.Call) and any(is_method(node.func, name, method) for method in methods)
