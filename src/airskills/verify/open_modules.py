"""Modules that have more names than their text shows: all those of a module that cannot be read, or what a builder binds."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from airskills.verify.packages import Packages
from airskills.verify.patches import id_of, parse, statements

_OWN_NAMES = frozenset({"globals()", "locals()"})
DEEP = 6  # stars that are followed
_STAR = re.compile(rb"import[\s\\(]*\*")


def is_open(packages: Packages, module: str, name: str) -> bool:
    """Whether a module of a pinned package may have a name that nobody reads in its source.

    Args:
        packages: what the pins bring.
        module: dotted name.
        name: of machine code, those that its package writes nowhere are none of its.
    """
    seen, found = {module}, [module]
    for depth in range(DEEP + 1):
        followed: list[str] = []
        for other in found:
            path = packages.file(other)
            builds, stars = _facts(path) if path else (depth > 0 and _is_unread(packages, other, name), ())
            if builds:
                return True
            package = other if path and path.stem == "__init__" else other.rpartition(".")[0]
            followed += [_absolute(star, package) for star in stars]
        found = [other for other in dict.fromkeys(followed) if other not in seen]
        seen.update(found)
    return False


def _is_unread(packages: Packages, module: str, name: str) -> bool:
    """Whether a module without a source may have a name."""
    absent = packages.owner(module) is None and not packages.is_standard(module)
    return absent or (packages.is_compiled(module) and packages.writes(module, name))


def _absolute(star: tuple[int, str], package: str) -> str:
    """Dotted name of the module behind `from ..x import *`, written in this package."""
    level, name = star
    base = package.split(".")[: len(package.split(".")) - level + 1] if level else []
    return ".".join([*base, *([name] if name else [])])


@lru_cache(maxsize=4096)
def _facts(path: Path) -> tuple[bool, tuple[tuple[int, str], ...]]:
    """(whether it hands its own names to something, modules of which it takes all names: level and name)."""
    text = path.read_bytes()
    hands_on = b"globals()" in text or b"locals()" in text or _STAR.search(text)  # few modules have any
    tree = parse(text.decode("utf-8", "surrogateescape")) if hands_on else None
    body = list(_run(tree)) if tree else []
    stars = tuple(
        (node.level, node.module or "")
        for node in body
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
    )
    aliases = {
        id_of(target)
        for node in body
        if isinstance(node, ast.Assign) and ast.unparse(node.value) in _OWN_NAMES
        for target in node.targets
    }
    return any(_builds(node, aliases) for node in body), stars


def _run(tree: ast.Module) -> Iterator[ast.stmt]:
    """Statements that run when the module is imported, those of functions and classes left out."""
    inside = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return statements(ast.Module([node for node in tree.body if not isinstance(node, inside)], []))


def _builds(node: ast.stmt, aliases: set[str]) -> bool:
    """Whether it is `build(descriptor, globals())`, or `globals().update(...)`."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    call = node.value
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    owner = call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr == "update" else None
    looked_at = [*given, *([owner] if owner is not None else [])]
    return any(id_of(value) in aliases or ast.unparse(value) in _OWN_NAMES for value in looked_at)
