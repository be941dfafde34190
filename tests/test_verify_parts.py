"""The parts of `verify`: edits that keep lines, signatures as checkers write them, readings of packages."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airskills.pins import Pin
from airskills.verify import edits
from airskills.verify.edits import Span, Wrap
from airskills.verify.readings import read, reading
from airskills.verify.signatures import Misfit, Shape, members, misfit, signatures
from airskills.verify.uses import Uses
from airskills.verify.wires import Wires
from airskills.wheels import Wheel


def test_of_two_wraps_that_begin_or_end_together_the_longer_one_stands_outside() -> None:
    inner, outer = Wrap(Span((1, 0), (1, 1)), "(", ")"), Wrap(Span((1, 0), (1, 3)), "[", "]")
    assert edits.apply("a.b", [inner, outer]).text == "[(a).b]"
    assert edits.apply("a.b", [outer, Wrap(Span((1, 2), (1, 3)), "<", ">")]).text == "[a.<b>]"


def test_a_point_of_the_edited_text_finds_back() -> None:
    made = edits.apply("x = f(1)", [Wrap(Span((1, 4), (1, 8)), "some(", ")")])
    assert made.text == "x = some(f(1))"
    assert made.written((1, 9)) == (1, 4)
    assert made.written((1, 11)) == (1, 6)
    assert made.written((1, 2)) == (1, 2)


TEXT = "ab = cd(ef)\ngh.ij(k)\n\nl"
POINTS = st.tuples(st.integers(1, 4), st.integers(0, 11)).filter(
    lambda p: p[1] <= len(TEXT.split("\n")[p[0] - 1])
)
PUT = st.sampled_from(["<", "<<\n", "\n<", ""])


WRAPS = st.builds(lambda one, other, *put: Wrap(Span(*sorted([one, other])), *put), POINTS, POINTS, PUT, PUT)


@given(st.lists(WRAPS))
def test_whatever_is_put_in_every_written_character_finds_back(wraps: list[Wrap]) -> None:
    made = edits.apply(TEXT, wraps)
    kept = [
        (line, column)
        for line, text in enumerate(made.text.split("\n"), 1)
        for column, char in enumerate(text)
        if char != "<"
    ]
    written = [(row, at) for row, text in enumerate(TEXT.split("\n"), 1) for at in range(len(text))]
    assert [made.written(point) for point in kept] == written
    for (line, column), wrap in zip(made.placed, wraps, strict=True):
        rest = "\n".join([made.text.split("\n")[line - 1][column:], *made.text.split("\n")[line:]])
        assert rest.startswith(wrap.before)


@pytest.mark.parametrize(
    ("text", "shape", "found"),
    [
        ("def f(a, b=1) -> int", Shape(1), None),
        ("def f(a, b=1) -> int", Shape(0), Misfit("missing", "a")),
        ("def f(a, b=1) -> int", Shape(3), Misfit("arity")),
        ("def f(a, b=1) -> int", Shape(1, ("c",)), Misfit("keyword", "c")),
        ("def f(a, b=1) -> int", Shape(1, ("a",)), Misfit("arity", "a")),
        ("def f(a: int, /, *, b: str) -> int", Shape(1, ("b",)), None),
        ("def f(a: int, /, *, b: str) -> int", Shape(0, ("a", "b")), Misfit("keyword", "a")),
        ("def f(*args, **kwargs) -> int", Shape(9, ("z",)), None),
        ("bound method list[int].append(item: dict[str, int] = {}) -> None", Shape(0), None),
        ('(self: A, mode: Literal["a", "b)"] = "a", *, x: int) -> None', Shape(1), Misfit("missing", "x")),
        ("(...) -> Any", Shape(3, ("q",)), None),
        ("(int, str, /) -> bool", Shape(1), Misfit("missing", "")),
        ("def f(a, b) -> int", Shape(0, starred=True), None),
        ("def f(a, b) -> int", Shape(0, expanded=True), None),
    ],
)
def test_a_call_fits_a_signature_by_names_and_numbers(text: str, shape: Shape, found: Misfit | None) -> None:
    assert misfit(signatures(text)[0][0], shape) == found


def test_unions_and_overloads_are_told_apart() -> None:
    text = "(bound method A.f(x: int | str) -> int) | None | Overload[(a: int) -> int, (b: str, c: int = 1) -> str]"
    assert len(members(text)) == 3
    assert [[way.names for way in ways] for ways in signatures(text)] == [[("x",)], [], [("a",), ("b", "c")]]


CALLS = """
def f(a, b=1):
    if a:
        return g(a)
    elif f([x for x in a if f(x)]): return 2
    return lambda: f(3)

class C:
    def __init__(self, c): self.c = f(c)
    @staticmethod
    def s(d): return d
    async def w(self):
        for i in f(self.c): yield i
    async def v(self): return await self.v()

@f(1)
def g(e, *, k): return [(e, k) for e in f(e)], f"{f(e)}"
C(f(2)); C.s(1)
with f(0) as h, g(h, k=f(h)): pass
while f(1): print(f(2), file=g(1, k=2)); break
"""


@given(st.lists(st.sampled_from(CALLS.split("\n\n")), min_size=1).map("\n\n".join))
def test_wires_leave_a_text_that_parses_and_every_point_finds_back_to_its_line(text: str) -> None:
    made = edits.apply(text, Wires(Uses(text)).wraps({}))
    ast.parse(made.text)
    written = text.split("\n")
    for number, line in enumerate(made.text.split("\n"), 1):
        for column, char in enumerate(line):
            place = made.written((number, column))
            if place is not None and char in "@#":
                assert written[place[0] - 1][place[1]] == char


def test_a_line_that_is_put_in_is_nobodys_code() -> None:
    made = edits.apply("if f(x):\n    y", [Wrap(Span((1, 0), (1, 0)), "p = x\n", aside=True)])
    assert made.text == "p = x\nif f(x):\n    y"
    assert made.written((1, 2)) is None
    assert made.written((2, 5)) == (1, 5)
    assert made.written((3, 4)) == (2, 4)


SOURCE = {
    "decorated": (
        (
            "def plain(f):\n    def w(*args, **kwargs):\n        return f(*args, **kwargs)\n    return w\n\n"
            "@plain\ndef run(a):\n    return a\n"
        ),
        "def run(a)",
        "@plain",
    ),
    "supplies an argument": (
        (
            "def gives(f):\n    def w(*args, **kwargs):\n        return f(1, 2, *args, **kwargs)\n    return w\n\n"
            "@gives\ndef run(a, b, c):\n    return a\n"
        ),
        "@gives",
        "",
    ),
    "takes keywords by names that are not written": (
        (
            "def renames(f):\n    def w(*args, **kwargs):\n        for k in OLD:\n            if k in kwargs:\n"
            "                kwargs.pop(k)\n        return f(*args, **kwargs)\n    return w\n\n@renames\ndef run(a):\n    return a\n"
        ),
        "@renames",
        "",
    ),
    "refuses": (
        "def run(a, **kwargs):\n    b = kwargs.pop('b', 1)\n    if kwargs:\n        raise TypeError\n    return a\n",
        "def run(a, *, airskills_nothing_=None, b=None)",
        "**kwargs",
    ),
    "hands on": ("def run(a, **kwargs):\n    return other(**kwargs)\n", "**kwargs):", ""),
    "lazy": (
        "T = {'Lazy': 'x'}\ndef __getattr__(name):\n    if name in T:\n        return T[name]\n    raise AttributeError(name)\n",
        "Lazy: _Any",
        "def __getattr__",
    ),
    "lazy by an import": (
        "import os\ndef __getattr__(name):\n    if name == 'run':\n        from .work import run\n        return run\n    raise AttributeError(name)\n",
        "from .work import run",
        "def __getattr__",
    ),
    "forwards names": (
        "import other\ndef __getattr__(name):\n    return getattr(other, name)\n",
        "def __getattr__",
        "",
    ),
    "lazy, and names what went": (
        (
            "T = {'Lazy': 'x'}\nGONE = {'Old': 'New'}\ndef __getattr__(name):\n    if name in T:\n        return T[name]\n"
            "    if name == 'older' or name in GONE:\n        raise AttributeError(name)\n"
            "    if name in GONE:\n        raise AttributeError(name)\n    raise AttributeError(name)\n"
        ),
        "; Lazy: _Any",
        "Old: _Any",
    ),
    "attached": (
        "import lazy\nT = {'work': ['run', 'Walk']}\n__getattr__, __dir__, __all__ = lazy.attach(__name__, ['tools'], T)\n",
        "from .work import Walk; from .work import run; tools: _Any; work: _Any; airskills_getattr_, __dir__",
        "\n__getattr__",
    ),
    "attached from what is computed": (
        "import lazy\n__getattr__, __dir__, __all__ = lazy.attach(__name__, found())\n",
        "\n__getattr__, ",
        "_Any",
    ),
    "returns itself": (
        (
            "import os\nclass A:\n    def fit(self, x=(1, 2),  # a) comment\n            *, y=f()):\n        if x:\n"
            "            return self\n        return self\n"
        ),
        "*, y=f()) -> airskills_self_:",
        "\nimport os",
    ),
    "returns itself or nothing": (
        "import os\nclass A:\n    def fit(self, x):\n        if x:\n            return None\n        return self\n",
        "def fit(self, x):",
        "airskills",
    ),
    "a dummy where something is missing": (
        (
            "try:\n    if not has_torch():\n        raise Missing()\nexcept Missing:\n    from .dummies import *\n"
            "else:\n    from .models import Model\n"
        ),
        "    from .models import Model",
        "dummies",
    ),
    "another way where something is missing": (
        "try:\n    import torch\nexcept ImportError:\n    from .dummies import Model\nelse:\n    from .models import Model\n",
        "from .dummies import Model",
        "",
    ),
    "only raises": (
        "class A:\n    def __getattr__(self, name):\n        raise AttributeError(name)\n",
        "pass",
        "__getattr__",
    ),
}


@pytest.mark.parametrize("case", SOURCE)
def test_a_reading_changes_what_is_sure_and_nothing_else(case: str, tmp_path: Path) -> None:
    text, stands, gone = SOURCE[case]
    root = tmp_path / "root"
    (root / "lab").mkdir(parents=True)
    (root / "lab" / "__init__.py").write_text(text)
    (root / "lab" / "stub.pyi").write_text("x: int\n")
    made = reading(Wheel(Pin("lab", "1"), root, "0", ("lab",), {}))
    found = (made / "lab" / "__init__.py").read_text()
    assert stands in found
    assert not gone or gone not in found
    assert found.count("\n") == text.count("\n")
    ast.parse(found)
    assert (made / "lab" / "stub.pyi").read_text() == "x: int\n"
    assert (root / "lab" / "__init__.py").read_text() == text


def wheels_of(tmp_path: Path) -> list[Wheel]:
    made = []
    for name in ("one", "two"):
        root = tmp_path / name / "root"
        (root / name).mkdir(parents=True)
        (root / name / "__init__.py").write_text(SOURCE["only raises"][0])
        (root / name / "py.typed").write_text("")
        made.append(Wheel(Pin(name, "1"), root, "0", (name,), {}))
    return made


def test_several_wheels_are_read_at_once_and_each_is_named(tmp_path: Path) -> None:
    said: list[tuple[str, int, int]] = []
    wheels = wheels_of(tmp_path)
    found = read(wheels, lambda what, done, total: said.append((what, done, total)))
    assert found == [reading(wheel) for wheel in wheels]
    assert "pass" in (found[1] / "two" / "__init__.py").read_text()
    assert said[0] == ("reading one==1, two==1", 0, 2)
    assert said[-1] == ("read", 2, 2)
    assert read(wheels, lambda *_: pytest.fail("nothing is left to read")) == found


def test_files_are_copied_where_the_file_system_has_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    made = reading(wheels_of(tmp_path)[0])
    assert (made / "one" / "py.typed").read_text() == ""


def test_readings_of_other_versions_go_when_nobody_used_them_for_a_day(tmp_path: Path) -> None:
    wheel = wheels_of(tmp_path)[0]
    old, new = wheel.root.parent / "reading-old", wheel.root.parent / "reading-new"
    old.mkdir()
    new.mkdir()
    os.utime(old, (0, 0))
    reading(wheel)
    assert (old.exists(), new.exists()) == (False, True)
