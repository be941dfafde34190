"""What the source of a wheel says of its classes: bases, members, and what a `__getattr__` answers. Kept beside the wheel."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from airskills.draft import write_whole
from airskills.verify.signatures import cut
from airskills.wheels import Wheel

_CLASS = re.compile(
    r"^[ \t]*class (\w+)(?:\(([^()]*(?:\([^()]*\)[^()]*)*)\))?[ \t]*(?:\[[^\]]*\])?:", re.MULTILINE
)
_WORD = re.compile(r"[^\W\d]\w*")
_SET_MODULE = re.compile(r"""\bsys\.modules\[["']([\w.]+)["']\] = """)
_KEY = re.compile(r"""["']([^\W\d]\w*(?:\.\w+)+)["']:""")
Answers = Literal["registered", "data", "delegates", "anything"]
Node = tuple[str, str]  # distribution, class


@cache
def source_of(wheel: Wheel) -> Source:
    """One source for all indexes that hold the wheel."""
    return Source(wheel)


class Source:
    """The classes of one wheel.

    Args:
        wheel: read when something is asked.
    """

    def __init__(self, wheel: Wheel) -> None:
        self.wheel = wheel

    @cached_property
    def classes(self) -> Mapping[str, list[list[Any]]]:
        """Class name to [file, names of bases] of each class of that name."""
        return _kept(self.wheel.root.parent / "classes-4.json", lambda: _classes(self.wheel.root))

    @cached_property
    def subclasses(self) -> Mapping[str, frozenset[str]]:
        """Name of a class to those of the wheel's classes that name it as a base."""
        found: dict[str, set[str]] = defaultdict(set)
        for name, places in self.classes.items():
            for base in (base for _, bases in places for base in bases):
                found[base].add(name)
        return {base: frozenset(names) for base, names in found.items()}

    @cached_property
    def words(self) -> frozenset[str]:
        """Every name that occurs anywhere, even in a comment."""
        place = self.wheel.root.parent / "words-1.json"
        return frozenset(_kept(place, lambda: dict.fromkeys(_words(self.wheel.root), 0)))

    @cached_property
    def aliases(self) -> frozenset[str]:
        """Modules without a file: keys of tables beside a finder of the package's own, and what is set in `sys.modules`."""
        place = self.wheel.root.parent / "aliases-2.json"
        return frozenset(_kept(place, lambda: dict.fromkeys(_aliases(self.wheel.root), 0)))

    @cached_property
    def _known(self) -> dict[str, dict[str, list[Any]]]:
        return _kept(self.wheel.root.parent / "members-7.json", dict)

    def members(self, name: str) -> Iterator[Members]:
        """Every class of a name, parsed."""
        for file, _ in self.classes.get(name, ()):
            if file not in self._known:
                self._known[file] = _members(self.wheel.root / file)
                self._changed = True
            found = self._known[file].get(name)
            if found is not None:
                yield Members(frozenset(found[0]), found[1])

    _changed = False

    def save(self) -> None:
        """Keep what was parsed."""
        if self._changed:
            _keep(self.wheel.root.parent / "members-7.json", self._known)
            self._changed = False


@dataclass(frozen=True, slots=True)
class Members:
    """What classes of one name in one file have: names, and what their lookup answers ("" where there is none)."""

    names: frozenset[str]
    answers: Answers | Literal[""]


class Index:
    """The classes of several wheels."""

    def __init__(self, wheels: Iterable[Wheel]) -> None:
        self.sources = {wheel.pin.name: source_of(wheel) for wheel in wheels}
        self._below: dict[Node, frozenset[Node]] = {}
        self._places: dict[tuple[str, tuple[str, ...]], str] = {}

    def nodes(self, name: str, near: Iterable[str] = ()) -> list[Node]:
        """Classes of a name: those of the distributions `near` if there are any, else all."""
        close = [(dist, name) for dist in near if dist in self.sources and name in self.sources[dist].classes]
        return close or [(dist, name) for dist, source in self.sources.items() if name in source.classes]

    def place(self, name: str, near: tuple[str, ...]) -> str:
        """`module:Class` of the one class of a name; "" where there are several, or none."""
        if (name, near) not in self._places:
            nodes = self.nodes(name, near)
            files = [file for dist, _ in nodes for file, _ in self.sources[dist].classes[name]]
            module = files[0].rpartition(".")[0].replace("/", ".") if len(files) == 1 else ""
            self._places[name, near] = f"{module.removesuffix('.__init__')}:{name}" if module else ""
        return self._places[name, near]

    def bases(self, node: Node) -> list[str]:
        """Names of the bases of a class."""
        dist, name = node
        return [base for _, bases in self.sources[dist].classes.get(name, ()) for base in bases]

    def subclasses(self, node: Node) -> Iterator[Node]:
        """The classes right below one: those that name it as a base, and do not mean another of its name."""
        for dist, source in self._naming.get(node[1], ()):
            if node in self.nodes(node[1], [dist]):
                yield from ((dist, name) for name in source.subclasses[node[1]])

    @cached_property
    def _naming(self) -> Mapping[str, list[tuple[str, Source]]]:
        """Names of bases, each with the distributions in which a class names it."""
        found: defaultdict[str, list[tuple[str, Source]]] = defaultdict(list)
        for dist, source in self.sources.items():
            for name in source.subclasses:
                found[name].append((dist, source))
        return found

    def below(self, node: Node) -> frozenset[Node]:
        """A class and everything below it."""
        if node not in self._below:
            seen: set[Node] = set()
            pending = [node]
            while pending:
                found = pending.pop()
                if found not in seen:
                    seen.add(found)
                    pending += self.subclasses(found)
            self._below[node] = frozenset(seen)
        return self._below[node]

    def members(self, node: Node) -> Iterator[Members]:
        """What a class has."""
        return self.sources[node[0]].members(node[1])

    def has_word(self, name: str) -> bool:
        """Whether a name occurs anywhere."""
        return any(name in source.words for source in self.sources.values())


@lru_cache(maxsize=64)
def index_of(wheels: tuple[Wheel, ...]) -> Index:
    """One index for all units of the same pins."""
    return Index(wheels)


def simple_name(written: str) -> str:
    """Simple name of a class in a type such as `Dataset[int]`, `torch.nn.Linear` or `<class 'Linear'>`."""
    bare = written.removeprefix("<class '").removesuffix("'>")
    return re.split(r"[\[(]", bare)[0].rpartition(".")[2]


def _answers(function: ast.FunctionDef) -> Answers:
    """What a `__getattr__` does with the name: looks it up in data, hands it to another object, or anything."""
    if len(function.args.args) != 2:
        return "anything"
    name = function.args.args[1].arg
    kinds: set[Answers] = set()
    for node in _without_tests(function):
        if isinstance(node, ast.Call) and any(_is(arg, name) for arg in node.args):
            callee = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if callee == "getattr":
                kinds.add("delegates")
            elif callee == "get":
                kinds.add("data")
            elif callee not in {
                "__getattr__",
                "__getattribute__",
                "hasattr",
                "AttributeError",
                "isinstance",
                "type",
            }:
                return "anything"
        elif isinstance(node, ast.Subscript) and _is(node.slice, name):
            kinds.add("data")
    if not any(isinstance(node, ast.Raise) for node in ast.walk(function)) and not kinds:
        return "anything"
    return "delegates" if "delegates" in kinds else "data"


def _without_tests(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Nodes of a function without the conditions: what is asked there is not what is answered."""
    pending: list[ast.AST] = [function]
    while pending:
        node = pending.pop()
        yield node
        test = getattr(node, "test", None) if isinstance(node, ast.If | ast.IfExp) else None
        pending += [child for child in ast.iter_child_nodes(node) if child is not test]


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _members(path: Path) -> dict[str, list[Any]]:
    """Class name to [names, what its lookup answers], for every class of a file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[str, list[Any]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            lookups = [c for c in node.body if isinstance(c, ast.FunctionDef) and c.name == "__getattr__"]
            before = found.get(node.name, [[], ""])
            answers = _answers(lookups[0]) if lookups else before[1]
            found[node.name] = [sorted({*before[0], *_names(node)}), answers]
    return found


def _asides(cls: ast.ClassDef) -> set[int]:
    """Texts that name no attribute: `task == "conversational"`, and what a `__getattr__` only hands to a call that may raise."""
    found: set[int] = set()
    for method in [node for node in ast.walk(cls) if isinstance(node, ast.FunctionDef)]:
        if method.name == "__getattr__":
            calls = (
                node
                for node in method.body
                if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
            )
            found.update(id(node) for call in calls for node in ast.walk(call))
        elif method.name not in {"__getattribute__", "__setattr__"}:
            tests = (node for node in ast.walk(method) if isinstance(node, ast.Compare))
            found.update(id(item) for test in tests for item in (test.left, *test.comparators))
    return found


# What stands among the names of a class of which not all is to be read:
MAKES_OTHERWISE = "__makes_otherwise__"  # its `__new__` may make anything
SETS_ANY = "__sets_any__"  # it sets attributes of itself by names that are not written
DECORATED = "__decorated__"  # a decorator of the package's own makes a dataclass of it


def _names(cls: ast.ClassDef) -> Iterator[str]:
    if any(isinstance(node, ast.FunctionDef) and _makes_otherwise(node) for node in cls.body):
        yield MAKES_OTHERWISE
    made = [node for node in cls.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    if any(isinstance(node, ast.Call) and _sets_any(node) for init in made for node in ast.walk(init)):
        yield SETS_ANY
    if any(_makes_dataclass(decorator) for decorator in cls.decorator_list):
        yield DECORATED
    asides = _asides(cls)
    for child in ast.walk(cls):
        if id(child) in asides:
            continue
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield child.name
        elif isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Store):
            yield child.attr
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id
        elif isinstance(child, ast.Constant) and isinstance(child.value, str) and child.value.isidentifier():
            yield child.value


def _makes_otherwise(function: ast.FunctionDef) -> bool:
    """Whether it is a `__new__` whose type no checker sees, and returns what another callee than a `__new__` makes."""
    if function.name != "__new__" or (function.returns is not None and not function.decorator_list):
        return False
    returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    calls = [node.func for node in returned if isinstance(node, ast.Call)]
    return any(not (isinstance(callee, ast.Attribute) and callee.attr == "__new__") for callee in calls)


def _sets_any(call: ast.Call) -> bool:
    """Whether it is `setattr(self, name, ...)` or `self.__dict__.update(...)`."""
    if isinstance(call.func, ast.Name) and call.func.id == "setattr" and len(call.args) > 1:
        return _is(call.args[0], "self") and not isinstance(call.args[1], ast.Constant)
    return ast.unparse(call.func) == "self.__dict__.update"


def _makes_dataclass(decorator: ast.expr) -> bool:
    name = ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator).rpartition(".")[2]
    return "dataclass" in name and name != "dataclass"


def _classes(root: Path) -> dict[str, Any]:
    classes: dict[str, list[list[Any]]] = defaultdict(list)
    for path, text in _texts(root):
        for found in _CLASS.finditer(text):
            parts = [part.strip() for part in cut(found[2] or "", ",")]
            bases = [simple_name(part) for part in parts if part and "=" not in part]
            classes[found[1]].append([str(path.relative_to(root)), bases])
    return classes


def _words(root: Path) -> set[str]:
    return {word for _, text in _texts(root) for word in _WORD.findall(text)}


def _aliases(root: Path) -> Iterator[str]:
    for _, text in _texts(root):
        yield from _SET_MODULE.findall(text)
        if "meta_path" in text:
            yield from _KEY.findall(text)


def _texts(root: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted([*root.rglob("*.py"), *root.rglob("*.pyi")]):
        yield path, path.read_text(encoding="utf-8", errors="replace")


def _kept(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What is kept beside a wheel, because to read all of it takes seconds; made where it is not there."""
    with suppress(OSError, ValueError):
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return known
    made = make()
    _keep(path, made)
    return made


def _keep(path: Path, value: dict[str, Any]) -> None:
    with suppress(OSError):  # a read-only cache costs time, nothing else
        write_whole(path, json.dumps(value))
