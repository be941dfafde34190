"""Constructors: what dataclasses, their relatives and inheritance make of a class body, against Python itself."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from airskills.drift.world import Found
from two_releases import surface

LETTERS = {0: "/", 1: "a", 2: "*", 3: "k", 4: "w"}
CLASSES = {
    "plain": "class X:\n    def __init__(self, a, /, b, *c, d=1, **e): ...",
    "nothing": "class X: ...",
    "made by new": "class X:\n    def __new__(cls, a, b=2): ...",
    "inherited": "class B:\n    def __init__(self, a): ...\nclass X(B): ...",
    "two bases": "class A: ...\nclass B:\n    def __init__(self, b): ...\nclass X(A, B): ...",
    "diamond": "class R:\n    def __init__(self, r): ...\nclass A(R): ...\nclass B(R):\n    def __init__(self, b): ...\nclass X(A, B): ...",
    "dataclass": "from dataclasses import dataclass, field\n@dataclass\nclass X:\n    a: int\n    b: list = field(default_factory=list)\n    c: int = field(default=3, metadata={'help': 'x'})",
    "not all are fields": "from dataclasses import dataclass, field\nfrom typing import ClassVar\n@dataclass\nclass X:\n    a: int\n    b: ClassVar[int] = 1\n    c: int = field(init=False, default=1)\n    d = 4\n    @property\n    def e(self): return 1",
    "keywords only": "from dataclasses import dataclass\n@dataclass(kw_only=True)\nclass X:\n    a: int\n    b: int = 1",
    "from here on": "from dataclasses import dataclass, KW_ONLY, field\n@dataclass\nclass X:\n    a: int\n    _: KW_ONLY\n    b: int = 1",
    "one keyword": "from dataclasses import dataclass, field\n@dataclass\nclass X:\n    a: int = field(kw_only=True)\n    b: int = 1",
    "overridden": "from dataclasses import dataclass\n@dataclass\nclass B:\n    a: int = 1\n    b: int = 2\n@dataclass\nclass X(B):\n    c: int = 3\n    a: int = 4",
    "no dataclass itself": "from dataclasses import dataclass\n@dataclass\nclass B:\n    a: int = 1\nclass X(B):\n    b: int = 2",
    "two dataclass bases": "from dataclasses import dataclass\n@dataclass\nclass A:\n    a: int = 1\n@dataclass\nclass B:\n    b: int = 2\n@dataclass\nclass X(A, B):\n    c: int = 3",
    "named tuple": "from typing import NamedTuple\nclass X(NamedTuple):\n    a: int\n    b: int = 1",
    "generic": "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass X(Generic[T]):\n    def __init__(self, a: T): ...",
    "abstract": "import abc\nclass X(abc.ABC):\n    def __init__(self, a): ...",
    "branches": "import sys\nif sys.version_info >= (3, 2):\n    class X:\n        def __init__(self, new): ...\nelse:\n    class X:\n        def __init__(self, old): ...",
}


@pytest.mark.parametrize("case", CLASSES)
def test_constructors_take_what_python_says_they_take(
    tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = surface(tmp_path, {"made_up.py": CLASSES[case]})
    found = read.world.find("made_up.X")
    assert isinstance(found, Found)
    module = ModuleType("made_up")
    monkeypatch.setitem(sys.modules, "made_up", module)  # dataclasses look there
    exec(CLASSES[case], module.__dict__)
    wanted = inspect.signature(module.X).parameters.values()
    signature = read.classes.view(found).constructor
    assert [(p.name, p.kind) for p in signature.parameters] == [
        (p.name, LETTERS[int(p.kind)]) for p in wanted
    ]
    has_default = [p.default is not inspect.Parameter.empty for p in wanted]
    assert [p.default is not None for p in signature.parameters] == has_default


def test_a_base_may_make_its_subclasses_dataclasses(tmp_path: Path) -> None:
    text = """
    from dataclasses import dataclass
    class Config:
        def __init_subclass__(cls, *args, **kwargs):
            dataclass(cls, kw_only=True)
            wrap_init_to_accept_kwargs(cls)
    class X(Config):
        a: int = 1
    """
    read = surface(tmp_path, {"made_up.py": text})
    found = read.world.find("made_up.X")
    assert isinstance(found, Found)
    parameters = read.classes.view(found).constructor.parameters
    assert [(p.name, p.kind) for p in parameters] == [("a", "k"), ("kwargs", "w")]


def test_pydantic_models_take_their_fields_by_keyword_and_swallow_the_rest(tmp_path: Path) -> None:
    text = "from pydantic import BaseModel, Field\nclass X(BaseModel):\n    a: int\n    b: int = Field(3, gt=0)\n    c: int = Field(..., gt=0)"
    read = surface(tmp_path, {"made_up.py": text})
    found = read.world.find("made_up.X")
    assert isinstance(found, Found)
    rows = [(p.name, p.kind, p.default) for p in read.classes.view(found).constructor.parameters]
    assert sorted(rows) == [("a", "k", None), ("b", "k", "3"), ("c", "k", None), ("kwargs", "w", None)]


def test_the_table_of_bases_is_what_torch_has() -> None:
    table = json.loads((Path(sys.modules["airskills"].__path__[0]) / "data/bases.json").read_text())[
        "classes"
    ]
    ask = (
        "import json, pydoc, sys; print(json.dumps({name: dir(pydoc.locate(name)) for name in sys.argv[1:]}))"
    )
    told = subprocess.run(
        [sys.executable, "-c", ask, *table], capture_output=True, check=True
    )  # here others may have patched torch
    for path, real in json.loads(told.stdout).items():
        row = table[path]
        listed = {*row["names"], *(table[row["base"]]["names"] if "base" in row else ())} - {"training"}
        assert listed == {n for n in real if not n.startswith("_")} - {"training"}, path


def test_a_wheel_cannot_make_us_import_a_module_that_does_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "antigravity", raising=False)
    read = surface(tmp_path, {"made_up.py": "import antigravity, this\nclass X(antigravity.Y, this.Z): ..."})
    found = read.world.find("made_up.X")
    assert isinstance(found, Found)
    assert read.classes.view(found).open == "its base antigravity.Y"
    assert "antigravity" not in sys.modules
