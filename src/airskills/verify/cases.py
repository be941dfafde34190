"""Cases: each use of a unit with everything that is known of it, before it is judged."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol

from airskills.verify.backend import Diagnostic, Kind
from airskills.verify.classes import Classes
from airskills.verify.edits import Span
from airskills.verify.ledger import State
from airskills.verify.own_classes import OwnClasses
from airskills.verify.packages import Packages
from airskills.verify.questions import Types
from airskills.verify.signatures import Signature, is_all_unknown, signatures
from airskills.verify.uses import Use, Uses

_METHOD = re.compile(r"\(?bound method (?:<class '(\w+)'>|(\w+)(?:\[.*?\])?)\.(\w+)\(")


# Classes of the standard library that answer every name, by the module that brings them; libraries have some of that name.
OPEN = {"argparse": "Namespace", "types": "SimpleNamespace"}
IMPORTS = frozenset({Kind.IMPORT, Kind.MEMBER})
CALLS = frozenset({Kind.KEYWORD, Kind.MISSING, Kind.ARITY, Kind.OVERLOAD, Kind.NOT_CALLABLE})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a use in the end; `code` is "" where there is nothing to say."""

    state: State
    code: str = ""
    message: str = ""
    help: str = ""


NO_COMPLAINT = Verdict("proven")


class Filter(Protocol):
    """What looks at one complaint about one use."""

    def __call__(self, case: Case, said: Diagnostic, /) -> Verdict | None:
        """The verdict in place of "dead", `NO_COMPLAINT`, or None."""


@dataclass(frozen=True)
class Case:
    """A use with everything that is known of it.

    Attributes:
        use: the use.
        types: what the checker knows of it.
        scene: the unit it stands in.
        diagnostics: what the checker complains of, spans as in the unit.
    """

    use: Use
    types: Types
    scene: Scene
    diagnostics: list[Diagnostic] = field(default_factory=list)

    @cached_property
    def signatures(self) -> list[list[Signature]]:
        """For each thing that may be called here the ways to call it; empty where that is not known."""
        found = []
        for known in (self.types.type, self.types.signature, self.types.forward):
            found = [ways for ways in signatures(known) if ways]
            if found and not any(way.blank for ways in found for way in ways):
                return found
        return found

    @property
    def looked_up(self) -> int | None:
        """Place in the chain of the first attribute that its owner answers as it answers any name; None where all are real.

        An import's only "attribute" is its name in the module.
        """
        types = self.types
        if any(said.kind in IMPORTS for said in self.diagnostics):
            return None
        results = [*types.owners[1:], types.type]
        for level, (owner, probe, result) in enumerate(
            zip(types.owners, types.probes, results, strict=False)
        ):
            known = self.use.kind == "from" or not is_all_unknown(owner)
            if known and probe is not None and result == probe:
                return level
        return None

    @property
    def exists(self) -> bool:
        """Whether every name of the chain is there, whatever it holds: each owner is known, and denies other names.

        What a module declares as `Any` is only said to be there: a reading writes so of names that it looks up.
        """
        types = self.types
        if self.use.kind == "from":
            return types.type not in {None, "Any"} and types.probes == (None,) and not self.diagnostics
        asked = [owner for owner in types.owners if owner is not None]
        if not asked or any(map(is_all_unknown, asked)) or any(types.probes[-len(asked) :]):
            return False
        return types.type is not None and not (types.type == "Any" and asked[-1].startswith("<module"))

    @cached_property
    def origin(self) -> str:
        """Dotted name of what is used, as far as imports say it: `torch.nn.Linear`; "" for what they do not."""
        if self.use.kind in {"import", "from"}:
            return self.use.name
        start = self.scene.uses.imported.get(self.use.root, "")
        return f"{start}{self.use.name[len(self.use.root) :]}" if start else ""

    @property
    def target(self) -> str:
        """`module:Class.name` of what is used: by its import, else by the one class that it is taken from; else ""."""
        if self.use.kind == "import":
            return f"{self.use.module}:"
        if self.use.kind == "from":
            return f"{self.use.module}:{self.use.leaf}"
        if self.use.root in self.scene.imports and self.origin.isprintable() and "(" not in self.origin:
            module = self.scene.imports[self.use.root][0].use.module
            return (
                f"{module}:{self.origin.removeprefix(module).lstrip('.')}" if "[" not in self.origin else ""
            )
        owner = self.types.owners[-1] if self.types.owners else None
        place = self.scene.classes.place(owner or "")
        return f"{place}.{self.use.leaf}" if place and self.use.attrs else ""

    @property
    def callee(self) -> str:
        """Dotted name of what is called, from its package on; of a method, by the class that the checker names."""
        if self.origin:
            return self.origin
        method = _METHOD.match(self.types.type or "")
        cls = (method[1] or method[2]) if method else (self.types.type or "").partition(" |")[0]
        module = self.scene.classes.module(cls)
        return f"{module}.{cls}.{method[3] if method else '__call__'}" if module else ""


# Where what is used comes from, as far as imports say it.
Home = Literal["skill", "standard", "nowhere", "wheel"]


class Scene:
    """One unit under judgement.

    Args:
        uses: its uses.
        types: of each use.
        diagnostics: of the unit, spans as in the unit.
        packages: what its pins bring.
    """

    def __init__(
        self, uses: Uses, types: Sequence[Types], diagnostics: Iterable[Diagnostic], packages: Packages
    ) -> None:
        self.uses = uses
        self.packages = packages
        near = {wheel.pin.name for name in uses.imported.values() if (wheel := packages.owner(name))}
        self.own = OwnClasses(uses.own, uses.imported, uses.defined, packages)
        self.classes = Classes(packages.index, tuple(sorted(near)), self.own.bases, uses.words)
        self.cases = [Case(use, known, self) for use, known in zip(uses.all, types, strict=True)]
        tops = {name.partition(".")[0] for name in uses.imported.values()}
        self.open = frozenset(cls for module, cls in OPEN.items() if module in tops)
        self.undefined: set[str] = set()
        self._homes: dict[str, Home] = {}
        for diagnostic in diagnostics:
            if diagnostic.kind is Kind.UNDEFINED:
                self.undefined.add(diagnostic.name)
            else:
                self._assign(diagnostic)

    def _assign(self, diagnostic: Diagnostic) -> None:
        owners = [case for case in self.cases if _concerns(diagnostic, case.use)]
        if owners and diagnostic.kind not in IMPORTS:
            owners = [min(owners, key=lambda case: _size(case.use.span))]
            if diagnostic.kind in CALLS and self._is_of_own_call(diagnostic, owners[0].use.span):
                return
        for case in owners:
            case.diagnostics.append(diagnostic)

    def _is_of_own_call(self, diagnostic: Diagnostic, around: Span) -> bool:
        """Whether a call of the unit's own function stands between a complaint and the use around it."""
        size = _size(around)
        return any(span.holds(diagnostic.start) and _size(span) < size for span in self.uses.own_calls)

    def home(self, use: Use) -> Home:
        """Where a use comes from; where imports do not say it, it may come from a wheel."""
        if use.kind in {"import", "from"}:
            return self._home({use.module})
        if use.root not in self._homes:
            self._homes[use.root] = self._home({case.use.module for case in self.imports.get(use.root, ())})
        return self._homes[use.root]

    def _home(self, modules: Collection[str]) -> Home:
        packages = self.packages
        if not modules or any(packages.owner(module) is not None for module in modules):
            return "wheel"
        if all(map(packages.is_local, modules)):
            return "skill"
        return "standard" if all(map(packages.is_standard, modules)) else "nowhere"

    @cached_property
    def imports(self) -> Mapping[str, list[Case]]:
        """Local name to the imports that bind it."""
        found: dict[str, list[Case]] = defaultdict(list)
        for case in self.cases:
            if case.use.kind in {"import", "from"}:
                found[case.use.root].append(case)
        return found


def _size(span: Span) -> tuple[int, int]:
    lines = span.end[0] - span.start[0]
    return lines, span.end[1] - (0 if lines else span.start[1])


def _concerns(diagnostic: Diagnostic, use: Use) -> bool:
    """Whether a complaint points at this use, by its kind."""
    if use.kind in {"import", "from"}:
        return _concerns_import(diagnostic, use)
    start, kind = diagnostic.start, diagnostic.kind
    if kind in {Kind.ATTRIBUTE, Kind.DEPRECATED}:
        return use.target.holds(start) and diagnostic.end <= use.target.end
    if use.kind != "call" or kind in IMPORTS:
        return False
    if kind in {Kind.KEYWORD, Kind.IGNORED_KEYWORD, Kind.ARITY}:
        return use.span.holds(start) and not use.target.holds(start)
    return use.span.start <= start and diagnostic.end == use.span.end


def _concerns_import(diagnostic: Diagnostic, use: Use) -> bool:
    here = use.span.holds(diagnostic.start)
    if diagnostic.kind is Kind.IMPORT:
        names_module = use.kind == "from" and diagnostic.name == use.module
        return here or (names_module and use.target.holds(diagnostic.start))
    return here and diagnostic.kind in {Kind.MEMBER, Kind.DEPRECATED}
