"""Uses: what a unit takes from libraries, as its syntax tree shows it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airskills.cells import parse_cell
from airskills.verify.syntax import Syntax
from airskills.verify.uses import Uses


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import a.b, c as d", ["import a.b", "import c"]),
        ("from a.b import c as d, e", ["from a.b.c", "from a.b.e"]),
        ("from . import a\nfrom .b import c", []),
        ("a.b.c", ["attribute a.b.c"]),
        ("a.b.c = d.e", ["attribute a.b", "attribute d.e"]),
        ("a.b(c.d, e=f(g))", ["call a.b", "attribute c.d", "call f"]),
        ("a.b(1).c", ["attribute a.b(...).c", "call a.b"]),
        ("(a + b.c).d(e)[0].f", ["attribute (...).d(...)[...].f", "call (...).d", "attribute b.c"]),
        ("print(len(a.b))", ["attribute a.b"]),
        ("def print(a): ...\nprint(1)\ndef f(): ...\nf()", []),
        ("len = a\nlen(b)", ["call len"]),
        ("(lambda: a.b)()", ["attribute a.b"]),
        ("f'{a.b!r:>{c.d}}'", ["attribute a.b", "attribute c.d"]),
    ],
)
def test_chains_are_taken_whole_and_calls_of_what_is_built_in_or_defined_here_are_none(
    source: str, found: list[str]
) -> None:
    assert [f"{use.kind} {use.name}" for use in Uses(source).all] == found


@pytest.mark.parametrize(
    ("source", "optional"),
    [
        ("try:\n    import a\nexcept ImportError:\n    import b", [True, False]),
        ("try:\n    pass\nexcept (KeyError, ModuleNotFoundError): ...\nelse:\n    import a", [True]),
        ("try:\n    import a\nexcept KeyError: ...\nfinally:\n    import b", [False, False]),
        ("try:\n    try: ...\n    except KeyError:\n        import a\nexcept: ...", [True]),
        ("try:\n    def f():\n        import a\nexcept Exception: ...", [True]),
    ],
)
def test_an_import_is_optional_where_its_failure_is_caught(source: str, optional: list[bool]) -> None:
    assert [use.optional for use in Uses(source).all] == optional


@pytest.mark.parametrize(
    ("source", "typed"),
    [
        ("def f(x: a.b[c.d], *y: e.f) -> g.h(i.j): ...", {"a.b", "c.d", "e.f", "g.h", "i.j"}),
        ("def f(x=a.b): ...", set()),
        ("x: a.b = c.d", {"a.b"}),
        ("class C(a.b, metaclass=c.d(1)):\n    x = e.f", {"a.b", "c.d"}),
        ("match a.b:\n    case c.d | e.f(x=g.h): i.j", {"c.d", "e.f", "g.h"}),
    ],
)
def test_nothing_is_asked_where_only_a_type_a_base_or_a_pattern_may_stand(
    source: str, typed: set[str]
) -> None:
    assert {use.name for use in Uses(source).all if use.typed} == typed


def test_columns_are_characters_whatever_an_encoding_makes_of_them() -> None:
    uses = Uses("é = 'ü'; a.b(ß=1)\na.c")
    call, plain = uses.all
    assert (call.span, call.keywords[0].span) == (((1, 9), (1, 17)), ((1, 13), (1, 16)))
    assert (uses.text(call.target), plain.span.start) == ("a.b", (2, 0))


def test_dots_for_arguments_are_seen() -> None:
    assert [use.elided for use in Uses("f(..., a); f(a, **{}); f(a)").all] == [True, True, False]


def test_what_is_asked_of_a_unit_outlives_its_tree() -> None:
    uses = Uses("import a\nclass C(a.B): ...\nc = C()\nif c:\n    c.d = 'e f'\n")
    uses.release()
    assert "syntax" not in vars(uses)
    assert (uses.classes, uses.made, uses.statements[5]) == ({"C": ("B",)}, {"c": "C"}, 5)
    assert {"a", "C", "c", "d", "e", "f"} <= uses.words


MATCH = (
    "match a:\n    case b.C(d, e=f) | {'g': h, **i} | [*j]: pass\nasync def k(*l: m, n=1, **o) -> p: await q"
)


@pytest.mark.parametrize(
    "source", [Path(ast.__file__).read_text(encoding="utf-8"), MATCH], ids=["ast", "match"]
)
def test_the_tables_of_a_tree_hold_every_kind_of_node(source: str) -> None:
    hold(ast.parse(source))


@given(st.text(alphabet="ab.()[] \n=,:'f{}@*", max_size=80))
def test_the_tables_of_a_tree_hold_what_walking_it_shows(text: str) -> None:
    tree = parse_cell(text).tree
    if tree is not None:
        hold(tree)


def hold(tree: ast.Module) -> None:
    """The tables, against Python's own walk."""
    syntax, bare = Syntax(tree), (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)
    nodes = [node for node in ast.walk(tree) if not isinstance(node, bare)]
    assert syntax.nodes == nodes
    assert syntax.of(ast.Name, ast.Call) == [node for node in nodes if type(node) in {ast.Name, ast.Call}]
    assert set(syntax.statements) == {node for node in nodes if isinstance(node, ast.stmt)}
    for node in nodes:
        below = [child for child in ast.iter_child_nodes(node) if not isinstance(child, bare)]
        assert syntax.below.get(node, []) == below
        assert all(syntax.parents[child] is node for child in below)
