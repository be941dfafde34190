"""Filters: what a checker complains of although the code is right, or what it cannot be sure of.

Each is a small class with the case it exists for. It looks at one complaint about one use and returns the verdict that
takes the place of "dead", or None where it has nothing to say. The first that speaks decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from airskills.verify.backend import Diagnostic, Kind
from airskills.verify.cases import QUOTED, Case, Verdict
from airskills.verify.signatures import members, misfit

CALLS = frozenset({Kind.KEYWORD, Kind.MISSING, Kind.ARITY, Kind.OVERLOAD, Kind.NOT_CALLABLE})
NO_COMPLAINT = Verdict("proven")


class Filter(Protocol):
    """One filter."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """The verdict in place of "dead", `NO_COMPLAINT`, or None."""


class OptionalImport:
    """`try: import flash_attn` with `except ImportError`: it may be absent, that is what the handler is for."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven."""
        if said.kind is Kind.IMPORT and case.use.optional:
            return Verdict("unproven", "AV105", f"The import of `{case.use.name}` is optional and not there")
        return None


class LeftOut:
    """`Trainer(model, ...)`: dots stand for arguments, so none can be said to be missing."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven."""
        if case.use.elided and said.kind in {Kind.MISSING, Kind.ARITY, Kind.OVERLOAD}:
            return Verdict("unproven", "AV101", f"Arguments of `{case.use.name}` are left out")
        return None


class NoneInUnion:
    """A result typed `Tokenizer | None`: examples do not test for None, and the complaint is about None only."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """No complaint."""
        if said.kind is Kind.UNION_ATTRIBUTE:
            return NO_COMPLAINT if _lacking(said.message) == {"None"} else None
        is_none = QUOTED.findall(said.message)[:1] == ["None"]
        in_union = len(members(case.types.type or "")) > 1
        return NO_COMPLAINT if said.kind is Kind.NOT_CALLABLE and is_none and in_union else None


class SomeMember:
    """A result typed `Dataset | IterableDataset`: an attribute of the one that the other lacks may be meant."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven, unless no member has it."""
        if said.kind is not Kind.UNION_ATTRIBUTE:
            return None
        union = set(members(QUOTED.findall(said.message)[-1])) - {"None"}
        if not union - _lacking(said.message):
            return None
        return Verdict(
            "unproven", "AV103", f"`{case.use.name}` exists only on some of {', '.join(sorted(union))}"
        )


def _lacking(message: str) -> set[str]:
    """The members that lack an attribute: all that is quoted but the attribute before and the union after."""
    return set(QUOTED.findall(message)[1:-1])


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
    LeftOut(),
    NoneInUnion(),
    SomeMember(),
    AlsoCalled(),
    TypesOnly(),
    SomeCallee(),
)
