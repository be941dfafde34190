"""Source to `Module`: one pass over the statements that run on import; bodies of functions are searched, not walked.

Where a name is bound in several branches, the branch that a complete installation takes wins: the body of a `try` and
its `else`, the first branch of an `if`. Handlers and other branches only add what is missing.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

from airskills.drift.expressions import dotted, keyword, literal_text, strings, text
from airskills.drift.names import (
    EITHER,
    KEYWORD,
    KEYWORDS,
    POSITIONAL,
    VARIABLE,
    Alias,
    Binding,
    Class,
    Function,
    Module,
    Notice,
    Parameter,
    Value,
)
from airskills.drift.notices import HINT, notices

_ON_SELF = re.compile(rb"\bself\.([a-z]\w*)\s*(?::[^=\n]+)?=(?!=)")
_PATCHES = re.compile(
    rb"""\b(?:setattr|replace_method)\(\s*(?!self\b)[\w.]+,\s*["'](\w+)["']"""
    rb"""|^[ \t]+(?:cls|klass|the_class|[A-Z]\w*)\.(\w+)[ \t]*=(?!=)""",
    re.MULTILINE,
)
_ANYTHING = (Parameter("args", VARIABLE, None), Parameter("kwargs", KEYWORDS, None))


class Scoped(NamedTuple):
    """A statement that runs on import, and under which conditions."""

    statement: ast.stmt
    typing: bool = False
    weak: bool = False


def extract(source: bytes) -> Module:
    """Read one file.

    Raises:
        SyntaxError: this Python cannot parse it.
        ValueError: it holds a null byte.
        RecursionError: it is nested too deeply.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes and the like: not ours to report
        tree = ast.parse(source)
    return _Reader(source).module(tree)


class _Reader:
    """Gathers what one file binds."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.lines = source.splitlines(keepends=True)
        self.names: dict[str, Binding] = {}
        self.stars: list[Alias] = []
        self.exports: list[str] | None = None
        self.export_of: list[str] = []
        self.spare: set[str] = set()
        self.typing: set[str] = set()
        self.lazy: dict[str, list[str]] = {}
        self.answers = ""
        self.globals: set[str] = set()
        self.handled: set[str] = set()
        self.notices: list[Notice] = []

    def module(self, tree: ast.Module) -> Module:
        """Everything the file binds."""
        for scoped in _flat(tree.body):
            self._statement(scoped)
        patched = {name.decode() for pair in _PATCHES.findall(self.source) for name in pair if name}
        return Module(
            self.names,
            tuple(dict.fromkeys(self.stars)),
            None if self.exports is None else tuple(dict.fromkeys(self.exports)),
            tuple(self.export_of),
            tuple(sorted(self.spare)),
            tuple(sorted(self.typing)),
            {name: tuple(dict.fromkeys(found)) for name, found in self.lazy.items()},
            self.answers,
            tuple(sorted(_words(tree))) if self.answers == "words" else (),
            tuple(sorted(patched)),
            tuple(sorted(self.handled)),
            tuple(self.notices),
            tuple(sorted(set(_hooked(tree)))) if b"meta_path" in self.source else (),
        )

    def _statement(self, scoped: Scoped) -> None:
        node = scoped.statement
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            self.stars.append(Alias(node.level, node.module or "", "*" if not scoped.typing else "typing"))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self._call(node.value)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self.names.pop(dotted(target), None)
        elif not self._special(node):
            self._bind(node, scoped)

    def _bind(self, node: ast.stmt, scoped: Scoped) -> None:
        if isinstance(node, ast.Assign) and _is_globals(node.value):
            self.globals |= {name for target in node.targets if (name := dotted(target))}
        for name, binding in bindings(node, self.lines, self.names):
            if scoped.typing and name in self.names and name not in self.typing:
                continue
            if scoped.weak and name in self.names:
                self.spare.add(name)
            else:
                self.names[name] = binding
                (self.typing.add if scoped.typing else self.typing.discard)(name)
            if name == "__getattr__" and isinstance(binding, Function):
                self._answer("words" if self._raises(node) else "any")
            elif name == "__getattr__":
                self._answer("any")

    def _raises(self, node: ast.stmt) -> bool:
        return b"AttributeError" in _source(node, self.lines)

    def _answer(self, how: str) -> None:
        order = ("", "lazy", "words", "any")
        self.answers = max(self.answers, how, key=order.index)

    def _special(self, node: ast.stmt) -> bool:
        """Take in `__all__`, `_import_structure` and what changes the module itself."""
        targets: Sequence[ast.expr] = ()
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = (node.target,)
        if len(targets) != 1:
            return False
        value = getattr(node, "value", None)
        target, name = targets[0], dotted(targets[0])
        if name == "__all__" and value is not None:
            self._export(value, more=isinstance(node, ast.AugAssign))
            return True
        if name == "_import_structure" and isinstance(value, ast.Dict):
            for key, names in zip(value.keys, value.values, strict=True):
                self._lazy(key, names)
            return True
        return isinstance(target, ast.Subscript) and self._item(target, value)

    def _item(self, target: ast.Subscript, value: ast.expr | None) -> bool:
        """`_import_structure["x"] = [...]`, `sys.modules[__name__] = ...`, `globals()[...] = ...`."""
        owner = dotted(target.value)
        if owner == "_import_structure":
            self._lazy(target.slice, value)
        elif owner == "sys.modules" and dotted(target.slice) == "__name__":
            self._answer("lazy" if isinstance(value, ast.Call) and "Lazy" in text(value.func) else "any")
        elif owner in self.globals or _is_globals(target.value):
            self._answer("any")
        return True

    def _call(self, call: ast.Call) -> None:
        """A bare call: `__all__.extend(...)`, `_import_structure["x"].append(...)`, `globals().update(...)`, a warning.

        Whoever is handed `globals()` may bind anything, as the builder in modules that protobuf generates does.
        """
        self.notices += notices([ast.Expr(call)])
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        if any(_is_globals(value) or dotted(value) in self.globals for value in given):
            self._answer("any")
        self.handled |= {call.args[0].id} if call.args and isinstance(call.args[0], ast.Name) else set()
        if not isinstance(call.func, ast.Attribute) or not call.args:
            return
        owner, method, value = call.func.value, call.func.attr, call.args[0]
        items = value if method == "extend" else ast.List([value], ast.Load())
        if dotted(owner) == "__all__" and method in {"extend", "append"}:
            self._export(items, more=True)
        elif isinstance(owner, ast.Subscript) and dotted(owner.value) == "_import_structure":
            self._lazy(owner.slice, items)
        elif method == "update" and (dotted(owner) in self.globals or _is_globals(owner)):
            self._answer("any")

    def _lazy(self, key: ast.expr | None, names: ast.expr | None) -> None:
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            self.lazy.setdefault(key.value, []).extend(strings(names) or () if names is not None else ())

    def _export(self, value: ast.expr, *, more: bool) -> None:
        """Add to `__all__`; a part that cannot be read makes it unknown, which is: none."""
        found: list[str] = []
        for part in _summands(value):
            literal = strings(part)
            if literal is not None:
                found += literal
            elif isinstance(part, ast.Attribute) and part.attr == "__all__" and dotted(part.value):
                self.export_of.append(dotted(part.value))
            else:
                self.exports = None
                return
        if not more:
            self.exports = found
        elif self.exports is not None:
            self.exports += found


def _is_globals(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and dotted(node.func) in {"globals", "vars"} and not node.args


def _summands(value: ast.expr) -> Iterator[ast.expr]:
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        yield from _summands(value.left)
        yield from _summands(value.right)
    elif (
        isinstance(value, ast.Call)
        and dotted(value.func) in {"list", "tuple", "sorted"}
        and len(value.args) == 1
    ):
        yield from _summands(value.args[0])
    else:
        yield value


def _hooked(tree: ast.Module) -> Iterator[str]:
    """What the literals of a file say about paths, what varies in them as stars; a short one says nothing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr):
            text = re.sub(r"\\\.", ".", literal_text(node))
            pattern = re.sub(r"\(.*?\)|\[.*?\]|\\\w|\{\}|[+*?]+", "*", text)
            pattern = re.sub(r"\*+", "*", pattern)
            if len(pattern.replace("*", "")) > 4 and re.fullmatch(r"[\w.*]{5,120}", pattern):
                yield pattern if "." in pattern else f"*.{pattern}"


def _words(tree: ast.Module) -> set[str]:
    """Identifiers among the literals of a module."""
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str) and value.isidentifier()}


# -- statements that run on import -----------------------------------------------------------------------------------


def _flat(body: Iterable[ast.stmt], *, typing: bool = False, weak: bool = False) -> Iterator[Scoped]:
    """The simple statements of a body, of its branches too, in the order in which they should bind."""
    for node in body:
        if isinstance(node, ast.If):
            for branch, is_typing, is_weak in _branches(node):
                yield from _flat(branch, typing=typing or is_typing, weak=weak or is_weak)
        elif isinstance(node, ast.Try):
            for part in (node.body, node.orelse, node.finalbody):
                yield from _flat(part, typing=typing, weak=weak)
            for handler in node.handlers:
                yield from _flat(handler.body, typing=typing, weak=True)
        elif isinstance(node, ast.With | ast.For | ast.While):
            yield from _flat(node.body, typing=typing, weak=weak)
        else:
            yield Scoped(node, typing, weak)


def _branches(node: ast.If) -> Iterator[tuple[list[ast.stmt], bool, bool]]:
    """(statements, only for type checkers, weak) of the branches of an `if` that may run."""
    test = node.test
    negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    subject = test.operand if isinstance(test, ast.UnaryOp) and negated else test
    if dotted(subject).rpartition(".")[2] == "TYPE_CHECKING":
        yield (node.body, not negated, False)
        yield (node.orelse, negated, False)
        return
    holds = _about_python(test)
    if holds is not False and text(test) != "__name__ == '__main__'":
        yield (node.body, False, False)
    if holds is not True:
        yield (node.orelse, False, holds is None)


def _about_python(test: ast.expr) -> bool | None:
    """Whether a comparison of `sys.version_info` with a tuple holds here; None for any other test."""
    if not isinstance(test, ast.Compare) or dotted(test.left) != "sys.version_info":
        return None
    try:
        wanted = ast.literal_eval(test.comparators[0])
    except ValueError:
        return None
    if not isinstance(wanted, tuple):
        return None
    here: tuple[object, ...] = tuple(sys.version_info)
    compare = {ast.GtE: here >= wanted, ast.Gt: here > wanted, ast.Lt: here < wanted, ast.LtE: here <= wanted}
    return compare.get(type(test.ops[0]))


# -- what one statement binds ----------------------------------------------------------------------------------------


def bindings(
    node: ast.stmt, lines: Sequence[bytes], known: dict[str, Binding]
) -> Iterator[tuple[str, Binding]]:
    """(name, what it becomes) for each name that a simple statement binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        function = _function(node, lines)
        accessor = {name.rpartition(".")[2] for name in function.decorators} & {"setter", "deleter"}
        if not (accessor and node.name in known):
            yield node.name, function
    elif isinstance(node, ast.ClassDef):
        yield node.name, _class(node, lines)
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from _imported(node)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _assigned(target, node.value)
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id, _field(node)


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Alias]]:
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, Alias(node.level, node.module or "", alias.name)
        else:
            module = alias.name if alias.asname else alias.name.partition(".")[0]
            yield alias.asname or module, Alias(0, module, "")


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, Value]]:
    if isinstance(target, ast.Name):
        yield target.id, Value(text(value), "", "", target.lineno)
    elif isinstance(target, ast.Tuple | ast.List):
        for item in target.elts:
            if isinstance(item, ast.Name):
                yield item.id, Value("", "", "", item.lineno)


def _field(node: ast.AnnAssign) -> Value:
    """An annotated name as a dataclass takes it: of `field(default=1, ...)` only the default counts."""
    annotation, how = text(node.annotation), ""
    given = text(node.value) if node.value is not None else None
    if isinstance(node.value, ast.Call):
        call = node.value
        default, factory = keyword(call, "default"), keyword(call, "default_factory")
        maker = text(call.func).rpartition(".")[2]
        if default is not None:
            given = text(default)
        elif factory is not None:
            given = f"{text(factory)}()"
        elif maker in {"field", "Field", "attrib", "ib"}:
            given = text(call.args[0]) if call.args and text(call.args[0]) != "Ellipsis" else None
        for name, value, meaning in (("init", False, "never"), ("kw_only", True, "keyword")):
            option = keyword(call, name)
            how = meaning if isinstance(option, ast.Constant) and option.value is value else how
    return Value(given, annotation, how, node.lineno)


def _class(node: ast.ClassDef, lines: Sequence[bytes]) -> Class:
    members: dict[str, Binding] = {}
    for scoped in _flat(node.body):
        for name, binding in bindings(scoped.statement, lines, members):
            if not (scoped.weak and name in members):
                members[name] = binding
    on_self = {name.decode() for name in _ON_SELF.findall(_source(node, lines))}
    decorators = tuple(map(text, node.decorator_list))
    return Class(
        tuple(map(text, node.bases)),
        decorators,
        members,
        tuple(sorted(on_self)),
        _makes_dataclasses(node, decorators, lines),
        node.lineno,
    )


def _makes_dataclasses(node: ast.ClassDef, decorators: Iterable[str], lines: Sequence[bytes]) -> str:
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init_subclass__":
            source = _source(item, lines)
            if b"dataclass(" in source:
                return "open" if b"accept_kwargs" in source else "fields"
    return "fields" if any("dataclass_transform" in name for name in decorators) else ""


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: Sequence[bytes]) -> Function:
    decorators = tuple(map(text, node.decorator_list))
    overloaded = any(name.rpartition(".")[2] == "overload" for name in decorators)
    source = _source(node, lines)
    return Function(
        _ANYTHING if overloaded else tuple(_parameters(node.args)),
        decorators,
        text(node.returns),
        tuple(dict.fromkeys(notices(node.body))) if HINT.search(source) else (),
        _fingerprint(node, lines),
        node.lineno,
    )


def _parameters(arguments: ast.arguments) -> Iterator[Parameter]:
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    defaults = [None] * required + list(map(text, arguments.defaults))
    for number, (argument, default) in enumerate(zip(positional, defaults, strict=True)):
        kind = POSITIONAL if number < len(arguments.posonlyargs) else EITHER
        yield Parameter(argument.arg, kind, default, text(argument.annotation))
    if arguments.vararg:
        yield Parameter(arguments.vararg.arg, VARIABLE, None, text(arguments.vararg.annotation))
    for argument, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        given = None if value is None else text(value)
        yield Parameter(argument.arg, KEYWORD, given, text(argument.annotation))
    if arguments.kwarg:
        yield Parameter(arguments.kwarg.arg, KEYWORDS, None, text(arguments.kwarg.annotation))


def _fingerprint(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: Sequence[bytes]) -> str:
    """Hash of a body without its docstring and indentation; "" for one too short to tell anything."""
    first = node.body[0]
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    body = node.body[1:] if told else node.body
    if not body or not isinstance(body[-1].end_lineno, int):
        return ""
    code = b"".join(line.strip() for line in lines[body[0].lineno - 1 : body[-1].end_lineno])
    return blake2b(code, digest_size=8).hexdigest() if len(code) > 40 else ""


def _source(node: ast.stmt, lines: Sequence[bytes]) -> bytes:
    return b"".join(lines[node.lineno - 1 : node.end_lineno])
