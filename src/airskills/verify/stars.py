"""What `from .module import *` brings, where the files of a wheel spell it out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from airskills.verify.patches import FUNCTION, Edit, id_of, is_name, parse, statements, whole
from airskills.verify.wheel_source import Source

_STAR = re.compile(r"^[ \t]*from \.\S* import \*", re.MULTILINE)
_MENTIONED = re.compile(r"^[^#\n]*\b__all__\b", re.MULTILINE)
_LISTED = re.compile(r"^__all__ = (\[[^\]]*\]|\([^)]*\))", re.MULTILINE)
_BOUND = re.compile(r"^(?:(?:async def|def|class) (\w+)|(\w+)(?::[^=\n]*)? = )", re.MULTILINE)


class ListedStars:
    """`from .models import *` in transformers: to find a single name, a checker reads two thousand files.

    The names are written out in place of the star, where its files say them without a doubt; then a name leads to its file.
    """

    def concerns(self, text: str, _source: Source) -> bool:
        """Whether it may change a file."""
        return _STAR.search(text) is not None

    def __call__(self, tree: ast.Module, source: Source) -> Iterator[Edit]:
        """An import of names in place of every star that is known."""
        for node in statements(tree):
            if isinstance(node, ast.ImportFrom) and node.level and node.names[0].name == "*":
                names = exports(source, source.relative(node, source.path))
                if names:
                    module = f"{'.' * node.level}{node.module or ''}"
                    yield whole(node, f"from {module} import {', '.join(names)}")


def exports(source: Source, path: Path | None) -> tuple[str, ...] | None:
    """The names that a star takes from a file; None where they are in doubt."""
    if path is None or path.with_suffix(".pyi").is_file():
        return None
    if path not in source.exports:
        source.exports[path] = None  # what comes back to itself is in doubt
        source.exports[path] = _exports(source, path)
    return source.exports[path]


def _exports(source: Source, path: Path) -> tuple[str, ...] | None:
    text = source.text(path)
    if _MENTIONED.search(text):
        return _listed(source, path, text)
    tree = parse(text)
    try:
        names = dict.fromkeys(_public(source, path, tree.body)) if tree else ()
    except _DoubtError:
        return None
    return tuple(name for name in names if not name.startswith("_"))


def _listed(source: Source, path: Path, text: str) -> tuple[str, ...] | None:
    """The names of `__all__` that the file binds; None where it is more than one literal."""
    found = _LISTED.findall(text)
    if len(found) != 1 or len(_MENTIONED.findall(text)) != 1:
        return None
    try:
        names = dict.fromkeys(ast.literal_eval(found[0]))
    except (SyntaxError, ValueError):
        return None
    plain = {name for pair in _BOUND.findall(text) for name in pair}
    if names.keys() <= plain:
        return tuple(names)
    tree = parse(text)
    bound = source.bound_by(tree, path) if tree else None
    return None if bound is None else tuple(name for name in names if name in bound)


class _DoubtError(Exception):
    """A statement of which it is not said here what it binds."""


def _public(source: Source, path: Path, body: list[ast.stmt]) -> Iterator[str]:
    """Names that statements bind for a checker.

    Raises:
        _DoubtError: one of them is neither an import, a definition, a plain assignment nor `if TYPE_CHECKING`.
    """
    for node in body:
        if isinstance(node, ast.If) and is_name(node.test, "TYPE_CHECKING"):
            yield from _public(source, path, node.body)  # nobody checks what else there is
        elif isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from _imported(source, path, node)
        elif isinstance(node, FUNCTION | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign) and all(isinstance(target, ast.Name) for target in node.targets):
            yield from map(id_of, node.targets)
        elif not isinstance(node, ast.Expr):
            raise _DoubtError


def _imported(source: Source, path: Path, node: ast.ImportFrom) -> Iterator[str]:
    if node.names[0].name != "*":
        yield from (alias.asname or alias.name for alias in node.names)
        return
    names = exports(source, source.relative(node, path)) if node.level else None
    if names is None:
        raise _DoubtError
    yield from names
