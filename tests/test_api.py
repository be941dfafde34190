"""The Python interface: these names, each explained, and nothing imported before it is asked for."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import pytest

import airskills

PUBLIC = ["AirskillsError", "Finding", "Hit", "Library", "Skill", "parse"]
LABS = {"rl", "grokking"}  # they have interfaces, and tests, of their own
MODULES = sorted(
    module.name for module in pkgutil.iter_modules(airskills.__path__) if module.name not in LABS
)


def public_members(name: str) -> Iterator[tuple[str, object]]:
    """The public name itself, and every public method or property that its class defines."""
    found = getattr(airskills, name)
    yield name, found
    if inspect.isclass(found):
        for attribute, value in vars(found).items():
            if not attribute.startswith("_") and (
                callable(value) or isinstance(value, property | classmethod)
            ):
                yield f"{name}.{attribute}", value


def test_the_public_names_are_exactly_these() -> None:
    assert airskills.__all__ == PUBLIC
    assert set(PUBLIC) <= set(dir(airskills))


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_and_its_members_are_explained(name: str) -> None:
    unexplained = [member for member, value in public_members(name) if not inspect.getdoc(value)]

    assert unexplained == []


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_comes_from_its_own_module(name: str) -> None:
    found = getattr(airskills, name)

    assert found.__module__ == f"airskills.{airskills._HOMES[name]}"


def test_a_name_that_does_not_exist_is_said_to() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nope'"):
        airskills.Nope  # noqa: B018 - looking it up is what is tested


def test_star_import_gives_the_public_names() -> None:
    namespace: dict[str, object] = {}
    exec("from airskills import *", namespace)

    assert set(namespace) - {"__builtins__"} == set(PUBLIC)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_and_its_public_definitions_are_explained(name: str) -> None:
    found = find_spec(f"airskills.{name}")  # not imported: one of them needs a kit that cannot live here
    assert found
    assert found.origin
    tree = ast.parse(Path(found.origin).read_text(encoding="utf-8"))
    unexplained = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and ast.get_docstring(node) is None
    ]

    assert ast.get_docstring(tree)
    assert unexplained == []


def test_the_package_is_marked_as_typed() -> None:
    assert files("airskills").joinpath("py.typed").is_file()


CALLS: dict[str, Callable[[airskills.Library], object]] = {
    "load UnknownSkillError": lambda library: library.load("nope"),
    "read UnknownSkillError": lambda library: library.read("nope", "SKILL.md"),
    "files UnknownSkillError": lambda library: library.files("nope"),
    "read SkillFileNotFoundError": lambda library: library.read("mine", "nope.md"),
    "read UnsafePathError": lambda library: library.read("mine", "../x"),
    "parse SkillSyntaxError": lambda _: airskills.parse("", "x/SKILL.md"),
}


@pytest.mark.parametrize("name", CALLS)
def test_errors_are_ours_and_say_what_to_do(
    tmp_path: Path, make_skill: Callable[..., Path], name: str
) -> None:
    make_skill(tmp_path, "mine")

    with pytest.raises(airskills.AirskillsError) as caught:
        CALLS[name](airskills.Library.open(tmp_path))

    assert type(caught.value).__name__ == name.split()[1]
    assert caught.value.help
    assert str(caught.value)
