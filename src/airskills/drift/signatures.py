"""What changed between two signatures, one parameter at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from airskills.drift.classes import Signature
from airskills.drift.names import EITHER, KEYWORD, KEYWORDS, POSITIONAL, VARIABLE, Parameter
from airskills.drift.similar import renamed_parameter

NAMED = (EITHER, KEYWORD)
MANY = 8  # fields; nobody counts further to pass one by position


class Difference(NamedTuple):
    """As in `Change`, of one parameter."""

    kind: str
    parameter: str
    old: str = ""
    new: str = ""
    evidence: str = ""


def differences(
    old: Signature, new: Signature, messages: Sequence[str], taken: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Difference]:
    """What a caller of the old signature meets in the new one.

    Args:
        old: before.
        new: after.
        messages: deprecations that the old release announced, which may say what replaces what.
        taken: old keywords that the new release takes although no parameter has their name, and what it says of them.
    """
    new = _aligned(old, new)
    before = {p.name: p for p in old.parameters}
    after = {p.name: p for p in new.parameters}
    renamed: dict[str, str] = {}
    for parameter in old.parameters:
        if parameter.name in after:
            yield from _kept(parameter, after[parameter.name])
        elif parameter.name in taken:
            yield Difference("deprecated", parameter.name, evidence=taken[parameter.name])
        elif parameter.kind in NAMED and not new.open:
            difference = _gone(parameter, old, new, messages)
            if difference.kind == "renamed":
                renamed[parameter.name] = difference.new
            yield difference
    yield from _variable(old, new)
    if not old.open:
        yield from _fresh(before, new, set(renamed.values()))
    yield from _reordered(old, new, renamed)


def _aligned(old: Signature, new: Signature) -> Signature:
    """The new signature with the old names of parameters that nobody can name in either."""
    parameters = list(new.parameters)
    for number, (was, now) in enumerate(zip(old.parameters, new.parameters, strict=False)):
        if was.kind == now.kind == POSITIONAL:
            parameters[number] = now._replace(name=was.name)
    return new._replace(parameters=tuple(parameters))


def _kept(old: Parameter, new: Parameter) -> Iterator[Difference]:
    if {old.kind, new.kind} & {VARIABLE, KEYWORDS}:
        return
    if old.default is not None and new.default is None:
        yield Difference("required", old.name, old=old.default)
    elif old.default is not None and new.default is not None and old.default != new.default:
        yield Difference("default", old.name, old.default, new.default)
    if new.kind == KEYWORD and old.kind in {POSITIONAL, EITHER}:
        yield Difference("keyword-only", old.name)
    elif new.kind == POSITIONAL and old.kind in NAMED:
        yield Difference("positional-only", old.name)


def _gone(parameter: Parameter, old: Signature, new: Signature, messages: Sequence[str]) -> Difference:
    found = renamed_parameter(parameter, old, new, messages)
    if found:
        return Difference("renamed", parameter.name, new=found[0].name, evidence=found[1])
    kinds = {p.kind: p.name for p in new.parameters}
    if KEYWORDS not in kinds and VARIABLE in kinds and parameter.kind == EITHER:
        return Difference("positional-only", parameter.name)
    why = f"it falls into **{kinds[KEYWORDS]}" if KEYWORDS in kinds else ""
    return Difference("gone", parameter.name, old=parameter.default or "", evidence=why)


def _variable(old: Signature, new: Signature) -> Iterator[Difference]:
    """`**kwargs` that is no longer there: keywords that used to pass are refused."""
    had = next((p for p in old.parameters if p.kind == KEYWORDS), None)
    if had and not new.open and not any(p.kind == KEYWORDS for p in new.parameters):
        yield Difference("gone", f"**{had.name}")


def _fresh(before: dict[str, Parameter], new: Signature, taken: set[str]) -> Iterator[Difference]:
    for parameter in new.parameters:
        if parameter.name in before or parameter.kind in {VARIABLE, KEYWORDS} or parameter.name in taken:
            continue
        if parameter.default is None:
            yield Difference("required", parameter.name)
        else:
            yield Difference("added", parameter.name, new=parameter.default)


def _reordered(old: Signature, new: Signature, renamed: Mapping[str, str]) -> Iterator[Difference]:
    """The first parameter that a positional argument no longer reaches, where nothing that is gone explains it."""
    before = [renamed.get(p.name, p.name) for p in old.parameters if p.kind in {POSITIONAL, EITHER}]
    after = [p.name for p in new.parameters if p.kind in {POSITIONAL, EITHER}]
    if (new.owners and len(after) > MANY) or new.open or old.open:
        return
    stays = [name for name in before if name in after]
    reached = [name for name in after if name in stays or name not in before]
    for wanted, got in zip(stays, reached, strict=False):
        places = before.index(wanted) + 1, after.index(wanted) + 1
        if wanted != got and places[0] != places[1]:
            before_it = f"`{got}` was put before it" if got not in before else ""
            yield Difference("reordered", wanted, str(places[0]), str(places[1]), before_it)
            return
