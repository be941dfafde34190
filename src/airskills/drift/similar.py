"""Whether what is new is what is gone, under another name: with the evidence, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from airskills.drift.classes import Signature
from airskills.drift.names import Class, Function, Parameter, Value
from airskills.drift.world import Found

ENOUGH = 0.75  # of 1; below, a wrong guess is likelier than a right one (benchmarks/drift_precision.py)
_USUAL = frozenset(
    {"None", "True", "False", "0", "1", "0.0", "1.0", "''", "()", "[]", "{}", "list()", "dict()"}
)
_QUOTED = re.compile(r"[`'\"]([\w.]+)(?:=[^`'\"]*)?(?:\(\))?[`'\"]")


def names_alike(old: str, new: str) -> float:
    """0 to 1: what two names share, by words; words that both have say less than those that differ."""
    first, second = _words(old), _words(new)
    if not first or not second:
        return float(old == new)
    if "".join(first) == "".join(second):
        return 1.0
    rest = _without(first, second), _without(second, first)
    more = max(rest, key=len)
    if not all(rest) and 2 * len(more) <= max(len(first), len(second)):
        return 0.85  # one says a little more than the other
    if len(first) == len(second) == 1 and (old.startswith(new) or new.startswith(old)):
        return 0.85  # one is short for the other
    shared = 1 - max(len(rest[0]) / len(first), len(rest[1]) / len(second))
    differ = SequenceMatcher(None, "".join(rest[0]), "".join(rest[1])).ratio()
    return 0.5 * shared + (1 - 0.5 * shared) * differ * (0.5 + 0.5 * differ)


def _words(name: str) -> list[str]:
    parted = re.sub(r"([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])", r"\1\3 \2\4", name)
    return re.findall(r"[a-z0-9]+", parted.lower())


def _without(words: Sequence[str], others: Sequence[str]) -> list[str]:
    """Words of which the others have neither the same nor a longer or shorter form (`eval`, `evaluation`)."""
    return [
        w
        for w in words
        if not any(w.startswith(o) or o.startswith(w) for o in others if min(len(w), len(o)) > 2 or w == o)
    ]


def things_alike(old: Found, new: Found) -> tuple[float, str]:
    """How much two definitions have in common, 0 to 1, and in words; 1 only where their code is the same."""
    before, after = old.binding, new.binding
    if isinstance(before, Function) and isinstance(after, Function):
        if before.body and before.body == after.body:
            return 1.0, "same body"
        return _overlap([p.name for p in before.parameters], [p.name for p in after.parameters], "parameters")
    if isinstance(before, Class) and isinstance(after, Class):
        code = bodies(old)
        same = code & bodies(new)
        if len(same) > 1 and 2 * len(same) > len(code):
            return 1.0, f"{len(same)} of {len(code)} methods have the same body"
        return _overlap(before.members, after.members, "members")
    if isinstance(before, Value) and isinstance(after, Value) and before.text == after.text:
        return (0.6 if before.text in _USUAL else 0.8), f"same value {before.text}"
    return 0.0, "nothing in common"


def bodies(found: Found) -> set[str]:
    """Fingerprints of the code of a function, or of the methods of a class."""
    functions = found.binding.members.values() if isinstance(found.binding, Class) else [found.binding]
    return {function.body for function in functions if isinstance(function, Function) and function.body}


def _overlap(old: Iterable[str], new: Iterable[str], of_what: str) -> tuple[float, str]:
    before, after = set(old), set(new)
    if not before | after:
        return 0.3, f"no {of_what}"
    common = len(before & after)
    return 0.9 * common / len(before | after), f"{common} of {len(before)} {of_what}"


def renaming(old: Found, new: Found) -> tuple[float, str]:
    """How likely it is that a thing was renamed to another of the same kind nearby, and why; from 1 on the code is the same."""
    before, after = old.home.rpartition(".")[2], new.home.rpartition(".")[2]
    alike = names_alike(before, after)
    score, why = things_alike(old, new)
    if before == after:
        return 0.0, why  # then it moved, or did not
    same_code = 0.6 * (score == 1.0)
    return 0.55 * alike + 0.35 * score + same_code, f"{why}, names {alike:.0%} alike"


def named_in(messages: Iterable[str], candidates: Iterable[str], old: str) -> tuple[str, str] | None:
    """The candidate that a deprecation message of the old release puts in quotes, and the message."""
    known = set(candidates) - {old}
    for message in messages:
        words = [word.rpartition(".")[2] for word in _QUOTED.findall(message)]
        found = next((word for word in words if word in known), None)
        if old in words and found:
            return found, message
    return None


def renamed_parameter(
    gone: Parameter, before: Signature, after: Signature, messages: Sequence[str]
) -> tuple[Parameter, str] | None:
    """The new parameter that took the place of one that is gone, with the evidence."""
    old_names, new_names = [p.name for p in before.parameters], [p.name for p in after.parameters]
    said = named_in(messages, new_names, gone.name)
    if said:
        return after.parameters[new_names.index(said[0])], f"the library said: {said[1]}"
    fresh = [p for p in after.parameters if p.name not in old_names and p.kind in "/ak"]
    place = old_names.index(gone.name)
    rows = [(*_parameter_alike(gone, p, new_names.index(p.name) == place), p) for p in fresh]
    best = max(rows, key=lambda row: row[0], default=None)
    return (best[2], best[1]) if best and best[0] >= ENOUGH else None


def _parameter_alike(old: Parameter, new: Parameter, same_place: bool) -> tuple[float, str]:  # noqa: FBT001 - private
    reasons: list[tuple[float, str]] = []
    if old.annotation and old.annotation == new.annotation:
        reasons.append((0.15, "same annotation"))
    if old.default == new.default:
        weight = 0.15 if old.default is None else 0.1 if old.default in _USUAL else 0.3
        reasons.append(
            (weight, "both must be given" if old.default is None else f"same default {old.default}")
        )
    if same_place:
        reasons.append((0.15, "same position"))
    alike = names_alike(old.name, new.name)
    said = ", ".join([*(why for _, why in reasons), f"names {alike:.0%} alike"])
    return 0.6 * alike + sum(weight for weight, _ in reasons), said
