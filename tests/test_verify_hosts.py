"""Questions stand where they mean what the use means, and leave what they are about as it is."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airskills.cells import parse_cell
from airskills.verify.questions import PROBE, Asked, ask
from airskills.verify.ty import Ty, _positive
from airskills.verify.uses import Uses

CODE = """
@f.deco(a.b)
def run(x=c.d, *args):
    if x.y: return x.z(lambda: x.w)
    elif x.u and x.v.w or x.t: x.s = x.r(); x.q()
    for i in x.p(): print(i.m)
    while x.o: x.n = [y.a for y in x.b if y.c for z in y.d]
    with x.e() as g, g.h() as k: assert k.i, k.j
    try: return k.l if k.k else k.m(k.n)
    except f.Error: del x.a[x.b]
    {y.a: y.b for y in x.d}; f(*(y.c for y in x.f()))

if (m := f.match(a.c)) and m.group(f.w(m.d)): m.e
match f.g():
    case f.H() if f.i: f.j()
class C(f.K):
    l = f.l().m(\
        f.n).o
from lab import one; one.two()
import lab.three, four; lab.three.five(four.six)
"""


def asked(text: str) -> Asked:
    return ask(Uses(text), [])


def marked(text: str) -> str:
    """The text with each tuple of questions written `?`."""
    while (start := text.find("(reveal_type(")) >= 0:
        end = start + 1
        while text[start:end].count("(") > text[start:end].count(")"):
            end += 1
        text = f"{text[:start]}?{text[end:]}"
    return text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x.a(x.b)", "?; x.a(x.b)"),
        ("y; x.a = x.b", "y; ?; x.a = x.b"),
        ("def f():\n  if x.a: pass", "def f():\n  ?\n  if x.a: pass"),
        ("@x.a\ndef f(y=x.b): pass", "?\n@x.a\ndef f(y=x.b): pass"),
        ("for i in x.a: x.b", "?\nfor i in x.a: ?; x.b"),
        ("with x.a as b, b.c: pass", "?\nwith x.a as b, (? and (b.c)): pass"),
        ("while x.a: pass", "while (? and (x.a)): pass"),
        ("if a: pass\nelif x.a: pass", "if a: pass\nelif (? and (x.a)): pass"),
        ("assert x.a, x.b", "?; assert x.a, (? and (x.b))"),
        ("x.a and x.b and y", "?; x.a and (? and (x.b)) and y"),
        ("x.a if x.b else x.c", "?; (? and (x.a)) if x.b else (? and (x.c))"),
        ("[x.a for x in y.a if x.b]", "?; [(? and (x.a)) for x in y.a if (? and (x.b))]"),
        ("f(lambda x=y.a: x.a)", "?; f(lambda x=y.a: (? and (x.a)))"),
        ("(x := y.a).b, x.c", "(? and ((x := (? and (y.a))).b)), (? and (x.c))"),
        ("import x", "import x; ?"),
    ],
)
def test_questions_stand_where_their_use_is_evaluated(text: str, found: str) -> None:
    assert marked(asked(text).edited.text) == found


def check(text: str) -> None:
    made = asked(text)
    ast.parse(made.edited.text)
    lines, written = made.edited.text.split("\n"), text.split("\n")
    assert all(lines[line - 1][:column].endswith("reveal_type(") for line, column in made.points)
    for number, line in enumerate(lines, 1):
        for column, char in enumerate(line):
            place = made.edited.written((number, column))
            if place is not None and char in "@%":
                assert written[place[0] - 1][place[1]] == char


@pytest.mark.parametrize("text", ["", CODE, CODE.replace("    ", "\t")])
def test_what_is_asked_parses_and_every_point_finds_back(text: str) -> None:
    check(text)


@given(st.text(alphabet="ab.()[] \n=,'\"f:{}@%1é", max_size=60))
def test_whatever_is_asked_parses(text: str) -> None:
    cell = parse_cell(text)
    if cell.tree is not None:
        check(cell.source)


def test_every_use_is_asked_about_but_those_that_are_types() -> None:
    uses = Uses(CODE)
    made = ask(uses, [])
    told = {number for answers in made.points.values() for number, _ in answers}
    assert told | set(made.same) == {number for number, use in enumerate(uses.all) if not use.typed}


def test_what_means_the_same_everywhere_is_asked_once() -> None:
    text = asked("import lab\nlab.a(1)\nlab.b(2)\nx.a(1)\nx.b(2)\n").edited.text
    assert text.count(f"reveal_type(lab.{PROBE})") == 1
    assert text.count(f"reveal_type(x.{PROBE})") == 2


NARROWED = """
class A:
    b: int | None
def f(a: A, k):
    if a.b is not None and a.b.real: pass
    a.b.imag if a.b else None
    if k.d is not None: k.d.e
    if isinstance(k, str): k.upper()
"""


def test_questions_do_not_hide_what_a_test_says_of_an_attribute() -> None:
    made = asked(NARROWED)
    text = f"from typing_extensions import reveal_type\n{made.edited.text}"
    answer = Ty().ask({"a": text}, [])
    complaints = [made.edited.written((said.start[0] - 1, said.start[1])) for said in answer.diagnostics]
    assert [place for place in complaints if place is not None] == []
    uses = Uses(NARROWED)
    types = {(line - 1, column): found for (line, column), found in answer.types["a"].items()}
    known = {
        use.name: told.type
        for use, told in zip(
            uses.all, made.answers(uses.all, types, (), lambda _: (None, False)), strict=True
        )
    }
    assert (known["a.b.real"], known["a.b.imag"]) == ("int", "Literal[0]")
    assert known["k.d.e"] == "Unknown"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Any & ~None", "Any"),
        ("(Any & ~AlwaysFalsy) | dict[str, int]", "Any | dict[str, int]"),
        ("bound method (Path & ~AlwaysFalsy).read() -> str", "bound method Path.read() -> str"),
        ('str & ~Literal["a ] b"] & ~Literal["c"]', "str"),
        ("list[dict[str, int]] & ~tuple[int, ...]", "list[dict[str, int]]"),
        ("Unknown & <Protocol with members 'a', 'b'>", "Unknown"),
        ("Model & <Protocol with members 'a'>", "Model & <Protocol with members 'a'>"),
        ("Unknown & str", "Unknown & str"),
    ],
)
def test_what_a_test_rules_out_is_no_part_of_a_type(said: str, meant: str) -> None:
    assert _positive(said) == meant
