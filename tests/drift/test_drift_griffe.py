"""Our reader against griffe's on installed packages: what both read must be the same."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import griffe
import pytest

from airskills.drift.classes import Classes
from airskills.drift.names import Class, Function
from airskills.drift.surface import Surface
from airskills.drift.tree import Tree
from airskills.drift.world import World

KINDS = {
    griffe.ParameterKind.positional_only: "/",
    griffe.ParameterKind.positional_or_keyword: "a",
    griffe.ParameterKind.var_positional: "*",
    griffe.ParameterKind.keyword_only: "k",
    griffe.ParameterKind.var_keyword: "w",
}
SHARE = 0.98  # griffe takes the last of several definitions under conditions, we the one of a complete installation


@pytest.mark.parametrize("package", ["accelerate"])
def test_griffe_reads_the_same_functions_methods_and_parameters(package: str) -> None:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    site = Path(spec.origin).parent.parent
    tree = Tree(site, [package])
    surface = Surface(World([tree]), tree)
    loaded = griffe.load(package, search_paths=[site], allow_inspection=False)
    ours = dict(_ours(surface))
    theirs = {path: _theirs(loaded, path) for path in ours}
    differ = {path: (ours[path], theirs[path]) for path in ours if ours[path] != theirs[path]}
    assert len(ours) > 500
    assert len(differ) < (1 - SHARE) * len(ours), differ


Row = list[tuple[str, str, bool]]


def _ours(surface: Surface) -> list[tuple[str, Row]]:
    classes = Classes(surface.world)
    rows = []
    for item in surface.items.values():
        binding = item.found.binding
        members = classes.view(item.found).own_members if isinstance(binding, Class) else {}
        functions = [(item.home, binding), *((m.home, m.binding) for m in members.values())]
        rows += [(home, _row(function)) for home, function in functions if isinstance(function, Function)]
    return rows


def _row(function: Function) -> Row:
    # griffe names overloads apart; a property has no parameters there.
    is_property = any(
        text.rpartition(".")[2] in {"property", "cached_property"} for text in function.decorators
    )
    return [] if is_property else [(p.name, p.kind, p.default is not None) for p in function.parameters]


def _theirs(loaded: griffe.Object | griffe.Alias, path: str) -> Row:
    found = loaded[path.partition(".")[2]]
    if not isinstance(found, griffe.Function):
        return []
    return [
        (p.name, KINDS[p.kind], p.default is not None and "variadic" not in str(p.kind.value))
        for p in found.parameters
        if p.kind is not None
    ]
