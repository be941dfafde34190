"""Modules that have more names than their text shows: all those of a module that cannot be read, or what a builder binds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from airskills.verify.packages import Packages
from airskills.verify.patches import id_of, parse, statements

DEEP = 6  # stars that are followed


def is_open(packages: Packages, module: str, name: str, depth: int = 0) -> bool:
    """Whether a module of a pinned package may have a name that nobody reads in its source.

    Args:
        packages: what the pins bring.
        module: dotted name.
        name: of machine code, those that its package writes nowhere are none of its.
        depth: stars that have led there.
    """
    path = packages.file(module)
    if path is None:
        absent = packages.owner(module) is None and not packages.is_standard(module)
        return depth > 0 and (absent or (packages.is_compiled(module) and packages.writes(module, name)))
    builds, stars = _facts(path)
    package = module if path.stem == "__init__" else module.rpartition(".")[0]
    return builds or (
        depth < DEEP and any(is_open(packages, _absolute(star, package), name, depth + 1) for star in stars)
    )


def _absolute(star: tuple[int, str], package: str) -> str:
    """Dotted name of the module behind `from ..x import *`, written in this package."""
    level, name = star
    base = package.split(".")[: len(package.split(".")) - level + 1] if level else []
    return ".".join([*base, *([name] if name else [])])


@lru_cache(maxsize=4096)
def _facts(path: Path) -> tuple[bool, tuple[tuple[int, str], ...]]:
    """(whether it hands its own names to something, modules of which it takes all names: level and name)."""
    tree = parse(path.read_bytes().decode("utf-8", "surrogateescape"))
    body = list(_run(tree)) if tree else []
    stars = tuple(
        (node.level, node.module or "")
        for node in body
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
    )
    aliases = {
        id_of(target)
        for node in body
        if isinstance(node, ast.Assign) and ast.unparse(node.value) == "globals()"
        for target in node.targets
    }
    return any(_builds(node, aliases) for node in body), stars


def _run(tree: ast.Module) -> Iterator[ast.stmt]:
    """Statements that run when the module is imported, those of functions and classes left out."""
    inside = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    hidden = {id(below) for node in tree.body if isinstance(node, inside) for below in ast.walk(node)}
    return (node for node in statements(tree) if id(node) not in hidden)


def _builds(node: ast.stmt, aliases: set[str]) -> bool:
    """Whether it is `build(descriptor, globals())`, or `globals().update(...)`."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    call = node.value
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    owner = call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr == "update" else None
    looked_at = [*given, *([owner] if owner is not None else [])]
    return any(id_of(value) in aliases or ast.unparse(value) == "globals()" for value in looked_at)
