"""What a piece of Python uses of the packages that it imports: paths, and what calls pass.

Types are followed only where one step tells them: an instance of an imported class, what a class method or an annotated
function returns. What that misses is not hit; it is never guessed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from airskills.drift.classes import Signature, bound, free
from airskills.drift.names import EITHER, POSITIONAL, Class, Function
from airskills.drift.surface import Surface
from airskills.drift.world import Found


class Use(NamedTuple):
    """One use.

    Attributes:
        line: 1-based, in the text that was read.
        column: 1-based.
        path: as the code spells it, dotted: `trl.GRPOConfig`, `trl.GRPOTrainer.train`.
        thing: where the definition lies, with the class in front of an inherited member; "" where nobody knows.
        passed: parameters that the call gives a value, by keyword or by position; None where it is no call.
        positional: how many arguments are given by position.
        complete: whether nothing comes out of `*args` or `**kwargs`.
    """

    line: int
    column: int
    path: str
    thing: str
    passed: frozenset[str] | None = None
    positional: int = 0
    complete: bool = True


class Reader:
    """Reads pieces of code that share one namespace, in order.

    Args:
        surface: the release that the code was written for, in a world with whatever else it imports.
    """

    def __init__(self, surface: Surface) -> None:
        self.surface = surface
        self._paths: dict[str, str] = {}  # name -> dotted path
        self._instances: dict[str, str] = {}  # name -> dotted path of its class

    def read(self, tree: ast.Module) -> list[Use]:
        """The uses of one piece."""
        return list(self._visit(tree))

    def _visit(self, node: ast.AST) -> Iterator[Use]:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from self._import(node)
        elif isinstance(node, ast.Call):
            yield from self._call(node)
        elif (
            isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load) and self.path(node)
        ):
            yield self._use(node, self.path(node))
        else:
            for child in ast.iter_child_nodes(node):
                yield from self._visit(child)
            self._remember(node)

    # -- names -----------------------------------------------------------------------------------------------------

    def _import(self, node: ast.Import | ast.ImportFrom) -> Iterator[Use]:
        for alias in node.names:
            if isinstance(node, ast.Import):
                path, name = alias.name, alias.asname or alias.name.partition(".")[0]
                self._bind(name, path if alias.asname else name)
            elif node.level or not node.module or alias.name == "*":
                continue
            else:
                path = f"{node.module}.{alias.name}"
                self._bind(alias.asname or alias.name, path)
            yield self._use(alias, path)

    def _bind(self, name: str, path: str) -> None:
        self._paths[name] = path
        self._instances.pop(name, None)

    def _remember(self, node: ast.AST) -> None:
        """Which names hold instances of known classes from here on."""
        if isinstance(node, ast.Assign):
            self._assign(node.targets, self._type(node.value))
        elif isinstance(node, ast.AnnAssign):
            self._assign(
                [node.target], self.path(node.annotation) or (node.value and self._type(node.value)) or ""
            )
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            self._assign([node.optional_vars], self._type(node.context_expr))
        elif isinstance(node, ast.arg) and node.annotation is not None:
            self._assign([ast.Name(node.arg, ast.Store())], self.path(node.annotation))

    def _assign(self, targets: list[ast.expr], type_: str) -> None:
        for target in targets:
            if isinstance(target, ast.Name):
                self._paths.pop(target.id, None)
                self._instances.pop(target.id, None)
                if type_:
                    self._instances[target.id] = type_

    def path(self, node: ast.expr) -> str:
        """Dotted path of an expression made of names, "" where its head is not known."""
        if isinstance(node, ast.Name):
            return self._paths.get(node.id, "")
        if isinstance(node, ast.Attribute):
            owner = self.path(node.value) or self._type(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        return ""

    def _type(self, node: ast.expr) -> str:
        """Path of the class of which the value is an instance, "" where nobody knows."""
        if isinstance(node, ast.Name):
            return self._instances.get(node.id, "")
        if not isinstance(node, ast.Call):
            return ""
        path = self.path(node.func)
        found = self._find(path) if path else None
        if found is None or isinstance(found.binding, Class):
            return path if found else ""
        if not isinstance(found.binding, Function):
            return ""
        if "classmethod" in found.binding.decorators:
            return path.rpartition(".")[0]
        returned = self.surface.world.resolve(
            found.module, found.binding.returns.partition("|")[0].strip(" '\"")
        )
        return returned.home if isinstance(returned, Found) and isinstance(returned.binding, Class) else ""

    # -- uses ------------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call) -> Iterator[Use]:
        path = self.path(node.func)
        if not path:
            yield from self._visit(node.func)
        else:
            if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
                yield from self._visit(node.func.value)
            yield self._called(node, path)
        for child in (*node.args, *(item.value for item in node.keywords)):
            yield from self._visit(child)

    def _called(self, node: ast.Call, path: str) -> Use:
        starred = any(isinstance(argument, ast.Starred) for argument in node.args)
        complete = not starred and all(item.arg for item in node.keywords)
        signature = self.signature(path)
        reached = (
            [p.name for p in signature.parameters if p.kind in {POSITIONAL, EITHER}] if signature else []
        )
        passed = {item.arg for item in node.keywords if item.arg} | set(reached[: len(node.args)])
        use = self._use(node, path)
        return use._replace(passed=frozenset(passed), positional=len(node.args), complete=complete)

    def _use(self, node: ast.expr | ast.alias, path: str) -> Use:
        found = self._find(path)
        return Use(node.lineno, node.col_offset + 1, path, found.home if found else "")

    def _find(self, path: str) -> Found | None:
        """The definition at a path, members that a class inherits included."""
        found = self.surface.world.find(path)
        if isinstance(found, Found):
            return found
        owner, _, name = path.rpartition(".")
        above = self._find(owner) if owner else None
        if above is None or not isinstance(above.binding, Class):
            return None
        member = self.surface.classes.view(above).members.get(name)
        return Found(member.home, member.module, member.binding) if member else None

    def signature(self, path: str) -> Signature | None:
        """What a call of the thing at a path may pass, or None."""
        found = self._find(path)
        if found is None:
            return None
        if isinstance(found.binding, Class):
            return self.surface.classes.view(found).constructor
        if not isinstance(found.binding, Function):
            return None
        above = self._find(path.rpartition(".")[0])
        return bound(found.binding) if above and isinstance(above.binding, Class) else free(found.binding)
