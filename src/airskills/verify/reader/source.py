"""Modules of unpacked packages: found by name, parsed once."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence
from pathlib import Path

# Libraries whose effect on a command line is modelled: they are never read, wherever they lie.
MODELLED = frozenset(
    {"argparse", "click", "rich_click", "typer", "jsonargparse", "fire", "pydantic", "pydantic_settings"}
)
MAX_BYTES = 4 * 1024 * 1024  # of one module; the largest hand-written one seen has 0.6 MB


class Sources:
    """Python modules below some folders, each of which is laid out like `site-packages`.

    Attributes:
        roots: each folder with the modules that it is searched for; the first that has a module wins.
    """

    def __init__(self, roots: Sequence[tuple[Path, Sequence[str]]]) -> None:
        self.roots = tuple(roots)
        self._trees: dict[str, ast.Module | None] = {}
        self._paths: dict[str, Path | None] = {}
        self._globs: dict[str, list[Path]] = {}
        self._swapping: dict[str, bool] = {}

    def path(self, module: str) -> Path | None:
        """The file of a module, or the folder of a package without `__init__.py`; None where no root has it."""
        if module not in self._paths:
            self._paths[module] = self._find(module)
        return self._paths[module]

    def _find(self, module: str) -> Path | None:
        relative = Path(*module.split("."))
        roots = [root for root, tops in self.roots if _below(module, tops)]
        for root in roots:
            base = root / relative
            for file in (base / "__init__.py", base.with_name(f"{base.name}.py")):
                if file.is_file():
                    return file
        return next((root / relative for root in roots if (root / relative).is_dir()), None)

    def tree(self, module: str) -> ast.Module | None:
        """The parsed module; empty for a folder without `__init__.py`, None where there is none or it does not parse."""
        if module.partition(".")[0] in MODELLED:
            return None
        if module not in self._trees:
            self._trees[module] = self._parse(module)
        return self._trees[module]

    def is_package(self, module: str) -> bool:
        """Whether the module can have submodules."""
        path = self.path(module)
        return path is not None and (path.name == "__init__.py" or path.is_dir())

    def may_define(self, module: str, name: str) -> bool:
        """Whether the text of a module holds a name, or hands on the names of others."""
        path = self.path(module) if _is_name(module) else None
        try:
            text = path.read_bytes() if path and path.is_file() else b""
        except OSError:
            return False
        return name.encode() in text or b"import *" in text

    def swaps_dashes(self, module: str) -> bool:
        """Whether a module somewhere replaces `_` by `-` or the other way round."""
        if module not in self._swapping:
            nodes = ast.walk(self.tree(module) or ast.Module([], []))
            self._swapping[module] = any(isinstance(node, ast.Call) and _swaps(node) for node in nodes)
        return self._swapping[module]

    def glob(self, pattern: str) -> list[Path]:
        """Files below the roots, in order of their names."""
        if pattern not in self._globs:
            self._globs[pattern] = sorted(path for root, _ in self.roots for path in root.glob(pattern))
        return self._globs[pattern]

    def _parse(self, module: str) -> ast.Module | None:
        path = self.path(module) if _is_name(module) else None
        if path is None:
            return None
        if path.is_dir():
            return ast.Module([], [])
        try:
            return parse(path.read_bytes())
        except OSError:
            return None


def parse(code: bytes | str) -> ast.Module | None:
    """A module's syntax tree, or None where it is too large or not Python; warnings about escapes are not ours."""
    if len(code) > MAX_BYTES:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _swaps(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "replace":
        return False
    return {"_", "-"} == {word.value for word in call.args[:2] if isinstance(word, ast.Constant)}


def _below(module: str, tops: Sequence[str]) -> bool:
    """Whether a module is one of `tops`, lies in one, or is a namespace around one."""
    return any(f"{module}.".startswith(f"{top}.") or f"{top}.".startswith(f"{module}.") for top in tops)


def _is_name(module: str) -> bool:
    return all(part.isidentifier() for part in module.split("."))
