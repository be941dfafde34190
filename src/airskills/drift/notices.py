"""Deprecations that code announces when it runs, with what has to hold before it does."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from airskills.drift.expressions import MAX_TEXT, literal_text
from airskills.drift.names import Notice

HINT = re.compile(rb"deprecat|will be removed|FutureWarning", re.IGNORECASE)
_SAYS = re.compile(r"deprecat|will be removed", re.IGNORECASE)
_CATEGORIES = ("FutureWarning", "DeprecationWarning", "PendingDeprecationWarning")
_WORD = re.compile(r"[A-Za-z_]\w*")


def notices(statements: Sequence[ast.stmt]) -> Iterator[Notice]:
    """Every deprecation that these statements announce; functions inside are not entered."""
    yield from _found(statements, ())


def _found(statements: Sequence[ast.stmt], subjects: tuple[str, ...]) -> Iterator[Notice]:
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            message = _message(statement.value)
            if message:
                yield Notice(message, subjects)
        inner = (*subjects, *_mentioned(statement.test)) if isinstance(statement, ast.If) else subjects
        for body in ("body", "orelse", "finalbody"):
            yield from _found(getattr(statement, body, ()), inner)
        for handler in getattr(statement, "handlers", ()):
            yield from _found(handler.body, inner)


def _message(call: ast.Call) -> str:
    """What a call announces, or "" where it announces no deprecation."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if "warn" not in name and "deprecat" not in name:
        return ""
    values = [*call.args, *(item.value for item in call.keywords)]
    message = next((said for said in map(literal_text, values) if said), "")
    categories = {getattr(value, "id", getattr(value, "attr", "")) for value in values}
    formal = "deprecat" in name or not categories.isdisjoint(_CATEGORIES)
    return " ".join(message.split())[:MAX_TEXT] if formal or _SAYS.search(message) else ""


def _mentioned(test: ast.expr) -> Iterator[str]:
    """Names, attributes of `self` and quoted words in a condition, each once."""
    seen: set[str] = {"self"}
    for node in ast.walk(test):
        found = ""
        if isinstance(node, ast.Name):
            found = node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found = node.attr if node.value.id == "self" else f"{node.value.id}.{node.attr}"
            seen.add(node.value.id)  # ast.walk meets the outer node first
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _WORD.fullmatch(node.value):
            found = node.value
        if found and found not in seen:
            seen.add(found)
            yield found
