"""The canary: snippets over a package made here, whose kinds and lines both back ends must report alike. No network."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from airskills.cells import parse_cell
from airskills.pins import Pin
from airskills.verify import ty
from airskills.verify.backend import Backend, BackendError
from airskills.verify.edits import Point
from airskills.verify.engine import Group, examine
from airskills.verify.ledger import Entry
from airskills.verify.packages import Packages
from airskills.verify.pyrefly import Pyrefly
from airskills.verify.readings import reading
from airskills.verify.ty import Ty
from airskills.verify.units import Piece, Unit
from airskills.wheels import Wheel

FILES = {
    "lab/__init__.py": """
from dataclasses import dataclass
from typing import Any, Callable, overload
from .models import Model, load, maybe, Open, Base, Child, container
from . import tools

_TABLE = {"Lazy": ".models"}

def __getattr__(name):
    if name in _TABLE:
        return object()
    raise AttributeError(name)

@dataclass
class Config:
    size: int
    rate: float = 0.1

@dataclass
class Special(Config):
    depth: int = 2

@overload
def pick(a: int) -> int: ...
@overload
def pick(a: str, *, key: str = "") -> str: ...
def pick(a, key=""):
    return a

def refuse(a=None, **kwargs: Any):
    assert len(kwargs) == 0, kwargs
    return a

def old(a):
    return a

def collects(a, **options):
    return options
""",
    "lab/models.py": """
from functools import wraps
from typing import Callable

def plain(func):
    @wraps(func)
    def wrapper(*args, **kwargs):
        return func(*args, **kwargs)
    return wrapper

class Base:
    pass

class Child(Base):
    def __init__(self):
        self.r = 8

container: dict[str, Base] = {}

class Model:
    def __init__(self, width: int, *, deep: bool = False) -> None:
        self.width = width

    @plain
    def fit(self, data, epochs=1) -> "Model":
        return self

    def save(self, path: str) -> None:
        pass

    @classmethod
    def load(cls, path: str) -> "Model":
        return cls(1)

class Open:
    def __init__(self) -> None:
        self.known = 1

    def __getattr__(self, name: str) -> bytes:
        if name in self.__dict__["_items"]:
            return self.__dict__["_items"][name]
        raise AttributeError(name)

def load(path: str, *, strict: bool = True) -> Model:
    return Model(1)

def maybe(path: str) -> "Model | None":
    return None

def chosen() -> Callable[..., int]:
    return len
""",
    "lab/hooks.py": """
import sys

_MOVED = {"lab.losses": "lab.tools", "lab.old.losses": "lab.tools"}

class Finder:
    def find_spec(self, name, path=None, target=None):
        return None if name not in _MOVED else _MOVED[name]

sys.meta_path.insert(0, Finder())
""",
    "lab/mirror.py": "from lab_types import *\nfrom lab_types import __all__ as __all__\n",
    "lab/speedy.py": '"""Has `quick`, of machine code."""\nfrom .fast import *\n',
    "lab/named.py": "locals().update(dict(zip(['EcoRI'], [3])))\n",
    "lab/pb2.py": "import builder\n_globals = globals()\nbuilder.build('x', _globals)\n",
    "lab/symbols.py": """
from typing import TYPE_CHECKING

class Cached:
    pass

def cached(func):
    return vars(Cached)[func]

class Function:
    @cached
    def __new__(cls, name) -> "type[Function]":
        return type(name, (cls,), {})

class Settings(dict):
    def __getattr__(self, name):
        return self[name]

class Scheduler:
    @property
    def config(self) -> dict[str, object]:
        return Settings(rate=1)

class Frame:
    _metadata = ("flags",)

    def __getattr__(self, name: str) -> object:
        if name not in self._metadata and self.holds(name):
            return self[name]
        return object.__getattribute__(self, name)

    def __getitem__(self, name):
        return [name]

    def holds(self, name: str) -> bool:
        return name == "melted"

class Table:
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            refuse(self, name, {"melt": "use `unpivot`"})
            raise AttributeError(name)

    def solve(self, task):
        return 1 if task == "chat" else 2

class Trace:
    def __init__(self, **groups):
        for name, group in groups.items():
            setattr(self, name, group)

def dataclass_of_ours(cls):
    return cls

@dataclass_of_ours
class Flat:
    rate: float

class Layers:
    def __getattr__(self, name: str) -> "Layer | Layers":
        raise AttributeError(name)

class Layer:
    def __iter__(self):
        yield Layer()

def register(name):
    return lambda cls: cls
""",
    "lab/tools/__init__.py": "def run(command: str, times: int = 1) -> int:\n    return 0\n",
    "lab/py.typed": "",
}

# A comment at the end of a line is what must be said there: a code, or `?` and a code for what is not proven.
CANARY = """
import lab.tools
#--
from lab import fast  # ? AV101
import lab.fast  # ? AV101
from lab.fast import anything  # ? AV101
from lab import slow  # AV001
#--
import lab
def f(data: dict):
    best = max(data.get("a", []), key=lambda row: row.get("b"))  # ? AV101
    best.get("c")  # ? AV101
    max(data.get("a", [])).get("c")  # ? AV101
#--
import lab.nowhere  # AV001
#--
from lab import Modle  # AV001
#--
from lab.gone import thing  # AV001
#--
from lab import Lazy, Model  # ? AV101
#--
import lab
lab.Sparse()  # AV002
#--
from lab import Model
Model(3, deep=True).save("x")
#--
from lab import Model
Model(3, depth=True)  # AV003
#--
from lab import Model
Model()  # AV004
#--
from lab import Model
Model(3, True)  # AV005
#--
from lab import Model
m = Model(3)
m.store("x")  # AV002
#--
from lab import Model
m = Model(
    3,
    wide=4,  # AV003
)
#--
from lab import Model
Model(3).fit([], epoch=2)  # AV003
#--
from lab import Model
Model(3).fit([]).fit([], epochs=2).save("x")
#--
from lab import Model
Model.load("x").save(file="x")  # AV003 AV004
#--
from lab import load
load("x", strict=False).width
#--
from lab import load
load("x", strictly=False)  # AV003
#--
from lab import maybe
maybe("x").save("y")
#--
from lab import maybe
m = maybe("x")
m.keep("y")  # AV002
#--
from lab import Config, Special
Config(size=3), Special(size=3, depth=1)
#--
from lab import Config
Config(size=3, rates=1)  # AV003
#--
from lab import Special
Special(depth=1)  # AV004
#--
from lab import pick
pick(3), pick("a", key="b")
#--
from lab import pick
pick("a", keys="b")  # AV003
#--
from lab import refuse
refuse(a=1)
#--
from lab import refuse
refuse(b=1)  # AV003
#--
from lab import collects
collects(1, b=2)  # ? AV102
#--
from lab import Open
Open().known
#--
from lab import Open
o = Open()
o.whatever  # ? AV103
#--
from lab import Open
o = Open()
o.whatever()  # AV002
#--
from lab import container
container["a"].r  # ? AV103
#--
from lab import container
container["a"].zzz  # AV002
#--
try:
    from lab import Turbo  # ? AV105
except ImportError:
    Turbo = None
#--
import elsewhere  # ? AV104
elsewhere.run(x=1)  # ? AV104
#--
model.save("x")  # ? AV101
#--
from lab import load
def f(model):
    model.save("x")  # ? AV101
#--
from lab import Model
Model(..., deep=True)  # ? AV101
#--
from lab import Config
options = {"size": 3, "width": 4}
Config(**options)  # AV003
#--
import lab
x = await lab.tools.run("a", time=3)  # AV003
#--
import json
json.loads()  # AV004
#--
import json
json.dumps({}, indent=1)
#--
from lab import Model
class Mine(Model):
    pass
Mine(3).store("x")  # AV002
#--
from lab import Model
class Mine(Model):
    pass
Mine(3, depth=1)  # AV003
#--
from lab import Model
class Mine(Model):
    def __init__(self, depth):
        super().__init__(depth, wide=True)  # AV003
Mine(deep=3)
#--
from lab import losses  # ? AV103
from lab.losses import pairs  # ? AV103
from lab.old import losses  # ? AV103
from lab import loses  # AV001
#--
from lab.mirror import Tool  # ? AV101
#--
from lab.speedy import quick  # ? AV101
from lab.speedy import slow_one  # AV001
#--
from lab.pb2 import Summary  # ? AV101
#--
from lab.symbols import Scheduler
s = Scheduler()
s.config.rate  # ? AV103
s.config.iteritems()  # AV002
#--
from lab.symbols import Trace
trace = Trace()
trace.posterior  # ? AV103
trace.summary()  # AV002
#--
from lab.symbols import Flat
Flat(rate=0.3)  # ? AV101
#--
from lab import Model
rows = ...
rows.mean()  # ? AV101
#--
from lab.named import EcoRI  # ? AV101
#--
from lab.symbols import Table
table = Table()
table.melt(3)  # AV002
table.chat(3)  # AV002
#--
from lab.symbols import Frame
frame = Frame()
frame.column  # ? AV103
frame.append(3)  # AV002
frame.melted(3)  # AV002
#--
from lab import Model
from lab.symbols import register
@register("twice")
class Twice:
    def __init__(self, model):
        self.model = model
Model(3).twice  # ? AV103
Model(3).thrice  # AV002
#--
import math
from lab import Model
math.log2(Model(8).width).is_integer()
#--
from lab import Model
class Search:
    def step(self, model: Model):
        model.store("x")  # AV002
        return self.verify(model)  # ? AV101
#--
from lab import Model
from nowhere import crew  # ? AV104
@crew
class Search(Model):
    def step(self):
        return self.agents  # ? AV101
#--
from lab import Model
class Search(Model):
    def step(self):
        return self.agents  # AV002
#--
from lab import Model
class Ball:
    def __init__(self, x):
        self.x = x
balls = []
balls.append(Ball(x=1, radius=2))
Model(width=Ball(x=1, radius=2))
#--
from lab import load
from nowhere import Open  # ? AV104
class Child(Open):
    pass
def f(child: Child):
    child.whatever()  # ? AV103
"""
# What only ty is asked with wires; pyrefly infers what functions return, and says of parameters that it does not know.
WIRED = """
from lab import load
def model():
    return 1
model, other = load("x"), load("y")
model.save("x")  # ? AV101
other.store("y")  # AV002
#--
import lab
def f(row, times=1):
    row.get("x")  # ? AV101
def g(data: dict):
    return [f(row) for row in data.get("a") if row.kind == 3]  # ? AV101
#--
from lab import load
def f(model):
    model.save("x")
f(load("x"))
#--
from lab import load
def f(model):
    model.store("x")  # AV002
f(load("x"))
#--
from lab import Model, load
def f(model, times=1):
    for _ in range(times):
        model.fit([], epoch=2)  # AV003
models = [f(model) for model in [Model(3)]]
f(model=load("x"), times=2)
#--
from lab import load
def f(model):
    model.save("x")  # ? AV101
keep = [f]
f(load("x"))
#--
from lab import load
def f(model):
    model.save("x")  # ? AV101
f(load("x"))
f(*given)
#--
from lab import Model
def make(width):
    if width:
        return Model(width)
    return None
make(3).save("x")
make(3).store("x")  # AV002
#--
from lab import Model
class Run:
    def __init__(self, model):
        self.model = model
    def go(self):
        return self.model.fit([])
    def save(self):
        self.go().save("x")
        self.go().store("x")  # AV002
run = Run(Model(3))
run.go().fit([], epoch=1)  # AV003
#--
from lab import Model, load
from typing import Any
def again(model: Any, left: int) -> Any:
    return again(model.fit([]), left - 1) if left else model
again(load("x"), 3).save("y")
again(load("x"), 3).store("y")  # AV002
#--
def of(query, prompt):
    return query.startswith(prompt)  # ? AV101
def rewards(queries, prompts):
    return [of(q, p) for q, p in zip(queries, prompts, strict=True)]
#--
from lab.models import chosen
class Mixin:
    def save(self, path):
        super().save(path)  # ? AV103
chosen().__name__  # ? AV103
chosen().device  # ? AV103
chosen().__nome__  # AV002
#--
from lab.symbols import Function
f = Function("f")
f("t")  # ? AV103
#--
import argparse
from lab import Model
def main(args: argparse.Namespace) -> None:
    Model(args.width)
#--
from lab import Model
from nowhere import Base  # ? AV104
class Config(Base):
    size: int = 3
class Net:
    def __init__(self, config):
        config.width  # ? AV103
    def store(self):
        Model(3).store("x")  # AV002
class Nets:
    def __init__(self, config: Config):
        self.nets = [Net(config) for _ in range(config.count)]  # ? AV103
"""
SNIPPETS = [text.strip("\n") + "\n" for text in re.split(r"(?m)^#--$", CANARY)]
WIRED_SNIPPETS = [text.strip("\n") + "\n" for text in re.split(r"(?m)^#--$", WIRED)]
BACKENDS: dict[str, Backend] = {"ty": Ty(), "pyrefly": Pyrefly()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    home = tmp_path_factory.mktemp("wheels")
    root = home / "root"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    info = root / "lab-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab\nVersion: 1.0\n")
    (info / "RECORD").write_text("lab/fast.cpython-311-x86_64-linux-gnu.so,sha256=x,1\nlab/py.typed,,\n")
    return Wheel(Pin("lab", "1.0"), root, "0" * 64, ("lab",), {})


@pytest.fixture(scope="module", params=BACKENDS)
def judged(request: pytest.FixtureRequest, wheel: Wheel) -> list[tuple[Entry, ...]]:
    return _examined(SNIPPETS, wheel, BACKENDS[request.param])


def _examined(texts: Iterable[str], wheel: Wheel, backend: Backend) -> list[tuple[Entry, ...]]:
    packages = Packages([wheel], {}, frozenset())
    group = Group([_unit(text) for text in texts], lambda _: packages, [reading(wheel)])
    (found,) = examine([group], backend)
    assert not isinstance(found, BackendError), found
    return found


def _unit(text: str) -> Unit:
    cell = parse_cell(text)
    assert cell.tree is not None
    lines = text.count("\n") + 1
    return Unit(cell.source, (Piece(1, lines, "canary", 1, (0,) * lines),), (Pin("lab", "1.0"),))


def _said(entries: tuple[Entry, ...]) -> set[tuple[int, str]]:
    return {(e.line, f"? {e.code}" if e.state == "unproven" else e.code) for e in entries if e.code}


def _wanted(text: str) -> set[tuple[int, str]]:
    found = set()
    for number, line in enumerate(text.split("\n"), 1):
        comment = line.partition("  # ")[2]
        mark = "? " if comment.startswith("?") else ""
        found |= {(number, f"{mark}{code}") for code in re.findall(r"AV\d{3}", comment)}
    return found


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_each_back_end_says_what_is_dead_and_what_it_does_not_know(
    number: int, judged: list[tuple[Entry, ...]]
) -> None:
    assert _said(judged[number]) == _wanted(SNIPPETS[number]), SNIPPETS[number]


@pytest.fixture(scope="module")
def wired(wheel: Wheel) -> list[tuple[Entry, ...]]:
    return _examined(WIRED_SNIPPETS, wheel, Ty())


@pytest.mark.parametrize("number", range(len(WIRED_SNIPPETS)))
def test_what_functions_are_given_and_return_is_known_where_every_call_is_seen(
    number: int, wired: list[tuple[Entry, ...]]
) -> None:
    assert _said(wired[number]) == _wanted(WIRED_SNIPPETS[number]), WIRED_SNIPPETS[number]


def test_every_rule_of_ty_that_is_relied_on_exists() -> None:
    rows = json.loads(
        subprocess.run(
            [ty._binary(), "explain", "rule", "--output-format", "json"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )
    assert set(ty.RULES) <= {row["name"] for row in rows}


@pytest.mark.parametrize(
    "said",
    [
        "::error title=ty (brand-new),file=/x/a.py,line=1,col=1,endLine=1,endColumn=2::code/a.py:1:1: brand-new: x\n",
        "ty says brand-new things\n",
    ],
)
def test_what_is_not_known_of_its_answer_is_an_internal_error(said: str, tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    answer.write_text(said)
    with pytest.raises(BackendError, match="brand-new"):
        ty._answer(answer)


def test_only_where_two_expressions_end_on_one_line_ty_is_asked_for_ends(
    wheel: Wheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ask = ty._asked_ends

    def watched(files: Sequence[str], project: Path, paths: Sequence[Path]) -> dict[ty._Place, Point]:
        asked.extend(files)
        return ask(files, project, paths)

    monkeypatch.setattr(ty, "_asked_ends", watched)
    plain, chain = "import lab\n'é'; lab.Model().save(\n# é\n)\n", "import lab\nlab.Model(\n    1).save()\n"
    found = Ty().ask({"plain": plain, "chain": chain}, [wheel.root]).diagnostics
    assert asked == ["chain"]
    assert {(said.file, said.start, said.end) for said in found if said.start[0] < said.end[0]} == {
        ("plain", (2, 5), (4, 1)),
        ("chain", (2, 0), (3, 13)),
    }


def test_every_complaint_has_an_end_over_several_lines_too(wheel: Wheel) -> None:
    chain = "from lab import Model\n\nModel().save(\n    1, 2).save(3)\nModel(\n    1).save()\n"
    found = Ty().ask({"a": chain, "b": "reveal_type('1\\n%0A  x')\nreveal_type(\n    1)\n"}, [wheel.root])
    lines = chain.split("\n")
    for said in found.diagnostics:
        (first, start), (last, end) = said.start, said.end
        text = "\n".join(lines[first - 1 : last])
        inside = text[start : len(text) - len(lines[last - 1]) + end]
        assert inside.count("(") == inside.count(")"), (said, inside)
        assert "%0A" not in said.message
    assert any(said.start[0] < said.end[0] for said in found.diagnostics)
    assert found.types["b"] == {(1, 12): 'Literal["1\\n%0A  x"]', (3, 4): "Literal[1]"}
