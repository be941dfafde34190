"""A reading of a wheel: the same files, rewritten where a checker would otherwise give up. Nothing is run for it.

    readings.reading(wheel)        a folder beside the wheel's own, made once
    readings.read(wheels)          those of many, in several processes where that pays

Libraries say less than they do: a decorator without types hides a signature, a module's `__getattr__` answers every name.
What such a thing really does can often be read in its source; each class below does that for one case, and changes
nothing where the source leaves a doubt. Lines stay where they are.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import os
import re
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

from airskills.cache import touch
from airskills.wheels import Wheel

_DECORATOR = re.compile(r"^[ \t]*@([\w.]+)", re.MULTILINE)
_DEFINED = re.compile(r"^def (\w+)\(", re.MULTILINE)
_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
_LITERAL = (ast.Dict, ast.List, ast.Set, ast.Tuple)
UNNAMED = "airskills_nothing_"  # stands where no keyword is left to be named
_REFUSAL = re.compile(
    r"(?:assert (?:not |len\()|if (?:len\()?)(\w+)\)?(?: [=!>]= 0| > 0|,|:|$)", re.MULTILINE
)
UNUSED = 86_400.0  # seconds after which a reading by another version of this code goes
_COLLECTED = re.compile(r"\*\*(\w+)")


def reading(wheel: Wheel) -> Path:
    """The folder of a wheel's reading, made if it is not there."""
    made = _folder(wheel)
    if made.is_dir():
        touch(made)
    else:
        _forget(made)
        draft = Path(tempfile.mkdtemp(prefix=".reading-", dir=wheel.root.parent))
        try:
            _write(wheel.root, draft)
            with suppress(OSError):  # another process was faster
                draft.rename(made)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return made


def read(
    wheels: Sequence[Wheel], progress: Callable[[str, int, int], None] = lambda _what, _done, _total: None
) -> list[Path]:
    """The readings of wheels, in their order; `progress` is called with (what, done, in all)."""
    waiting = sorted((wheel for wheel in wheels if not _folder(wheel).is_dir()), key=_size, reverse=True)
    jobs = min(os.cpu_count() or 1, len(waiting))
    if jobs < 2:
        for done, wheel in enumerate(waiting):
            progress(f"reading {wheel.pin}", done, len(waiting))
            reading(wheel)
    else:
        progress(f"reading {', '.join(str(wheel.pin) for wheel in waiting[:jobs])}", 0, len(waiting))
        with ProcessPoolExecutor(jobs) as pool:
            left = {pool.submit(reading, wheel): wheel for wheel in waiting}
            for done, future in enumerate(as_completed(list(left)), 1):
                future.result()
                del left[future]
                names = ", ".join(str(wheel.pin) for wheel in list(left.values())[:jobs])
                progress(f"reading {names}" if names else "read", done, len(waiting))
    return [reading(wheel) for wheel in wheels]


def _folder(wheel: Wheel) -> Path:
    return wheel.root.parent / f"reading-{_version()}"


def _size(wheel: Wheel) -> int:
    return sum(path.stat().st_size for path in wheel.root.rglob("*.py"))


def _forget(made: Path) -> None:
    """Remove readings of other versions of this code that nobody used for a day."""
    for other in made.parent.glob("reading-*"):
        if time.time() - other.stat().st_mtime > UNUSED:
            shutil.rmtree(other, ignore_errors=True)


@cache
def _version() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]


def _write(root: Path, made: Path) -> None:
    source = Source(root)
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.is_dir() or relative.parts[0].endswith(".dist-info"):
            continue
        target = made / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.revised(path) if path.suffix == ".py" else None
        if text is None:
            _link(path, target)
        else:
            target.write_bytes(text.encode("utf-8", "surrogateescape"))


def _link(path: Path, target: Path) -> None:
    """A second name for a file, a copy where the file system has none."""
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)


class Source:
    """The Python source of one wheel, read and parsed when needed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._path = root

    def text(self, path: Path) -> str:
        """Text of a file, byte for byte."""
        return path.read_bytes().decode("utf-8", "surrogateescape")

    def revised(self, path: Path) -> str | None:
        """Text of a file after all revisions; None where nothing changes."""
        self._path, text = path, self.text(path)
        wanted = [revision for revision in REVISIONS if revision.concerns(text, self)]
        tree = _parse(text) if wanted else None
        if tree is None:
            return None
        edits = [edit for revision in wanted for edit in revision(tree, self)]
        return _edited(text, edits) if edits else None

    def bound(self, tree: ast.Module) -> set[str] | None:
        """Names that the file under revision binds, star imports included; None where one of those is not found."""
        return self._bound(tree, self._path, 0)

    def _bound(self, tree: ast.Module, path: Path, depth: int) -> set[str] | None:
        found = _bound_names(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
                other = self._relative(node, path)
                inner = _parse(self.text(other)) if other and depth < 5 else None
                more = self._bound(inner, other, depth + 1) if inner and other else None
                if more is None:
                    return None
                found |= more
        return found

    def _relative(self, node: ast.ImportFrom, path: Path) -> Path | None:
        """The file that a relative import reads."""
        if not node.level:
            base = self.root.joinpath(*(node.module or "").split("."))
        else:
            base = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
        return next((p for p in (base / "__init__.py", base.with_suffix(".py")) if p.is_file()), None)

    def is_decorated(self, text: str) -> bool:
        """Whether a decorator in it is one that hands everything on."""
        return any(name.rpartition(".")[2] in self.transparent for name in _DECORATOR.findall(text))

    @cached_property
    def transparent(self) -> Mapping[str, frozenset[str]]:
        """Decorators that hand every argument on as it is, by name, with the keywords that they take out before."""
        texts = [self.text(path) for path in sorted(self.root.rglob("*.py"))]
        used = {name.rpartition(".")[2] for text in texts for name in _DECORATOR.findall(text)}
        found: dict[str, list[frozenset[str] | None]] = {}
        for text in texts:
            for name in used & set(_DEFINED.findall(text)):
                node = _function(text, name)
                if node is not None:
                    found.setdefault(name, []).append(_taken_out(node, text))
        sure = {name: ways for name, ways in found.items() if None not in ways}
        return {name: frozenset().union(*filter(None, ways)) for name, ways in sure.items()} | {
            "wraps": frozenset()
        }


def _may_refuse(text: str) -> bool:
    return not set(_REFUSAL.findall(text)).isdisjoint(_COLLECTED.findall(text))


def _function(text: str, name: str) -> ast.FunctionDef | None:
    """The function of that name at the outermost level, parsed alone: decorators are few, their files long."""
    found = re.search(rf"^def {re.escape(name)}\(.*(?:\n(?:[ \t)#].*)?)*", text, re.MULTILINE)
    tree = _parse(found[0]) if found else None
    return next((node for node in tree.body if isinstance(node, ast.FunctionDef)), None) if tree else None


@dataclass(frozen=True, slots=True)
class Edit:
    """A stretch of source, by its place in a syntax tree (1-based lines, 0-based bytes), and what stands there instead."""

    first: int
    start: int
    last: int
    end: int
    instead: str = ""


def _whole(node: ast.expr | ast.stmt, instead: str = "") -> Edit:
    return Edit(node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0, instead)


def _edited(text: str, edits: list[Edit]) -> str:
    """The text with every edit made, from the end; line ends inside a stretch stay."""
    lines = text.encode("utf-8", "surrogateescape").split(b"\n")
    for edit in sorted(edits, key=lambda edit: (edit.first, edit.start), reverse=True):
        before, after = lines[edit.first - 1][: edit.start], lines[edit.last - 1][edit.end :]
        middle = [b""] * (edit.last - edit.first)
        lines[edit.first - 1 : edit.last] = [before + edit.instead.encode(), *middle]
        lines[edit.last - 1] += after
    return b"\n".join(lines).decode("utf-8", "surrogateescape")


def _parse(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.encode("utf-8", "surrogateescape"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Every statement, at any depth; expressions, which are most of a tree, are not looked into."""
    pending: list[ast.stmt] = list(tree.body)
    while pending:
        node = pending.pop()
        yield node
        for name in ("body", "orelse", "finalbody"):
            pending += getattr(node, name, ())
        for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            pending += part.body


class PlainDecorators:
    """`@transmit_format` over `Dataset.map`: it has no types, so the checker loses the signature and the result.

    A decorator goes whose wrapper takes `*args, **kwargs` and hands them on to the function as they are.
    """

    def concerns(self, text: str, source: Source) -> bool:
        """Whether it may change a file."""
        return source.is_decorated(text)

    def __call__(self, tree: ast.Module, source: Source) -> Iterator[Edit]:
        """The lines of every such decorator, blank."""
        for node in _statements(tree):
            if isinstance(node, _FUNCTION):
                for decorator in node.decorator_list:
                    taken_out = source.transparent.get(_name(decorator))
                    if taken_out is not None and taken_out <= _parameters(node):
                        yield replace(_whole(decorator), start=node.col_offset)  # with its @


def _name(decorator: ast.expr) -> str:
    node = decorator.func if isinstance(decorator, ast.Call) else decorator
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[str]:
    given = node.args
    return frozenset(arg.arg for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs))


def _taken_out(decorator: ast.FunctionDef, text: str) -> frozenset[str] | None:
    """Keywords that a decorator's wrapper pops by name; None where it is not sure to hand on all that it is given."""
    if decorator.returns is not None:
        return None  # it has types: the checker knows better
    functions = [node for node in ast.walk(decorator) if isinstance(node, ast.FunctionDef)]
    given = frozenset().union(*(_parameters(node) for node in functions))
    for inner in functions:
        if inner.args.vararg and inner.args.kwarg:
            return _Wrapper(inner, given, text).taken_out()
    return None


class _Wrapper:
    """`def wrapper(*args, **kwargs)` inside a decorator."""

    def __init__(self, function: ast.FunctionDef, given: frozenset[str], text: str) -> None:
        self.nodes = list(ast.walk(function))
        self.given = given
        self.args = function.args.vararg.arg if function.args.vararg else ""
        self.kwargs = function.args.kwarg.arg if function.args.kwarg else ""
        self.leading = len(function.args.args)
        self.text = text

    def taken_out(self) -> frozenset[str] | None:
        if self.leading > 1 or not any(self._hands_on(node) for node in self.nodes):
            return None
        found = set()
        for node in self.nodes:
            if self._rebinds(node) or self._lends(node):
                return None
            key = self._key(node)
            if isinstance(key, ast.Constant):
                found.add(str(key.value))
            elif isinstance(key, ast.Name | ast.JoinedStr):
                return None  # any name may be taken out
        return frozenset(found - {"self"})

    def _hands_on(self, node: ast.AST) -> bool:
        """Whether it is `func(*args, **kwargs)` or `func(self, *args, **kwargs)`."""
        if not isinstance(node, ast.Call) or _id(node.func) not in self.given:
            return False
        starred = [arg.value for arg in node.args if isinstance(arg, ast.Starred)]
        rest = [keyword.value for keyword in node.keywords if keyword.arg is None]
        plain = len(node.args) - len(starred) <= 1 and len(rest) == len(node.keywords)
        return plain and [_id(item) for item in (*starred, *rest)] == [self.args, self.kwargs]

    def _rebinds(self, node: ast.AST) -> bool:
        """Whether `args` or `kwargs` becomes something else; without its first, or as a list, it is what it was."""
        if not isinstance(node, ast.Assign):
            return False
        names = {_id(target) for target in node.targets}
        same = {f"{self.args}[1:]", f"list({self.args})", f"tuple({self.args})"}
        return self.kwargs in names or (self.args in names and ast.unparse(node.value) not in same)

    def _lends(self, node: ast.AST) -> bool:
        """Whether a function of the same file gets `kwargs` as a dictionary and changes it."""
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            return False
        given = [place for place, arg in enumerate(node.args) if _id(arg) == self.kwargs]
        if not given or node.func.id in dir(builtins):
            return False
        borrower = _function(self.text, node.func.id)
        if borrower is None or len(borrower.args.args) <= given[0]:
            return True
        return any(_changes(inner, borrower.args.args[given[0]].arg) for inner in ast.walk(borrower))

    def _key(self, node: ast.AST) -> ast.expr | None:
        """What is taken out of `kwargs`, or looked for in it."""
        if isinstance(node, ast.Call) and _is_method(node.func, self.kwargs, "pop") and node.args:
            return node.args[0]
        if isinstance(node, ast.Compare) and any(_id(item) == self.kwargs for item in node.comparators):
            return node.left
        return None


def _changes(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Subscript):
        return _id(node.value) == name and not isinstance(node.ctx, ast.Load)
    methods = ("pop", "update", "setdefault", "clear", "popitem")
    return isinstance(node, ast.Call) and any(_is_method(node.func, name, method) for method in methods)


def _is_method(node: ast.expr, owner: str, name: str) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == name and _is_name(node.value, owner)


def _is_name(node: ast.expr, name: str) -> bool:
    return _id(node) == name


def _id(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


class ListedModule:
    """`dspy.Assert`: the module has a `__getattr__`, so every name seems to be there, but it only knows a few by name.

    Its names are declared instead: every one that the module's text lists, as a key, an entry or in a comparison.
    """

    def concerns(self, text: str, _source: Source) -> bool:
        """Whether it may change a file."""
        return "\ndef __getattr__" in text

    def __call__(self, tree: ast.Module, source: Source) -> Iterator[Edit]:
        """A line of declarations in place of the function."""
        functions = [node for node in tree.body if isinstance(node, _FUNCTION) and node.name == "__getattr__"]
        if len(functions) != 1 or not _Lookup(functions[0], tree).is_closed():
            return
        bound = source.bound(tree)
        if bound is None:
            return
        declared = "; ".join(f"{name}: _Any" for name in sorted(_texts(tree) - bound))
        yield _whole(functions[0], f"from typing import Any as _Any; {declared}" if declared else "pass")


class _Lookup:
    """A module's `__getattr__`, and the tables that the module spells out."""

    def __init__(self, function: ast.FunctionDef | ast.AsyncFunctionDef, tree: ast.Module) -> None:
        self.nodes = list(ast.walk(function))
        self.name = function.args.args[0].arg if function.args.args else ""
        self.tables = {
            _id(target)
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, _LITERAL)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        }
        self.made = {_id(t) for node in self.nodes if isinstance(node, ast.Assign) for t in node.targets}

    def is_closed(self) -> bool:
        """Whether it answers only names that stand in the module: compared with one, or looked up in a table."""
        tests = [node for node in self.nodes if isinstance(node, ast.Compare) and self._is_name(node.left)]
        if not all(self._is_known(item) for test in tests for item in test.comparators):
            return False
        if not all(self._may_pass(node) for node in self.nodes if isinstance(node, ast.Call)):
            return False
        raises = any(isinstance(node, ast.Raise) for node in self.nodes)
        return bool(tests) or raises or any(self._looks_up(node) for node in self.nodes)

    def _may_pass(self, call: ast.Call) -> bool:
        """Whether a call either does not get the name, or gets with it what the table says of it."""
        if not any(self._is_name(arg) for arg in call.args) or _name(call).endswith("Error"):
            return True
        if _name(call) in {"getattr", "hasattr", "vars"}:
            return _id(call.args[0]) in self.made
        return self._looks_up(call) or any(
            self._looks_up(node) for arg in call.args for node in ast.walk(arg)
        )

    def _looks_up(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Subscript):
            return self._is_name(node.slice) and self._is_known(node.value)
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return False
        is_get = node.func.attr == "get" and self._is_known(node.func.value)
        return is_get and any(self._is_name(arg) for arg in node.args)

    def _is_known(self, node: ast.expr) -> bool:
        return (
            isinstance(node, (*_LITERAL, ast.Constant))
            or _id(node) in self.tables
            or ast.unparse(node) == "globals()"
        )

    def _is_name(self, node: ast.expr) -> bool:
        return bool(self.name) and _is_name(node, self.name)


def _texts(tree: ast.Module) -> set[str]:
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier()
    }


def _bound_names(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, _FUNCTION | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


class RaisingGetattr:
    """`PartialState().on_main`: the class has a `__getattr__` that only words the error."""

    def concerns(self, text: str, _source: Source) -> bool:
        """Whether it may change a file."""
        return "def __getattr__" in text

    def __call__(self, tree: ast.Module, _source: Source) -> Iterator[Edit]:
        """`pass` in place of a `__getattr__` that returns nothing."""
        for owner in _statements(tree):
            for node in owner.body if isinstance(owner, ast.ClassDef) else ():
                if isinstance(node, ast.FunctionDef) and node.name == "__getattr__" and _only_raises(node):
                    yield _whole(node, "pass")


def _only_raises(function: ast.FunctionDef) -> bool:
    nodes = list(ast.walk(function))
    returns = any(isinstance(node, ast.Return | ast.Yield) for node in nodes)
    return not returns and isinstance(function.body[-1], ast.Raise) and not function.decorator_list


class RefusedKeywords:
    """`QdrantClient.create_collection(..., **kwargs)` with `assert len(kwargs) == 0`: it takes no others, at run time.

    Where all that is done with the collecting parameter is to take out keywords by name and to refuse the rest, those
    keywords stand in its place.
    """

    def concerns(self, text: str, _source: Source) -> bool:
        """Whether it may change a file."""
        return _may_refuse(text)

    def __call__(self, tree: ast.Module, _source: Source) -> Iterator[Edit]:
        """Parameters in place of `**kwargs`."""
        for node in _statements(tree):
            if isinstance(node, _FUNCTION) and node.args.kwarg:
                names = _accepted(node, node.args.kwarg.arg)
                if names is not None:
                    yield _instead_of_kwargs(node.args, node.args.kwarg, names - _parameters(node))


def _instead_of_kwargs(given: ast.arguments, kwarg: ast.arg, names: Iterable[str]) -> Edit:
    star = [] if given.vararg or given.kwonlyargs else ["*"]
    written = ", ".join([*star, *(f"{name}=None" for name in sorted({*names, UNNAMED}))])
    found = Edit(kwarg.lineno, kwarg.col_offset, kwarg.end_lineno or 0, kwarg.end_col_offset or 0, written)
    return replace(found, start=found.start - 2)  # with its stars, which nobody writes apart


def _accepted(function: ast.FunctionDef | ast.AsyncFunctionDef, kwargs: str) -> frozenset[str] | None:
    """Keywords that are taken out by name before the rest is refused; None where it is not refused, or used before."""
    found: set[str] = set()
    for statement in function.body:
        if _refuses(statement, kwargs):
            return frozenset(found)
        uses = sum(_is_name(node, kwargs) for node in ast.walk(statement) if isinstance(node, ast.expr))
        taken = [node for node in ast.walk(statement) if _takes_out(node, kwargs)]
        found.update(node.args[0].value for node in taken)  # type: ignore[attr-defined]  # `_takes_out` says so
        if uses != len(taken):
            return None
    return None


def _refuses(statement: ast.stmt, kwargs: str) -> bool:
    if isinstance(statement, ast.Assert):
        return ast.unparse(statement.test) in {f"len({kwargs}) == 0", f"not {kwargs}"}
    if isinstance(statement, ast.If) and isinstance(statement.body[-1], ast.Raise):
        return ast.unparse(statement.test) in {
            kwargs,
            f"len({kwargs}) > 0",
            f"len({kwargs}) != 0",
            f"len({kwargs})",
        }
    return False


def _takes_out(node: ast.AST, kwargs: str) -> bool:
    """Whether it is `kwargs.pop("name", ...)`."""
    if not isinstance(node, ast.Call) or not _is_method(node.func, kwargs, "pop") or not node.args:
        return False
    key = node.args[0]
    return isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.isidentifier()


REVISIONS = (PlainDecorators(), ListedModule(), RaisingGetattr(), RefusedKeywords())
