"""What a function of a unit says of its parameters and results."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from airskills.verify.places import FUNCTION, Function


def own_nodes(function: Function, below: Mapping[ast.AST, list[ast.AST]]) -> Iterator[ast.AST]:
    """Nodes of a function without those of functions in it; `below` gives the nodes right below one."""
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, (*FUNCTION, ast.Lambda, ast.ClassDef)):
            pending += below.get(node, ())


def says_nothing(annotation: ast.expr | None) -> bool:
    """Whether nothing is said of a type: it is not written, or `Any`."""
    return annotation is None or ast.unparse(annotation) in {"Any", "typing.Any", "Any | None"}


def is_something(value: ast.expr | None) -> bool:
    """Whether a value is written that is not None."""
    return value is not None and not (isinstance(value, ast.Constant) and value.value is None)


def untyped(function: Function, *, is_method: bool) -> list[str]:
    """Parameters without a type, in order, `self` left out."""
    places = [*function.args.posonlyargs, *function.args.args]
    if is_method and not has_decorator(function, "staticmethod"):
        places = places[1:]
    return [arg.arg for arg in (*places, *function.args.kwonlyargs) if says_nothing(arg.annotation)]


def defaults(function: Function) -> dict[str, ast.expr]:
    """Parameters that have a default, with it."""
    given = function.args
    places = [*given.posonlyargs, *given.args]
    found = dict(
        zip([arg.arg for arg in places[len(places) - len(given.defaults) :]], given.defaults, strict=True)
    )
    named = {arg.arg: value for arg, value in zip(given.kwonlyargs, given.kw_defaults, strict=True) if value}
    return found | named


def has_decorator(function: Function, decorator: str) -> bool:
    """Whether a plain name decorates it."""
    return any(isinstance(node, ast.Name) and node.id == decorator for node in function.decorator_list)
