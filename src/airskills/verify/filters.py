"""Filters: what a checker complains of although the code is right, or what it cannot be sure of.

Each is a small class with the case it exists for. It looks at one complaint about one use and returns the verdict that
takes the place of "dead", or None where it has nothing to say. The first that speaks decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import FunctionType, MappingProxyType

from airskills.verify.backend import Diagnostic, Kind
from airskills.verify.cases import CALLS, IMPORTS, NO_COMPLAINT, Case, Filter, Verdict
from airskills.verify.runtime_filters import AT_RUN_TIME
from airskills.verify.signatures import is_unknown, members, misfit

NONE = frozenset({"None"})
_SUPER = re.compile(r"<super: <class '(\w+)'>")
_OF_FUNCTIONS = frozenset(dir(FunctionType))


class OptionalImport:
    """`try: import flash_attn` with `except ImportError`: it may be absent, that is what the handler is for."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven."""
        if said.kind in IMPORTS and case.use.optional:
            return Verdict("unproven", "AV105", f"The import of `{case.use.name}` is optional and not there")
        return None


class Rebound:
    """`def train(): ...` and, later in the section, `train, held = rows[:9], rows[9:]`: a checker holds on to the function."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven."""
        if said.kind in IMPORTS or case.use.root not in case.scene.uses.rebound:
            return None
        return Verdict(
            "unproven", "AV101", f"`{case.use.name}`: `{case.use.root}` is a function, and something else"
        )


class BesideOthers:
    """`super().generate()` in a class without bases: which class answers shows where it is put beside others."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven."""
        found = _SUPER.match(said.owner) if said.kind is Kind.ATTRIBUTE else None
        if found is None or case.scene.uses.classes.get(found[1]) != ():
            return None
        return Verdict(
            "unproven", "AV103", f"`{case.use.name}` is of a class that stands beside `{found[1]}`"
        )


class SomeCallable:
    """`torch.compile(model).device`, typed `(...) -> Any`: what can be called may be a function, or an object with more."""

    written = ("(", "Overload[")

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven, unless it is a name of Python's own that no function has."""
        if said.kind is not Kind.ATTRIBUTE or not said.owner.startswith(self.written):
            return None
        if said.name.startswith("__") and said.name not in _OF_FUNCTIONS:
            return None
        return Verdict(
            "unproven", "AV103", f"`{case.use.name}` is of something of which only the call is known"
        )


class Promoted:
    """`math.log2(8).is_integer()`: to a checker `float` means whole numbers too, and those lacked it before Python 3.12."""

    types: Mapping[str, type] = MappingProxyType({"float": float, "complex": complex})

    def __call__(self, _case: Case, said: Diagnostic) -> Verdict | None:
        """No complaint about what the written type has."""
        if said.kind is not Kind.ATTRIBUTE or said.owner not in self.types:
            return None
        return NO_COMPLAINT if hasattr(self.types[said.owner], said.name) else None


class Compiled:
    """`from lxml import etree`: a module of machine code, of which only the name is known."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven."""
        packages, use = case.scene.packages, case.use
        if said.kind not in IMPORTS or not (
            packages.is_compiled(use.module) or packages.is_compiled(use.name)
        ):
            return None
        return Verdict("unproven", "AV101", f"`{use.name}` is machine code, which cannot be read")


class LeftOut:
    """`Trainer(model, ...)`: dots stand for arguments, so none can be said to be missing."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven; `rows = ...` stands for rows too."""
        if said.kind is Kind.ATTRIBUTE and said.owner == "EllipsisType":
            return Verdict("unproven", "AV101", f"What `{case.use.name}` is taken from is left out")
        if case.use.elided and said.kind in {Kind.MISSING, Kind.ARITY, Kind.OVERLOAD}:
            return Verdict("unproven", "AV101", f"Arguments of `{case.use.name}` are left out")
        return None


class TypedAsBase:
    """`model.peft_config["default"].r`: the container is typed with the base class, its values are of classes below."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven, where a class below has the attribute."""
        exact = case.scene.uses.made.get(case.use.root) == said.owner and case.use.attrs[:1] == (said.name,)
        if (
            said.kind is not Kind.ATTRIBUTE
            or exact
            or not case.scene.classes.below_have(said.owner, said.name)
        ):
            return None
        message = f"`{said.owner}` lacks `{said.name}`, a class below it has it"
        return Verdict("unproven", "AV103", message)


class ConfigurationKeyword:
    """`Qwen3MoeConfig(head_dim=16)`: transformers' configurations keep keywords that no class of theirs declares."""

    bases = frozenset({"PreTrainedConfig", "PretrainedConfig"})

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven."""
        if said.kind is not Kind.KEYWORD or not case.scene.classes.derives(case.use.name, self.bases):
            return None
        return Verdict("unproven", "AV102", f"`{case.use.name}` keeps keywords that it does not declare")


class PatchedStub:
    """`faiss.SearchParametersIVF(nprobe=8)`: the stub says less than the package, which changes its classes at import."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven, unless the package's source holds no such name either."""
        packages = case.scene.packages
        owner = case.origin or said.owner or (case.types.owners[-1] if case.types.owners else "") or ""
        if said.kind not in CALLS | {Kind.ATTRIBUTE} or not packages.is_patched(owner):
            return None
        keyword = next((k.name for k in case.use.keywords if k.span.start == said.start), said.name)
        if said.kind in {Kind.ATTRIBUTE, Kind.KEYWORD} and not packages.patched_has(keyword):
            return None
        return Verdict(
            "unproven", "AV103", f"`{case.use.name}` is not as its stub says: it is changed at import"
        )


class SetByKeyword:
    """`faiss.SearchParametersIVF(nprobe=8)`: at import its `__init__` becomes one that sets any attribute there is."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """No complaint about an attribute of such a class."""
        classes, settable = case.scene.classes, case.scene.packages.settable
        if said.kind is not Kind.KEYWORD or not settable or not classes.derives(case.use.name, settable):
            return None
        keyword = next((k.name for k in case.use.keywords if k.span.start == said.start), said.name)
        return NO_COMPLAINT if keyword in classes.members(case.use.name) else None


class NoneInUnion:
    """A result typed `Tokenizer | None`: examples do not test for None, and the complaint is about None only."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """No complaint."""
        if said.kind is Kind.ATTRIBUTE:
            return NO_COMPLAINT if set(said.lacking) <= NONE and said.owner not in NONE else None
        in_union = len(members(case.types.type or "")) > 1
        return NO_COMPLAINT if said.kind is Kind.NOT_CALLABLE and said.name in NONE and in_union else None


class SomeMember:
    """A result typed `Dataset | IterableDataset`: an attribute of the one that the other lacks may be meant."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven, unless no member has it."""
        if said.kind is not Kind.ATTRIBUTE:
            return None
        union = set(members(said.owner)) - NONE
        lacking = {member for other in case.diagnostics for member in other.lacking}
        if len(union) < 2 or not union - lacking:
            return None
        return Verdict(
            "unproven", "AV103", f"`{case.use.name}` exists only on some of {', '.join(sorted(union))}"
        )


class AlsoCalled:
    """`torch.cat(rows, axis=0)`: PyTorch's C++ functions take NumPy's names for a few parameters, its stubs do not say so."""

    names = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"}  # noqa: RUF012 - a constant

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven."""
        if said.kind not in {Kind.KEYWORD, Kind.OVERLOAD}:
            return None
        of_torch = case.origin.count(".") == 1 and case.origin.startswith("torch.")
        of_tensor = any("Tensor" in text for text in members(case.types.type or ""))
        known = {name for ways in case.signatures for way in ways for name in way.names}
        for keyword in case.use.shape.keywords if of_torch or of_tensor else ():
            if keyword not in known and self.names.get(keyword) in known:
                return Verdict("unproven", "AV102", f"`{keyword}` may stand for `{self.names[keyword]}` here")
        return None


class TypesOnly:
    """`torch.stack(rows)` with rows of an unknown kind: the names fit an overload, only types do not."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """No complaint where names and numbers fit; types are not what is judged here."""
        if said.kind is not Kind.OVERLOAD:
            return None
        ways = [way for callee in case.signatures for way in callee]
        return NO_COMPLAINT if any(misfit(way, case.use.shape) is None for way in ways) else None


class PartlyKnown:
    """`for block in self.blocks: block(x)`, typed `Unknown | Tensor`: what is not known of it may be what is called."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven."""
        if said.kind is not Kind.NOT_CALLABLE or not is_unknown(case.types.type):
            return None
        return Verdict(
            "unproven", "AV101", f"`{case.use.name}` is known in part, and that part cannot be called"
        )


class SomeCallee:
    """A callee typed as a union of methods: one of them does not take the call, another does."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven, unless none takes it."""
        if said.kind not in CALLS or len(members(case.types.type or "")) < 2 or not case.signatures:
            return None
        if any(misfit(way, case.use.shape) is None for callee in case.signatures for way in callee):
            return Verdict(
                "unproven", "AV101", f"`{case.use.name}` is one of several, and not all take this call"
            )
        return None


FILTERS: Sequence[Filter] = (
    OptionalImport(),
    *AT_RUN_TIME,
    Rebound(),
    BesideOthers(),
    SomeCallable(),
    Promoted(),
    Compiled(),
    LeftOut(),
    SetByKeyword(),
    PatchedStub(),
    TypedAsBase(),
    ConfigurationKeyword(),
    NoneInUnion(),
    SomeMember(),
    AlsoCalled(),
    TypesOnly(),
    PartlyKnown(),
    SomeCallee(),
)
