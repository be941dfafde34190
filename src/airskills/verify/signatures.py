"""Signatures as a checker writes them in a type, and whether a call fits one by names and numbers, types left aside."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

_MARK = re.compile(r"""[()\[\]{}|,=]|"[^"]*(?:"|$)|'[^']*(?:'|$)""")
_DEPTH = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
UNKNOWN = frozenset({"Unknown", "Any", "Never", "Divergent"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name ("" where it may only be given by place), and whether it must be given."""

    name: str
    required: bool
    by_place: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """One way to call something.

    Attributes:
        parameters: in order, without those that collect the rest.
        rest: whether it takes any number of positional arguments (`*args`).
        open: whether it takes any keyword (`**kwargs`).
        blank: whether nothing is said of it, as in `(...) -> Any`.
        names: parameters that may be given by keyword.
    """

    parameters: tuple[Parameter, ...] = ()
    rest: bool = False
    open: bool = False
    blank: bool = False
    names: tuple[str, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(known.name for known in self.parameters if known.name))


@dataclass(frozen=True, slots=True)
class Shape:
    """What a call gives.

    Attributes:
        positional: number of positional arguments, starred ones not counted.
        keywords: names of keyword arguments.
        starred: whether `*args` stands in it.
        expanded: whether `**kwargs` stands in it.
    """

    positional: int = 0
    keywords: tuple[str, ...] = ()
    starred: bool = False
    expanded: bool = False


NOTHING = Shape()


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a call does not fit: a keyword nobody takes, an argument nobody gives, or too many by place."""

    kind: Literal["keyword", "missing", "arity"]
    name: str = ""


def misfit(signature: Signature, shape: Shape) -> Misfit | None:
    """The first reason why the call does not fit the signature, or None where it does."""
    places = [parameter for parameter in signature.parameters if parameter.by_place]
    if not signature.open:
        for keyword in shape.keywords:
            if keyword not in signature.names:
                return Misfit("keyword", keyword)
    if not signature.rest and shape.positional > len(places):
        return Misfit("arity")
    given = {parameter.name for parameter in places[: shape.positional]} - {""}
    for number, parameter in enumerate(signature.parameters):
        placed = parameter.by_place and (
            number < shape.positional or shape.starred
        )  # those by place come first
        named = parameter.name in shape.keywords or (shape.expanded and bool(parameter.name))
        if parameter.required and not placed and not named:
            return Misfit("missing", parameter.name)
    doubled = given & set(shape.keywords)
    return Misfit("arity", min(doubled)) if doubled else None


def members(text: str) -> list[str]:
    """Members of a union as a checker writes it, at the outermost level."""
    return [part.strip() for part in cut(text, "|")]


def is_unknown(text: str | None) -> bool:
    """Whether the checker does not know: nothing was answered, or `Unknown`, `Any`, `Never` is in the union."""
    return text is None or any(part in UNKNOWN or part.startswith("@Todo") for part in members(text))


@lru_cache(maxsize=8192)
def is_all_unknown(text: str | None) -> bool:
    """Whether the checker knows nothing: of `TrainerState | Unknown` it knows a part, and says what that part lacks."""
    return text is None or all(part in UNKNOWN or part.startswith("@Todo") for part in members(text))


@lru_cache(maxsize=8192)
def signatures(text: str | None) -> list[list[Signature]]:
    """For each member of a union the signatures of its overloads; none for a member that is no function."""
    return [_overloads(_bare(member)) for member in members(text or "")]


def _bare(member: str) -> str:
    """A member without the parentheses that a union puts around a function."""
    if member.startswith("(") and member.endswith(")") and _closing(member, 0) == len(member) - 1:
        return member[1:-1]
    return member


def _overloads(text: str) -> list[Signature]:
    if text.startswith("Overload[") and text.endswith("]"):
        return [_signature(part.strip()) for part in cut(text[len("Overload[") : -1], ",")]
    return [_signature(text)] if "->" in text else []


def _signature(text: str) -> Signature:
    start = _parameters_start(text)
    parts = [part.strip() for part in cut(text[start + 1 : _closing(text, start)], ",") if part.strip()]
    if parts == ["..."]:
        return Signature(rest=True, open=True, blank=True)
    return _of_parts(parts)


def _of_parts(parts: Collection[str]) -> Signature:
    found: list[Parameter] = []
    by_place, rest, is_open = True, False, False
    for part in parts:
        name = part.partition(":")[0].partition("=")[0].strip()
        if name == "/":
            found = [Parameter("", parameter.required, by_place=True) for parameter in found]
        elif name.startswith("**"):
            is_open = True
        elif name.startswith("*"):
            by_place, rest = False, rest or name != "*"
        elif name.isidentifier() and (":" in part or "=" in part or part == name):
            found.append(Parameter(name, not _has_default(part), by_place))
        else:  # a bare type, as in `(int, /) -> str`
            found.append(Parameter("", required=True, by_place=True))
    return Signature(tuple(found), rest, is_open)


def _has_default(part: str) -> bool:
    """Whether an equals sign stands in a parameter outside of its type's brackets and quotes."""
    return "=" in part and any(char == "=" and depth == 0 for _, char, depth in _marks(part))


def _parameters_start(text: str) -> int:
    """Index of the parenthesis that opens the parameters: the first one outside of other brackets and quotes."""
    return next((index for index, char, depth in _marks(text) if char == "(" and depth == 1), 0)


def _closing(text: str, start: int) -> int:
    """Index of the bracket that closes the one at `start`."""
    marks = _marks(text, start)
    return next((index for index, char, depth in marks if char in ")]}" and depth == 0), len(text))


def cut(text: str, at: str) -> list[str]:
    """Parts between the commas or bars of the outermost level."""
    if at not in text:
        return [text]
    places = [index for index, char, depth in _marks(text) if char == at and depth == 0]
    starts = [0, *(place + 1 for place in places)]
    return [text[start:end] for start, end in zip(starts, [*places, len(text)], strict=True)]


def _marks(text: str, start: int = 0) -> Iterator[tuple[int, str, int]]:
    """(index, sign, how many brackets are open behind it) of what divides a type, outside of quotes."""
    depth = 0
    for found in _MARK.finditer(text, start):
        char = found[0]
        depth += _DEPTH.get(char, 0)
        if len(char) == 1:
            yield found.start(), char, depth
