"""What counts as a change between two releases, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from two_releases import changes, compared, tree

SAME = "def f(a, b=1): ...\nclass C:\n    def m(self, x): ...\n"


def test_equal_releases_have_no_changes(tmp_path: Path) -> None:
    assert changes(tmp_path, SAME, SAME) == []


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("def f(a): ...", "", "gone: demo.f is gone"),
        ("class C: ...", "", "gone: demo.C is gone"),
        ("LIMIT = 3", "", "gone: demo.LIMIT is gone"),
        ("", "def f(a): ...", "added: demo.f is new"),
        ("def f(a): ...", "def f(): ...", "gone: demo.f(a=) is gone"),
        ("def f(a): ...", "def f(**kw): ...", "gone: demo.f(a=) is gone: it falls into **kw"),
        ("def f(**kw): ...", "def f(): ...", "gone: demo.f(**kw=) is gone"),
        ("def f(a=1): ...", "def f(a=2): ...", "default: demo.f(a=) has the default 2, not 1"),
        ("def f(a=1): ...", "def f(a): ...", "required: demo.f(a=) must be given; the default was 1"),
        ("def f(): ...", "def f(a): ...", "required: demo.f(a=) must be given; it is new"),
        ("def f(): ...", "def f(a=None): ...", "added: demo.f(a=) is new (default None)"),
        ("def f(a): ...", "def f(*, a): ...", "keyword-only: demo.f(a=) is taken by keyword only"),
        ("def f(a): ...", "def f(a, /): ...", "positional-only: demo.f(a=) is taken by position only"),
        ("def f(a): ...", "def f(*args): ...", "positional-only: demo.f(a=) is taken by position only"),
        ("def f(a): ...", "class f: ...", "became: demo.f is a class, not a function"),
        (
            "class C:\n    def m(self): ...",
            "class C:\n    @property\n    def m(self): ...",
            "became: demo.C.m is a property, not a method",
        ),
        ("class C:\n    def m(self): ...", "class C: ...", "gone: demo.C.m is gone"),
        ("class E:\n    RED = 1", "class E:\n    GREEN = 2", "gone: demo.E.RED is gone"),
        ("class C:\n    def m(self, x): ...", "class C:\n    def m(self): ...", "gone: demo.C.m(x=) is gone"),
        ("class C:\n    def __init__(self, x): ...", "class C: ...", "gone: demo.C(x=) is gone"),
    ],
)
def test_one_change_is_one_line(tmp_path: Path, old: str, new: str, wanted: str) -> None:
    assert changes(tmp_path, old, new) == [wanted]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def f(a='x'): ...", 'def f(a="x"):\n    pass'),  # formatting
        ("def f(a=1e-6): ...", "def f(a=0.000001): ..."),  # another spelling of a number
        ("def f(a: int): ...", "def f(a: float) -> None: ..."),  # annotations are no behavior
        ("N = 4\ndef f(a=4): ...", "N = 4\ndef f(a=N): ..."),  # the same value by name
        ("def _f(a): ...", ""),  # private
        ("def f(a, /): ...", "def f(b, /): ..."),  # nobody can name it
        ("import json", ""),  # not offered
        ("from os import path", ""),  # not offered
        (
            "import logging\nlogger = logging.getLogger(__name__)\nlog = logging.getLogger('x')",
            "",
        ),  # plumbing
        ("from typing import TypeVar\nT = TypeVar('T')", ""),  # plumbing
        (
            "class C:\n    def m(self): ...",
            "class B:\n    def m(self): ...\nclass C(B): ...",
        ),  # inherited now
        (
            "class C:\n    x = 1",
            "class C:\n    def __init__(self):\n        self.x = 1",
        ),  # an instance has it
        ("class C:\n    def m(self): ...", "class C:\n    def __getattr__(self, name): ..."),  # may answer
        ("def f(): ...", "def __getattr__(name): ..."),  # may answer
        ("def f(): ...", "globals().update({})"),  # may bind anything
        ("def f(): ...", "from unknown_package import *"),  # may bind anything
        (
            "def f(): ...",
            "try:\n    from x import f\nexcept ImportError:\n    pass",
        ),  # with the optional package
    ],
)
def test_what_no_code_of_a_user_meets_is_no_change(tmp_path: Path, old: str, new: str) -> None:
    # What is new beside it does not matter here.
    assert [line for line in changes(tmp_path, old, new) if not line.startswith("added")] == []


def test_an_all_decides_what_is_public(tmp_path: Path) -> None:
    old = "__all__ = ['f']\n__all__ += ['_g']\ndef f(): ...\ndef _g(): ...\ndef h(): ..."
    assert changes(tmp_path, old, "__all__ = []") == ["gone: demo._g is gone", "gone: demo.f is gone"]


def test_a_reexport_and_its_home_are_one_change(tmp_path: Path) -> None:
    old = {"demo/__init__.py": "from .inner import f", "demo/inner.py": "def f(a): ..."}
    new = {"demo/__init__.py": "from .inner import f", "demo/inner.py": "def f(): ..."}
    found = compared(tmp_path, old, new).changes
    assert [(c.path, c.parameter, c.where) for c in found] == [("demo.f", "a", "demo/inner.py:1")]


def test_a_home_that_moves_behind_a_stable_reexport_is_told_for_the_old_home_only(tmp_path: Path) -> None:
    old = {"demo/__init__.py": "from .a import f", "demo/a.py": "def f(x): ...\ndef stays(): ..."}
    new = {
        "demo/__init__.py": "from .b import f",
        "demo/a.py": "def stays(): ...",
        "demo/b.py": "def f(x): ...",
    }
    wanted = ["moved: demo.a.f is demo.f now (it was importable from there before)"]
    assert changes(tmp_path, old, new) == wanted


def test_a_home_that_moves_and_still_imports_the_name_is_no_change(tmp_path: Path) -> None:
    old = {"demo/__init__.py": "", "demo/a.py": "def f(x): ..."}
    new = {"demo/__init__.py": "", "demo/a.py": "from demo.b import f", "demo/b.py": "def f(x): ..."}
    assert [line for line in changes(tmp_path, old, new) if not line.startswith("added")] == []


def test_moved_things_name_their_new_place(tmp_path: Path) -> None:
    body = "def f(x):\n    return [item * 2 + len(x) for item in x if item is not None]\n"
    old = {"demo/__init__.py": body}
    new = {"demo/__init__.py": "", "demo/later.py": body}
    assert changes(tmp_path, old, new) == ["moved: demo.f is demo.later.f now (same name, same body)"]


def test_a_common_name_elsewhere_is_no_new_place(tmp_path: Path) -> None:
    old = {"demo/__init__.py": "", "demo/a.py": "def run(x): ...", "demo/b.py": "def run(x): ..."}
    new = {"demo/__init__.py": "", "demo/b.py": "def run(x): ...", "demo/c.py": "def run(x): ..."}
    assert changes(tmp_path, old, new) == ["gone: demo.a is gone: with run", "added: demo.c.run is new"]


def test_a_module_takes_what_it_held_with_it(tmp_path: Path) -> None:
    old = {"demo/__init__.py": "", "demo/old.py": "def f(): ...\nclass C: ...", "demo/kept.py": ""}
    found = compared(tmp_path, old, {"demo/__init__.py": "", "demo/kept.py": ""}).changes
    assert [(c.kind, c.what, c.path, c.paths) for c in found] == [
        ("gone", "module", "demo.old", ("demo.old.C", "demo.old.f"))
    ]


def test_a_module_moves_when_most_of_its_names_do(tmp_path: Path) -> None:
    text = "def load(path, mode): ...\ndef save(path, value): ...\ndef third(): ..."
    old = {"demo/__init__.py": "", "demo/old.py": text}
    new = {"demo/__init__.py": "", "demo/new.py": text.rpartition("\n")[0]}
    lines = changes(tmp_path, old, new)
    assert lines == ["moved: demo.old is demo.new now (2 of its 3 names are there)"]


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("max_seq_length=1024", "max_length=1024", "max_length"),
        ("evaluation_strategy: str = 'no'", "eval_strategy: str = 'no'", "eval_strategy"),
        ("torch_dtype=None", "dtype=None", "dtype"),
        ("re: bool = False", "reverse: bool = False", "reverse"),
        ("tokenizer=None", "processing_class=None", ""),  # nothing alike: gone and added
        ("beta=0.1", "gamma=0.9", ""),
    ],
)
def test_parameters_are_renamed_where_enough_is_alike(
    tmp_path: Path, old: str, new: str, wanted: str
) -> None:
    found = compared(tmp_path, f"def f(a, {old}): ...", f"def f(a, {new}): ...").changes
    assert [c.new for c in found if c.kind == "renamed"] == ([wanted] if wanted else [])
    assert wanted or [c.kind for c in found] == ["gone", "added"]


def test_a_renaming_that_the_library_announced_needs_no_likeness(tmp_path: Path) -> None:
    old = """
    import warnings
    def train(tokenizer=None, processing_class=None):
        if tokenizer is not None:
            warnings.warn("`tokenizer` is deprecated, use `processing_class` instead", FutureWarning)
    """
    found = compared(tmp_path, old, "def train(processing_class=None): ...").changes
    assert [(c.kind, c.parameter, c.new) for c in found] == [("renamed", "tokenizer", "processing_class")]
    assert "the library said" in found[0].evidence


def test_functions_with_the_same_body_are_one_function_renamed(tmp_path: Path) -> None:
    body = "(rows, columns):\n    return [row + columns for row in rows if row > columns and row < 100]\n"
    lines = changes(tmp_path, f"def table{body}", f"def grid{body}")
    assert lines == ["renamed: demo.table is demo.grid now (same body, names 0% alike)"]


def test_siblings_with_the_same_members_are_not_each_other(tmp_path: Path) -> None:
    members = "    def forward(self, x): ...\n    def merge(self): ...\n"
    lines = changes(tmp_path, f"class BoneModel:\n{members}", f"class BeftModel:\n{members}")
    assert lines == ["gone: demo.BoneModel is gone", "added: demo.BeftModel is new"]


def test_what_is_put_before_a_positional_parameter_is_told_once(tmp_path: Path) -> None:
    lines = changes(tmp_path, "def f(a, b=1, c=2): ...", "def f(a, new=0, b=1, c=2): ...")
    assert lines == [
        "reordered: demo.f(b=) stands at position 3, not 2: `new` was put before it",
        "added: demo.f(new=) is new (default 0)",
    ]


def test_a_gap_left_by_a_parameter_that_is_gone_is_no_second_change(tmp_path: Path) -> None:
    assert changes(tmp_path, "def f(a, b, c): ...", "def f(a, c): ...") == ["gone: demo.f(b=) is gone"]


def test_only_new_deprecations_are_told_and_with_their_subject(tmp_path: Path) -> None:
    old = """
    import warnings
    def f(a=None, b=None):
        if b:
            warnings.warn("`b` is deprecated", FutureWarning)
    """
    new = """
    import warnings
    def f(a=None, b=None):
        if a is not None:
            warnings.warn(f"`a` is deprecated and will be removed in {2}.0")
        if b:
            warnings.warn("`b` is deprecated", FutureWarning)
        warnings.warn("the sky is blue")
    """
    found = compared(tmp_path, old, new).changes
    assert [(c.kind, c.parameter, c.evidence) for c in found] == [
        ("deprecated", "a", "`a` is deprecated and will be removed in {}.0")
    ]


def test_a_deprecation_in_a_dataclass_or_a_decorator_is_seen(tmp_path: Path) -> None:
    old = "from dataclasses import dataclass\n@dataclass\nclass C:\n    x: int = 1\n    y: int = 2\ndef f(): ..."
    new = """
    from dataclasses import dataclass
    from warnings import deprecated, warn
    @dataclass
    class C:
        x: int = 1
        y: int = 2
        def __post_init__(self):
            if self.x != 1:
                warn("x is deprecated", DeprecationWarning)
    @deprecated("use g")
    def f(): ...
    """
    found = compared(tmp_path, old, new).changes
    assert {(c.path, c.parameter, c.evidence) for c in found} == {
        ("demo.C", "x", "x is deprecated"),
        ("demo.f", "", "use g"),
    }


def test_what_nobody_can_tell_is_counted_with_its_reason(tmp_path: Path) -> None:
    old = "from heavy import Base\nclass C(Base):\n    def m(self): ..."
    new = "from heavy import Base\nclass C(Base): ..."
    found = compared(tmp_path, old, new)
    assert found.changes == ()
    assert dict(found.undecided)["members that its base heavy.Base may bring"] == 1


def test_a_base_in_another_wheel_is_known_once_that_wheel_is_there(tmp_path: Path) -> None:
    heavy = tree(tmp_path / "heavy", {"heavy/__init__.py": "class Base:\n    def other(self): ..."})
    old = "from heavy import Base\nclass C(Base):\n    def m(self): ..."
    new = "from heavy import Base\nclass C(Base): ..."
    assert changes(tmp_path, old, new, heavy) == ["gone: demo.C.m is gone"]


def test_members_that_torch_modules_have_are_not_gone(tmp_path: Path) -> None:
    old = "from torch import nn\nclass C(nn.Module):\n    def to(self): ...\n    def mine(self): ..."
    new = "from torch import nn\nclass C(nn.Module): ..."
    assert changes(tmp_path, old, new) == ["gone: demo.C.mine is gone"]


def test_a_member_lost_by_a_base_is_told_once_with_the_classes_that_show_it(tmp_path: Path) -> None:
    old = "class _B:\n    def m(self): ...\nclass C(_B): ...\nclass D(_B): ..."
    new = "class _B: ...\nclass C(_B): ...\nclass D(_B): ..."
    found = compared(tmp_path, old, new).changes
    assert [(c.path, c.paths) for c in found] == [("demo.C.m", ("demo.D.m",))]


def test_names_that_code_sets_on_classes_are_not_gone(tmp_path: Path) -> None:
    old = "class Index:\n    def search(self, n, x): ...\n    def other(self): ..."
    new = "def wrap(the_class):\n    the_class.search = print\nclass Index: ..."
    assert [line for line in changes(tmp_path, old, new) if line.startswith("gone")] == [
        "gone: demo.Index.other is gone"
    ]


def test_constructors_that_an_import_wraps_are_not_compared(tmp_path: Path) -> None:
    wrap = "def wrap(the_class):\n    the_class.__init__ = print\nwrap(And)\n"
    old = "class And:\n    def __init__(self, lhs): ...\nclass Or:\n    def __init__(self, lhs): ...\n" + wrap
    found = compared(tmp_path, old, old.replace("lhs", "lhs_"))
    assert [c.path for c in found.changes] == ["demo.Or"]
    assert found.undecided["parameters that a patch may add"] == 1


@pytest.mark.parametrize(
    "new",
    [
        "@deprecated_kwargs(tokenizer='processor')\ndef f(processor=None): ...",
        "@deprecate_kwarg('tokenizer', version='6', new_name='processor')\ndef f(processor=None): ...",
        "def f(processor=None, **kwargs):\n    if 'tokenizer' in kwargs:\n        warnings.warn('`tokenizer` is deprecated')",
    ],
)
def test_a_keyword_that_is_still_taken_is_deprecated_and_not_gone(tmp_path: Path, new: str) -> None:
    found = compared(tmp_path, "def f(tokenizer=None): ...", f"import warnings\n{new}").changes
    assert [c.kind for c in found if c.parameter == "tokenizer"] == ["deprecated"]


def test_modules_that_an_import_hook_may_answer_to_are_not_gone(tmp_path: Path) -> None:
    hook = """
    import re, sys
    OLD = {"demo.old": "demo.new", "short": "demo.new"}
    FAST = re.compile(rf"{re.escape(__name__)}\\.models\\.(\\w+)\\.image_(?!x_)(\\w+)_fast")
    sys.meta_path.append(Finder(OLD, FAST))
    """
    gone = ("old", "short", "models/cat/image_cat_fast", "really")
    old = {f"demo/{name}.py": "def f(): ..." for name in gone} | {"demo/__init__.py": ""}
    new = {"demo/__init__.py": hook, "demo/new.py": ""}
    lines = [line for line in changes(tmp_path, old, new) if line.startswith("gone")]
    assert lines == ["gone: demo.really is gone: with f"]
