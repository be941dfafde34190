"""Expressions as text that does not depend on how they were formatted."""

from __future__ import annotations

import ast

MAX_TEXT = 200


def text(node: ast.expr | None) -> str:
    """A normal form of an expression, cut at 200 characters; "" for None."""
    if node is None:
        return ""
    if isinstance(node, ast.Constant):
        return repr(node.value)[:MAX_TEXT]
    return (dotted(node) or ast.unparse(node))[:MAX_TEXT]


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a chain of names, "" of anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def literal_text(node: ast.expr) -> str:
    """Text of a string, also an f-string (holes become `{}`) or a sum of strings; "" where there is none."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(literal_text(part) or "{}" for part in node.values)
    if isinstance(node, ast.BinOp):
        return literal_text(node.left) + literal_text(node.right)
    return ""


def strings(node: ast.expr) -> list[str] | None:
    """The elements of a list, tuple or set of string literals, or None."""
    if not isinstance(node, ast.List | ast.Tuple | ast.Set):
        return None
    found = [
        item.value for item in node.elts if isinstance(item, ast.Constant) and isinstance(item.value, str)
    ]
    return found if len(found) == len(node.elts) else None


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The value that a call gives to a keyword, or None."""
    return next((item.value for item in call.keywords if item.arg == name), None)
