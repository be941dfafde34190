"""The Python source of one wheel, as revisions ask for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from airskills.verify.decorators import taken_out
from airskills.verify.patches import bound_names, function_of, parse

_DECORATOR = re.compile(r"^[ \t]*@([\w.]+)", re.MULTILINE)
_DEFINED = re.compile(r"^def (\w+)\(", re.MULTILINE)


class Source:
    """The Python source of one wheel, read and parsed when needed.

    Attributes:
        root: its folder.
        path: the file under revision.
        exports: what a star takes from a file, as far as it was asked for (`stars.py`).
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root
        self.exports: dict[Path, tuple[str, ...] | None] = {}

    def text(self, path: Path) -> str:
        """Text of a file, byte for byte."""
        return path.read_bytes().decode("utf-8", "surrogateescape")

    def bound(self, tree: ast.Module) -> set[str] | None:
        """Names that the file under revision binds, star imports included; None where one of those is not found."""
        return self.bound_by(tree, self.path)

    def bound_by(self, tree: ast.Module, path: Path, depth: int = 0) -> set[str] | None:
        """The same of any file, to which `depth` stars have led."""
        found = bound_names(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
                other = self.relative(node, path)
                inner = parse(self.text(other)) if other and depth < 5 else None
                more = self.bound_by(inner, other, depth + 1) if inner and other else None
                if more is None:
                    return None
                found |= more
        return found

    def relative(self, node: ast.ImportFrom, path: Path) -> Path | None:
        """The file that a relative import reads."""
        if not node.level:
            base = self.root.joinpath(*(node.module or "").split("."))
        else:
            base = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
        return next((p for p in (base / "__init__.py", base.with_suffix(".py")) if p.is_file()), None)

    def is_decorated(self, text: str) -> bool:
        """Whether a decorator in it is one that hands everything on."""
        return any(name.rpartition(".")[2] in self.transparent for name in _DECORATOR.findall(text))

    @cached_property
    def transparent(self) -> Mapping[str, frozenset[str]]:
        """Decorators that hand every argument on as it is, by name, with the keywords that they take out before."""
        texts = [self.text(path) for path in sorted(self.root.rglob("*.py"))]
        used = {name.rpartition(".")[2] for text in texts for name in _DECORATOR.findall(text)}
        found: dict[str, list[frozenset[str] | None]] = {}
        for text in texts:
            for name in used & set(_DEFINED.findall(text)):
                node = function_of(text, name)
                if node is not None:
                    found.setdefault(name, []).append(taken_out(node, text))
        sure = {name: ways for name, ways in found.items() if None not in ways}
        return {name: frozenset().union(*filter(None, ways)) for name, ways in sure.items()} | {
            "wraps": frozenset()
        }
