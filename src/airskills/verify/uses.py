"""Uses: what a unit takes from libraries, as its syntax tree shows it.

A use is an imported name, an attribute chain (`torch.nn.Linear`) or a call of one. Calls of built-in functions and of
what the unit defines itself are none.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from airskills.verify.edits import Point, Span, column_of
from airskills.verify.names import Names, dotted
from airskills.verify.signatures import NOTHING, Shape

_BUILTINS = frozenset(dir(builtins))
_CATCHES_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword argument of a call: its name and the span from its name to the end of its value."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Use:
    """One use.

    Attributes:
        kind: what it is.
        span: all of it; of a call with its arguments.
        target: the callee, the chain, or the imported name, without arguments.
        name: as it is written, `torch.nn.Linear`; what is called or subscripted in between is written `(...)`, `[...]`.
        root: first name of the chain; "" where it begins with another expression.
        attrs: names of the attributes with which the chain ends, in order.
        keywords: of a call, those written out.
        module: of an import, the module it names.
        optional: of an import, whether its failure is caught.
        shape: of a call, what it gives.
        first: of a call, its first argument where that is a literal text.
        elided: of a call, whether dots stand for arguments.
        typed: it stands where only a type may stand, so nothing can be asked there.
    """

    kind: Literal["import", "from", "attribute", "call"]
    span: Span
    target: Span
    name: str
    root: str = ""
    attrs: tuple[str, ...] = ()
    keywords: tuple[Keyword, ...] = ()
    module: str = ""
    optional: bool = False
    shape: Shape = NOTHING
    first: str = ""
    elided: bool = False
    typed: bool = False

    @property
    def leaf(self) -> str:
        """Last name of the chain."""
        return self.name.rpartition(".")[2]


class Uses(Names):
    """The uses of one unit, and the names it binds.

    Args:
        source: text of the unit, which parses.
    """

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._lines = source.split("\n")
        self._is_ascii = source.isascii()

    def release(self) -> None:
        """Let the tree go, which takes a hundred times the room of what was asked of it."""
        for name in (
            "all",
            "defined",
            "imported",
            "bound",
            "rebound",
            "classes",
            "own",
            "inheriting",
            "own_calls",
            "planted",
            "words",
            "made",
            "untyped",
            "statements",
        ):
            getattr(self, name)
        for name in ("syntax", "_typed", "_formatted"):
            self.__dict__.pop(name, None)

    @cached_property
    def statements(self) -> Mapping[int, int]:
        """Line to the line on which the innermost statement begins that it belongs to."""
        found: dict[int, int] = {}
        for first, _, last in sorted(map(_lines, self.syntax.statements)):
            found.update(dict.fromkeys(range(first, 1 - last), first))
        return found

    @cached_property
    def all(self) -> tuple[Use, ...]:
        """Every use, in the order in which they begin; of two that begin at one point, the longer first."""
        found = [*self._imports(), *self._calls(), *self._chains()]
        return tuple(sorted(found, key=lambda use: (use.span.start, [-n for n in use.span.end])))

    def text(self, span: Span) -> str:
        """Source of a span; line ends inside it stay."""
        (first, start), (last, end) = span.start, span.end
        if first == last:
            return self._lines[first - 1][start:end]
        middle = self._lines[first : last - 1]
        return "\n".join([self._lines[first - 1][start:], *middle, self._lines[last - 1][:end]])

    def _imports(self) -> Iterator[Use]:
        tries = (node for node in self.syntax.of(ast.Try) if _catches_import_errors(node))
        optional = self.syntax.inside(part for node in tries for part in (*node.body, *node.orelse))
        for node in self.syntax.of(ast.Import, ast.ImportFrom):
            module = "" if isinstance(node, ast.Import) else node.module or ""
            if isinstance(node, ast.ImportFrom) and (node.level or not module):
                continue
            kind: Literal["from", "import"] = "from" if module else "import"
            end = self.span(node)
            for alias in node.names:
                name = f"{module}.{alias.name}" if module else alias.name
                root = alias.asname or (alias.name if module else alias.name.partition(".")[0])
                of = module or alias.name
                yield Use(kind, self.span(alias), end, name, root, module=of, optional=node in optional)

    def _calls(self) -> Iterator[Use]:
        for node in self.syntax.of(ast.Call):
            name, root = dotted(node.func)
            if not name or (name == root and self._is_own(root)):
                continue
            yield Use(
                "call",
                self.span(node),
                self.span(node.func),
                name,
                root,
                _attrs(node.func),
                tuple(Keyword(k.arg, self.span(k)) for k in node.keywords if k.arg is not None),
                shape=_shape(node),
                first=_first(node),
                elided=_is_elided(node),
                typed=node in self._typed or not self.is_sound(node.func),
            )

    def _chains(self) -> Iterator[Use]:
        for node in self.syntax.of(ast.Attribute):
            name, root = dotted(node) if self._is_whole(node) else ("", "")
            if name:
                span, typed = self.span(node), node in self._typed or not self.is_sound(node)
                yield Use("attribute", span, span, name, root, _attrs(node), typed=typed)

    def _is_own(self, called: str) -> bool:
        """Whether a name that is called is Python's or the unit's own; a class that is made as its imported base is none."""
        if called in self.bound:
            return called in self.defined and called not in self.inheriting
        return called in _BUILTINS

    @cached_property
    def own_calls(self) -> tuple[Span, ...]:
        """Calls that are no uses; complaints about them are no library's."""
        calls = self.syntax.of(ast.Call)
        return tuple(
            self.span(node)
            for node in calls
            if isinstance(node.func, ast.Name) and self._is_own(node.func.id)
        )

    def _is_whole(self, node: ast.Attribute) -> bool:
        """Whether something is read that neither goes on in another attribute nor is called."""
        parent = self.syntax.parents[node]
        read = isinstance(node.ctx, ast.Load)
        goes_on = isinstance(parent, ast.Attribute) and isinstance(parent.ctx, ast.Load)
        return read and not goes_on and not (isinstance(parent, ast.Call) and parent.func is node)

    @cached_property
    def _typed(self) -> set[ast.AST]:
        """Nodes that stand where a checker wants a type, a base or a pattern."""
        of = self.syntax.of
        kinds = ast.pattern.__subclasses__() if of(ast.Match) else ()
        patterns = [node for kind in kinds for node in of(kind)]
        found: list[ast.AST | None] = [
            *(node.returns for node in of(ast.FunctionDef, ast.AsyncFunctionDef)),
            *(node.annotation for node in of(ast.arg, ast.AnnAssign)),
            *(base for node in of(ast.ClassDef) for base in (*node.bases, *node.keywords)),
            *(child for node in patterns for child in self.syntax.below.get(node, ())),
        ]
        return self.syntax.inside(node for node in found if node is not None)

    @cached_property
    def _formatted(self) -> set[ast.AST]:
        """Nodes inside f-strings; before Python 3.12 they need not stand where Python says."""
        return self.syntax.inside(self.syntax.of(ast.JoinedStr))

    def span(self, node: ast.AST) -> Span:
        """Where a node stands."""
        start: Point = (node.lineno, node.col_offset)  # type: ignore[attr-defined]  # every node that is asked has a place
        end: Point = (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]  # as above
        return Span(start, end) if self._is_ascii else Span(self._point(*start), self._point(*end))

    def _point(self, line: int, column: int) -> Point:
        """Python counts UTF-8 bytes; we count characters."""
        return line, column_of(self._lines[line - 1], column)

    def module_span(self, use: Use) -> Span | None:
        """Where the name of an import's module stands, if it stands on one line and only there."""
        line, start = use.span.start if use.kind == "import" else use.target.start
        text = self._lines[line - 1]
        found = text.find(use.module, start)
        return Span((line, found), (line, found + len(use.module))) if found >= 0 else None

    def is_sound(self, node: ast.expr) -> bool:
        """Whether the node stands where Python says, which inside f-strings it may not."""
        if node not in self._formatted:
            return True
        text = self.text(self.span(node))
        first: ast.AST = node
        while isinstance(first, ast.Attribute | ast.Call | ast.Subscript):
            first = first.func if isinstance(first, ast.Call) else first.value
        starts = text.lstrip("( \n").startswith(first.id) if isinstance(first, ast.Name) else text != ""
        last = node.attr if isinstance(node, ast.Attribute) else ")" if isinstance(node, ast.Call) else ""
        return starts and text.endswith(last)


def _lines(node: ast.stmt) -> tuple[int, int, int]:
    """Where a statement begins with its decorators, and minus its last line: what holds another comes before that."""
    first = min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", ()))])
    return first, node.col_offset, -(node.end_lineno or first)


def _attrs(node: ast.expr) -> tuple[str, ...]:
    found = []
    while isinstance(node, ast.Attribute):
        found.append(node.attr)
        node = node.value
    return tuple(reversed(found))


def _shape(node: ast.Call) -> Shape:
    plain = [arg for arg in node.args if not isinstance(arg, ast.Starred)]
    names = tuple(keyword.arg for keyword in node.keywords if keyword.arg is not None)
    return Shape(len(plain), names, len(plain) < len(node.args), len(names) < len(node.keywords))


def _first(node: ast.Call) -> str:
    first = node.args[0] if node.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def _is_elided(node: ast.Call) -> bool:
    """Whether dots stand for arguments: `f(...)`, or `f(**{})`, which `cells` writes for dots after keywords."""
    return any(isinstance(arg, ast.Constant) and arg.value is ... for arg in node.args) or any(
        k.arg is None and isinstance(k.value, ast.Dict) and not k.value.keys for k in node.keywords
    )


def _catches_import_errors(node: ast.Try) -> bool:
    for handler in node.handlers:
        caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        if any(
            item is None or (isinstance(item, ast.Name) and item.id in _CATCHES_IMPORT_ERRORS)
            for item in caught
        ):
            return True
    return False
