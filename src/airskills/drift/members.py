"""What changed inside a class that is still there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from airskills.drift.calls import Calls, Keyed, where
from airskills.drift.change import Change
from airskills.drift.classes import ClassView, Member, bound
from airskills.drift.names import Function
from airskills.drift.similar import ENOUGH, named_in, renaming
from airskills.drift.world import Found

_PROPERTIES = frozenset({"property", "cached_property", "classproperty"})


def changes(
    path: str, old: ClassView, new: ClassView, calls: Calls, undecided: Counter[str]
) -> Iterator[Keyed]:
    """Everything that changed in the class at `path`, each with the key of the definition it belongs to.

    Args:
        path: the best path to the class.
        old: before.
        new: after.
        calls: compares signatures and deprecations.
        undecided: counts what nobody could tell, by reason.
    """
    yield from _constructor(path, old, new, calls)
    fields = {p.name for p in old.constructor.parameters} if old.constructor.owners else set()
    for name, member in old.members.items():
        if not _is_public(name):
            continue
        other = new.members.get(name)
        if other:
            for key, change in calls.once(member.home, other.home, partial(_kept, member, other, calls)):
                yield key, replace(change, path=f"{path}.{name}")
        elif name not in fields:
            yield from _lost(path, name, old, new, calls, undecided)
    for name, member in new.members.items():
        is_method = _is_public(name) and isinstance(member.binding, Function)
        if is_method and name not in old.members and old.has(name) is False:
            yield (
                ("added", member.home),
                Change("added", "method", f"{path}.{name}", where=where(_found(member))),
            )


def _constructor(path: str, old: ClassView, new: ClassView, calls: Calls) -> Iterator[Keyed]:
    before, after = old.constructor, new.constructor
    what = "field" if before.owners and after.owners else "parameter"
    yield from calls.signatures(path, what, (_maker(old), _maker(new)), (before, after))
    yield from calls.deprecations(path, old.found, new.found)


def _maker(view: ClassView) -> Found:
    """What stands for the constructor: its `__init__`, or the class where that is generated."""
    member = view.members.get("__init__")
    return _found(member) if member else view.found


def _kept(old: Member, new: Member, calls: Calls) -> Iterator[Keyed]:
    """What changed in a member, whatever the class that shows it."""
    path = ""
    if not isinstance(old.binding, Function) or not isinstance(new.binding, Function):
        return
    if old.home == new.home and old.binding == new.binding:
        return
    if calls.is_patched(new.module, new.home):
        return
    words = _word(old), _word(new)
    if words[0] != words[1]:
        change = Change("became", words[0], path, old=words[0], new=words[1], where=where(_found(new)))
        yield ("became", old.home), change
    elif words[0] == "method":
        signatures = bound(old.binding), bound(new.binding)
        yield from calls.signatures(path, "parameter", (_found(old), _found(new)), signatures)
    for key, change in calls.deprecations(path, _found(old), _found(new)):
        yield key, replace(change, what=change.what if change.parameter else words[1])


def _lost(
    path: str, name: str, old: ClassView, new: ClassView, calls: Calls, undecided: Counter[str]
) -> Iterator[Keyed]:
    has = new.has(name)
    if has is None:
        undecided[f"members that {new.open or 'a patch'} may bring"] += 1
    if has is not False:
        return
    member = old.members[name]
    for key, change in calls.once(member.home, "", partial(_fate, name, member, old, new, calls)):
        target = f"{path}.{change.new}" if change.new else ""
        yield key, replace(change, path=f"{path}.{name}", new=target)


def _fate(name: str, member: Member, old: ClassView, new: ClassView, calls: Calls) -> Iterator[Keyed]:
    """What became of a member, whatever the class that lost it; a new name without its class."""
    successor, why = _successor(name, member, old, new, calls)
    kind = "renamed" if successor else "gone"
    what = _word(member) if isinstance(member.binding, Function) else "attribute"
    yield (kind, member.home), Change(kind, what, "", new=successor, evidence=why)


def _successor(name: str, member: Member, old: ClassView, new: ClassView, calls: Calls) -> tuple[str, str]:
    """The member that took the place of one that is gone, and why that is believed; "" where none did."""
    said = named_in(calls.before.messages(_found(member)), new.members, name)
    if said:
        return said[0], f"the library said: {said[1]}"
    rows = [
        (*renaming(_found(member), _found(other)), candidate)
        for candidate, other in new.members.items()
        if candidate not in old.members
        and _is_public(candidate)
        and type(other.binding) is type(member.binding) is Function
    ]
    score, why, found = max(rows, default=(0.0, "", ""))
    return (found, why) if score >= ENOUGH else ("", "")


def _found(member: Member) -> Found:
    return Found(member.home, member.module, member.binding)


def _is_public(name: str) -> bool:
    return not name.startswith("_") or name == "__call__"


def _word(member: Member) -> str:
    decorators = member.binding.decorators if isinstance(member.binding, Function) else ()
    is_property = any(text.rpartition(".")[2] in _PROPERTIES for text in decorators)
    return "property" if is_property else "method"
