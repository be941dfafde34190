"""Names: what a unit binds, as its syntax tree shows it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from airskills.cells import tree_of
from airskills.verify.syntax import Syntax

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class OwnClass:
    """A class that a unit defines; of several of one name, what any of them says.

    Attributes:
        bases: names of its bases as they are written, `nn.Module`; "" for what is no name.
        decorators: names of its decorators, likewise.
        methods: names of its methods.
        fields: whether it annotates fields of its own, which may be what it is made with.
    """

    bases: tuple[str, ...]
    decorators: tuple[str, ...]
    methods: frozenset[str]
    fields: bool


class Names:
    """The names that one unit binds.

    Args:
        source: text of the unit, which parses.
    """

    def __init__(self, source: str) -> None:
        self.source = source

    @cached_property
    def syntax(self) -> Syntax:
        """Its syntax tree; parsed again where it is asked for after `release`."""
        return Syntax(tree_of(self.source))

    @cached_property
    def defined(self) -> frozenset[str]:
        """Functions and classes that the unit defines, at any depth."""
        of = self.syntax.of
        functions = (node.name for node in of(ast.FunctionDef, ast.AsyncFunctionDef))
        return frozenset([*functions, *(node.name for node in of(ast.ClassDef))])

    @cached_property
    def imported(self) -> dict[str, str]:
        """Local name to the dotted name that an import gives it."""
        found = {}
        for node in self.syntax.of(ast.Import, ast.ImportFrom):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    found[alias.asname or top] = alias.name if alias.asname else top
            elif node.module and not node.level:
                for alias in node.names:
                    found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return found

    @cached_property
    def bound(self) -> frozenset[str]:
        """Every name that the unit binds."""
        found = set(self.imported) | self.defined
        found.update(node.id for node in self.syntax.of(ast.Name) if isinstance(node.ctx, ast.Store))
        found.update(node.arg for node in self.syntax.of(ast.arg))
        found.update(node.name for node in self.syntax.of(ast.ExceptHandler) if node.name)
        return frozenset(found)

    @cached_property
    def constant(self) -> frozenset[str]:
        """Names that only one import binds, and of which nothing is set: they mean the same wherever they stand."""
        aliases = self.syntax.of(ast.alias)
        times = Counter((alias.asname or alias.name).partition(".")[0] for alias in aliases)
        others = {node.id for node in self.syntax.of(ast.Name) if not isinstance(node.ctx, ast.Load)}
        others.update(node.arg for node in self.syntax.of(ast.arg))
        for node in self.syntax.of(ast.Attribute):
            if not isinstance(node.ctx, ast.Load):
                others.add(dotted(node)[0].partition(".")[0])
        return frozenset(name for name, count in times.items() if count == 1) - others - self.defined

    @cached_property
    def rebound(self) -> frozenset[str]:
        """Functions and classes of the unit whose name it also gives to something else."""
        return self.defined & {n.id for n in self.syntax.of(ast.Name) if isinstance(n.ctx, ast.Store)}

    @cached_property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """Classes that the unit defines: name to the last names of their bases."""
        nodes = self.syntax.of(ast.ClassDef)
        return {node.name: tuple(ast.unparse(b).rpartition(".")[2] for b in node.bases) for node in nodes}

    @cached_property
    def own(self) -> Mapping[str, OwnClass]:
        """The same classes, with what is written at their heads."""
        found: dict[str, OwnClass] = {}
        for node in self.syntax.of(ast.ClassDef):
            methods = {n.name for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
            before = found.get(node.name, OwnClass((), (), frozenset(), fields=False))
            found[node.name] = OwnClass(
                (*before.bases, *_heads(node.bases)),
                (*before.decorators, *_heads(node.decorator_list)),
                before.methods | methods,
                before.fields or any(isinstance(n, ast.AnnAssign) for n in node.body),
            )
        return found

    @cached_property
    def inheriting(self) -> frozenset[str]:
        """Classes of the unit that are made as an imported one is: nothing of theirs says how."""
        return frozenset(name for name, cls in self.own.items() if self._inherits(cls)) - self.rebound

    def _inherits(self, cls: OwnClass) -> bool:
        if cls.decorators or cls.fields or cls.methods & {"__init__", "__new__"}:
            return False
        return any(base.partition(".")[0] in self.imported for base in cls.bases)

    @cached_property
    def words(self) -> frozenset[str]:
        """Every name that the unit binds, sets, gives as a keyword or writes in a text."""
        found = set(self.bound)
        for text in self.syntax.of(ast.Constant):
            if isinstance(text.value, str):
                found.update(_WORD.findall(text.value[:10_000]))
        found.update(node.attr for node in self.syntax.of(ast.Attribute) if isinstance(node.ctx, ast.Store))
        found.update(node.arg for node in self.syntax.of(ast.keyword) if node.arg)
        return frozenset(found)

    @cached_property
    def planted(self) -> frozenset[str]:
        """Attributes that the unit sets on something else than `self`, and names that it hands to a decorator or `setattr`."""
        found = {
            node.attr
            for node in self.syntax.of(ast.Attribute)
            if isinstance(node.ctx, ast.Store) and dotted(node)[1] not in {"self", "cls"}
        }
        heads = [d for node in self.syntax.of(ast.ClassDef, ast.FunctionDef) for d in node.decorator_list]
        calls = [head for head in heads if isinstance(head, ast.Call)]
        made = self.syntax.of(ast.Call)
        calls += [c for c in made if isinstance(c.func, ast.Name) and c.func.id == "setattr"]
        given = [arg for call in calls for arg in call.args]
        found.update(
            arg.value for arg in given if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
        )
        return frozenset(found)

    @cached_property
    def made(self) -> dict[str, str]:
        """Names bound once, to what a class makes (`m = Model(3)`): of exactly that class, none below it."""
        bound: dict[str, list[str]] = {}
        for node in self.syntax.of(ast.Assign):
            if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                called = dotted(node.value.func)[0] if isinstance(node.value, ast.Call) else ""
                bound.setdefault(node.targets[0].id, []).append(called.rpartition(".")[2])
        return {name: found[0] for name, found in bound.items() if len(found) == 1 and found[0][:1].isupper()}

    @cached_property
    def untyped(self) -> frozenset[str]:
        """Parameters without annotation: their types are nobody's knowledge."""
        return frozenset(node.arg for node in self.syntax.of(ast.arg) if node.annotation is None)


def dotted(node: ast.expr) -> tuple[str, str]:
    """(name as it is written, first name or "")."""
    parts: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            parts.append(f".{node.attr}")
            node = node.value
        elif isinstance(node, ast.Call):
            parts.append("(...)")
            node = node.func
        elif isinstance(node, ast.Subscript):
            parts.append("[...]")
            node = node.value
        elif isinstance(node, ast.Await):
            node = node.value
        else:
            break
    whole = "".join(reversed(parts))
    if isinstance(node, ast.Name):
        plain = not any(part in {"(...)", "[...]"} for part in parts)
        return f"{node.id}{whole}", node.id if plain else ""
    return (f"(...){whole}", "") if whole else ("", "")


def _heads(nodes: Iterable[ast.expr]) -> list[str]:
    """Names of bases or decorators, without what they are called or subscripted with."""
    found = []
    for node in nodes:
        head = node
        while isinstance(head, ast.Call | ast.Subscript):
            head = head.func if isinstance(head, ast.Call) else head.value
        name, root = dotted(head)
        found.append(name if root else "")
    return found
