"""Blocks as notebooks, terminals and slides write them, read on the same lines."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airskills.cells import parse_cell


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("%pip install trl\nx = 1", "pass\nx = 1"),
        ("if x:\n    !ls\n", "if x:\n    pass\n"),
        ("files = !ls\nn = %who\nfiles[0]", "files = get_ipython()\nn = get_ipython()\nfiles[0]"),
        ("%%time\nx = 1", "pass\nx = 1"),
        ("%%bash\nls | wc", "\n"),
        ("%%writefile a.py\nx = = 1", "\n"),
        ("torch.nn??\nx = 1", "pass\nx = 1"),
        (">>> x = 1\n>>> if x:\n...     y = 2\n...\n2\n>>> y\n", "x = 1\nif x:\n    y = 2\n\n\ny\n"),
        ("   x = 1\n\n   y = 2", "x = 1\n\ny = 2"),
        ("x = 7 \\\n  % 2\ny = x", "x = 7 \\\n  % 2\ny = x"),
        ('"""\n!ls\n"""', '"""\n!ls\n"""'),
        ("x = 1 if a != b else 2", "x = 1 if a != b else 2"),
    ],
)
def test_what_is_no_python_is_replaced_on_its_own_line(text: str, source: str) -> None:
    cell = parse_cell(text)
    assert cell.source == source
    assert cell.problem is None
    assert cell.tree is not None


def test_dots_that_python_forbids_are_a_problem_and_can_be_read_all_the_same() -> None:
    cell = parse_cell('f(a=1, ...)\nd = {"a": 1, ...}\nclass C: ...\n')
    assert cell.problem == (1, "positional argument follows keyword argument")
    assert cell.tree is not None
    assert cell.source.split("\n")[:2] == ["f(a=1, **{})", 'd = {"a": 1, **{}}']


def test_dots_that_python_allows_stay() -> None:
    cell = parse_cell("f(..., a=1)\nx[..., 0]\n")
    assert cell.problem is None
    assert cell.source == "f(..., a=1)\nx[..., 0]\n"


def test_a_column_is_counted_as_the_block_was_written() -> None:
    assert parse_cell("  >>> f(x)\n  1\n  >>> g(y)").column(3, 2) == 8
    assert parse_cell("    x = 1").column(1, 0) == 4
    assert parse_cell("x = 1").column(1, 3) == 3


@pytest.mark.parametrize(
    ("text", "awaits"),
    [
        ("x = await f()", True),
        ("async with f() as x:\n    pass", True),
        ("[x async for x in f()]", True),
        ("async def g():\n    await f()\n", False),
        ("f = lambda: g()", False),
    ],
)
def test_await_outside_a_function_is_noticed(text: str, *, awaits: bool) -> None:
    cell = parse_cell(text)
    assert cell.problem is None
    assert cell.awaits is awaits


@pytest.mark.parametrize("text", ["print(x", "x = = 1", "\0", "(" * 5000, "x = " + "-" * 100_000 + "1"])
def test_what_cannot_be_read_has_a_problem_and_no_tree(text: str) -> None:
    cell = parse_cell(text)
    assert cell.tree is None
    assert cell.problem is not None


@given(st.text(alphabet=" \t\n>.%!?=(){}#'\"abc1…é", max_size=80))
def test_lines_never_move(text: str) -> None:
    cell = parse_cell(text)
    assert cell.source.count("\n") == text.count("\n")
    assert len(cell.removed) == text.count("\n") + 1
    assert isinstance(cell.tree, ast.Module) != (cell.problem is not None) or "..." in text
