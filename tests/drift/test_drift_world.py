"""Paths lead where Python's import system and attribute access would lead them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airskills.drift import names
from airskills.drift.cache import Cache
from airskills.drift.extract import extract
from airskills.drift.tree import Tree, _key
from airskills.drift.world import Absent, Found, World
from two_releases import tree

PACKAGE = {
    "demo/__init__.py": """
        from .home import thing as renamed, other
        from .stars import *
        from . import inner
        import json
        from .shadow import shadow
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from .home import only_for_checkers
        try:
            from .missing import gone
        except ImportError:
            gone = None
        copy = renamed
        later = 1
        del later
        """,
    "demo/home.py": "def thing(): ...\ndef other(): ...\ndef only_for_checkers(): ...\ncls = type('cls', (), {})",
    "demo/stars.py": "__all__ = ['star', '_private']\ndef star(): ...\ndef _private(): ...\ndef unlisted(): ...",
    "demo/inner/__init__.py": "from ..home import thing\nfrom .deep import leaf",
    "demo/inner/deep.py": "class leaf:\n    def member(self): ...",
    "demo/shadow.py": "def shadow(): ...\ndef beside(): ...",
    "demo/plain/module.py": "X = 1",
}
PATHS = [
    "demo.renamed", "demo.other", "demo.thing", "demo.star", "demo._private", "demo.unlisted", "demo.inner",
    "demo.inner.thing", "demo.inner.leaf.member", "demo.inner.deep.leaf", "demo.json", "demo.json.dumps",
    "demo.shadow", "demo.shadow.beside", "demo.only_for_checkers", "demo.gone", "demo.copy", "demo.later",
    "demo.home.cls", "demo.nothing", "demo.plain.module.X", "demo.plain.nothing", "demo.home.thing.__name__",
]  # fmt: skip
PROBE = """
import importlib, sys
def reach(path):
    parts = path.split('.')
    for cut in range(len(parts), 0, -1):
        try:
            value = importlib.import_module('.'.join(parts[:cut]))
            for name in parts[cut:]:
                value = getattr(value, name)
            return True
        except (ImportError, AttributeError):
            continue
    return False
import demo, demo.inner.deep, demo.plain.module
print([reach(path) for path in sys.argv[1:]])
"""


def test_paths_exist_exactly_where_python_finds_them(tmp_path: Path) -> None:
    world = World([tree(tmp_path, PACKAGE)])
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *PATHS], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    missing = [world.find(path) is Absent.MISSING for path in PATHS]
    wanted = [not found for found in eval(done.stdout)]
    assert dict(zip(PATHS, missing, strict=True)) == dict(zip(PATHS, wanted, strict=True))


def test_every_path_to_a_definition_leads_to_its_one_home(tmp_path: Path) -> None:
    world = World([tree(tmp_path, PACKAGE)])
    homes = [
        world.find(path) for path in ("demo.renamed", "demo.copy", "demo.inner.thing", "demo.home.thing")
    ]
    assert {found.home for found in homes if isinstance(found, Found)} == {"demo.home.thing"}


LAZY = """
    import sys
    from typing import TYPE_CHECKING
    _import_structure = {"a": ["f"], "b": []}
    _import_structure["b"].extend(["g"])
    _import_structure["b"] += ["h"]
    if TYPE_CHECKING:
        from .a import f, hidden
    else:
        sys.modules[__name__] = _LazyModule(__name__, __file__, _import_structure)
    """


def test_a_lazy_package_has_what_its_table_and_its_type_checking_branch_say(tmp_path: Path) -> None:
    files = {
        "demo/__init__.py": LAZY,
        "demo/a.py": "def f(): ...\ndef hidden(): ...\ndef not_listed(): ...",
        "demo/b.py": "def g(): ...\ndef h(): ...",
    }
    world = World([tree(tmp_path, files)])
    missing = [
        world.find(f"demo.{name}") is Absent.MISSING for name in ("f", "g", "h", "hidden", "not_listed")
    ]
    assert missing == [False, False, False, False, True]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "def __getattr__(name):\n    if name == 'old': return 1\n    raise AttributeError(name)",
            Absent.MISSING,
        ),
        (
            "def __getattr__(name):\n    if name == 'asked': return 1\n    raise AttributeError(name)",
            Absent.UNKNOWN,
        ),
        ("def __getattr__(name):\n    return 1", Absent.UNKNOWN),
        ("globals()['a' + 'b'] = 1", Absent.UNKNOWN),
        ("for n in 'ab':\n    globals()[n] = 1", Absent.UNKNOWN),
        ("_globals = globals()\nbuild('points_pb2', _globals)", Absent.UNKNOWN),  # protobuf
        ("fill(names=globals())", Absent.UNKNOWN),
        ("g = globals()\ng['a' + 'b'] = 1", Absent.UNKNOWN),
        ("g = vars()\nprint(len(g))", Absent.MISSING),
        ("def broken(:", Absent.UNKNOWN),
        ("x = globals()['__file__']", Absent.MISSING),
    ],
)
def test_a_module_that_may_answer_for_a_name_leaves_it_unknown(
    tmp_path: Path, text: str, wanted: Absent
) -> None:
    assert World([tree(tmp_path, {"demo/__init__.py": text})]).find("demo.asked") is wanted


def test_machine_code_without_a_stub_is_unknown_and_with_one_is_read(tmp_path: Path) -> None:
    made = tree(
        tmp_path,
        {
            "demo/__init__.py": "from .native import f\nfrom .stubbed import g",
            "demo/stubbed.pyi": "def g(): ...",
        },
    )
    info = tmp_path / "demo-1.0.dist-info"
    info.mkdir()
    info.joinpath("RECORD").write_text(
        "demo/native.cpython-311-x86_64-linux-gnu.so,,\ndemo/stubbed.abi3.so,,\n"
    )
    world = World([made])
    assert world.find("demo.f") is Absent.UNKNOWN
    assert isinstance(world.find("demo.g"), Found)
    assert world.find("demo.h") is Absent.MISSING


def test_circular_imports_and_stars_end(tmp_path: Path) -> None:
    files = {
        "demo/__init__.py": "from .a import *\nfrom .a import x",
        "demo/a.py": "from .b import *\nfrom .b import x",
        "demo/b.py": "from .a import *\nfrom .a import x\ndef y(): ...",
    }
    world = World([tree(tmp_path, files)])
    assert world.find("demo.x") is not Absent.MISSING
    assert isinstance(world.find("demo.y"), Found)


SOURCES = st.recursive(
    st.sampled_from(
        [
            "x = 1", "def f(a, *, b=2): ...", "class C:\n    y: int = 3", "import os.path as p", "from .m import *",
            "__all__ = ['x'] + other.__all__", "del x", "@overload\ndef f(): ...", "async def g(): ...", "x: int",
        ]
    ),
    lambda inner: st.lists(inner, min_size=1, max_size=3).map(
        lambda parts: "if cond:\n" + "\n".join("    " + line for part in parts for line in part.split("\n"))
    ),
)  # fmt: skip


@given(st.lists(SOURCES, max_size=6).map("\n".join))
def test_a_module_survives_a_trip_through_json(source: str) -> None:
    module = extract(source.encode())
    assert names.decode(json.loads(json.dumps(names.encode(module)))) == module


@given(st.binary(max_size=200))
def test_any_bytes_are_a_module_or_a_known_error(source: bytes) -> None:
    try:
        extract(source)
    except (SyntaxError, ValueError, RecursionError):
        return


def test_what_was_read_is_remembered_by_content_and_a_damaged_cache_is_replaced(tmp_path: Path) -> None:
    made = tree(tmp_path / "wheel", PACKAGE)
    path = tmp_path / "cache" / "drift.sqlite"
    fresh = Tree(made.root, made.tops, Cache(path))
    fresh.load()
    assert Cache(path).get([*_keys(fresh)]).keys() == _keys(fresh)
    path.write_bytes(b"no database at all" * 400)
    again = Tree(made.root, made.tops, Cache(path))
    again.load()
    assert again.module("demo.home") == made.module("demo.home")
    assert Cache(path).get([*_keys(fresh)]).keys() == _keys(fresh)


def _keys(made: Tree) -> set[str]:
    return {_key(path.read_bytes()) for path in made.files.values()}
