"""Two releases of a package as dictionaries of files: what the tests of `drift` compare."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from airskills.drift.change import Change
from airskills.drift.compare import Comparison, compare
from airskills.drift.surface import Surface
from airskills.drift.tree import Tree
from airskills.drift.world import World


def tree(folder: Path, files: Mapping[str, str]) -> Tree:
    """Write files, dedented, and read them as a distribution."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(dedent(text), encoding="utf-8")
    return Tree(folder, sorted({path.partition("/")[0].removesuffix(".py") for path in files}))


def surface(folder: Path, files: Mapping[str, str], *others: Tree) -> Surface:
    """The public side of a release whose world has `others` too."""
    made = tree(folder, files)
    return Surface(World([made, *others]), made)


def compared(
    folder: Path, old: Mapping[str, str] | str, new: Mapping[str, str] | str, *others: Tree
) -> Comparison:
    """What changed; a text stands for the `__init__.py` of a package `demo`."""
    sides = [{"demo/__init__.py": side} if isinstance(side, str) else side for side in (old, new)]
    return compare(surface(folder / "old", sides[0], *others), surface(folder / "new", sides[1], *others))


def changes(
    folder: Path, old: Mapping[str, str] | str, new: Mapping[str, str] | str, *others: Tree
) -> list[str]:
    """The changes as `kind: subject predicate`."""
    return [said(change) for change in compared(folder, old, new, *others).changes]


def said(change: Change) -> str:
    """A change on one line."""
    return f"{change.kind}: {change}"
