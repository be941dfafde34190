"""What the checker is asked of a unit beside its diagnostics: the type of every callee, chain and imported name.

A checker is silent about what it does not know, so each use is wrapped, on its own line:

    torch.nn.Linear(3, out=4)
    (reveal_type(torch.nn.Linear), reveal_type(torch.nn.PROBE), ..., torch.nn.Linear)[-1](3, out=4)

PROBE is a name that nothing has: an owner that answers it has a `__getattr__`, and proves nothing by answering.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from airskills.verify import edits
from airskills.verify.commons import Shared
from airskills.verify.edits import Point, Span, Wrap
from airskills.verify.rewrites import SOME
from airskills.verify.uses import Use, Uses

PROBE = "airskills_probe_"
Role = tuple[Literal["type", "owner", "probe", "signature", "forward"], int]
_MEMBER = f"{PROBE}m.{PROBE}"  # of the module from which something is imported
_ITSELF = ""  # the span itself, too long to be written out again
_REVEAL = "reveal_type("
MAX_TEXT = 300  # characters of a chain that is written out again


@dataclass(frozen=True, slots=True)
class Types:
    """What a checker knows of one use; None where it could not be asked.

    Attributes:
        type: of the callee, chain or name.
        owners: of what each attribute of the chain is taken from; only the last one where the chain begins in a module.
        probes: of PROBE on each owner.
        signature: of the method that a call calls, should the callee be a class or an instance.
        forward: of the method that a call of a `torch.nn.Module` hands its arguments to.
    """

    type: str | None = None
    owners: tuple[str | None, ...] = ()
    probes: tuple[str | None, ...] = ()
    signature: str | None = None
    forward: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A unit with its questions.

    Attributes:
        source: what the checker gets.
        points: where the answer to each question will stand.
        same: uses that are not asked about, each with one that has the same answers.
        common: where answers will stand in the file that the skill's units share.
    """

    source: str
    points: Mapping[Point, tuple[int, Role]]
    same: Mapping[int, int]
    common: Mapping[tuple[int, Role], Point]

    def answers(
        self,
        uses: Sequence[Use],
        types: Mapping[Point, str],
        denied: Collection[Point],
        shared: Callable[[Point], tuple[str | None, bool]],
    ) -> list[Types]:
        """The types of each use; a probe that is denied has none.

        Args:
            uses: of the unit.
            types: of the file that asks.
            denied: points of it at which an attribute is said to be missing.
            shared: (type, whether it is said to be missing) at a point of the shared file.
        """
        found: list[dict[Role, str | None]] = [{} for _ in uses]
        for point, text in types.items():
            if point in self.points:
                number, role = self.points[point]
                found[number][role] = None if role[0] == "probe" and point in denied else text
        for (number, role), point in self.common.items():
            known, is_denied = shared(point)
            if known is not None:
                found[number][role] = None if role[0] == "probe" and is_denied else known
        return [_types(found[self.same.get(number, number)]) for number in range(len(uses))]


def _types(row: Mapping[Role, str | None]) -> Types:
    levels = range(1 + max((level for role, level in row if role == "probe"), default=-1))
    return Types(
        row.get(("type", 0)),
        tuple(row.get(("owner", level)) for level in levels),
        tuple(row.get(("probe", level)) for level in levels),
        row.get(("signature", 0)),
        row.get(("forward", 0)),
    )


@dataclass(frozen=True, slots=True)
class _Question:
    """A wrap, and where in its first text each answer will stand."""

    wrap: Wrap
    answers: tuple[tuple[int, Role], ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is asked at a span: expressions with their roles, and what stands before, behind them, and behind the span."""

    span: Span
    start: str
    asked: tuple[tuple[str, Role], ...]
    end: str
    after: str


def ask(uses: Uses, rewrites: Sequence[Wrap], shared: Shared | None = None) -> Asked:
    """Put the questions about all uses into the source, besides its rewrites, but for those that are asked elsewhere."""
    same = _same(uses)
    found: list[tuple[int, _Question]] = []
    common: dict[tuple[int, Role], Point] = {}
    by_line: dict[int, list[Wrap]] = defaultdict(list)
    for wrap in rewrites:
        if not wrap.aside:
            by_line[wrap.span.start[0]].append(wrap)
    for number, use in enumerate(uses.all):
        for plan in _plans(use, uses, _text(use, uses, by_line)) if number not in same else ():
            left = []
            for expression, role in plan.asked:
                point = _elsewhere(use, expression, shared) if shared else None
                if point is None:
                    left.append((expression, role))
                else:
                    common[number, role] = point
            if left:
                found.append((number, _row(plan, left)))
    edited = edits.apply(uses.source, [*(question.wrap for _, question in found), *rewrites])
    points = {}
    for (number, question), (line, column) in zip(found, edited.placed, strict=False):
        for offset, role in question.answers:
            points[line, column + offset] = (number, role)
    return Asked(edited.text, points, same, common)


def _elsewhere(use: Use, expression: str, shared: Shared) -> Point | None:
    return shared.member(use, PROBE) if expression == _MEMBER else shared.point(use, expression)


def _same(uses: Uses) -> dict[int, int]:
    """Uses of a chain that means the same everywhere, each with the first that asks as much: a call asks more."""
    first: dict[tuple[str, bool], int] = {}
    found: dict[int, int] = {}
    for number, use in enumerate(uses.all):
        plain = use.kind in {"attribute", "call"} and not use.typed and uses.text(use.target) == use.name
        if plain and use.root in uses.constant:
            other = first.setdefault((use.name, use.kind == "call"), number)
            if other != number:
                found[number] = other
    return found


def _text(use: Use, uses: Uses, rewrites: Mapping[int, Sequence[Wrap]]) -> str:
    """The target of a use with the rewrites that lie in it, for being written out again; they are given by line."""
    (line, start), (last, _) = use.target.start, use.target.end
    text = uses.text(use.target)
    if line != last:
        return text
    inner = [wrap for wrap in rewrites.get(line, ()) if wrap.span.within(use.target)]
    shifted = [wrap._replace(span=wrap.span.moved(1 - line, -start)) for wrap in inner]
    return edits.apply(text, shifted).text if shifted else text


def _plans(use: Use, uses: Uses, text: str) -> Iterator[_Plan]:
    if use.typed:
        return
    if use.kind in {"import", "from"}:
        yield from _after_import(use)
        return
    if "\n" in text or len(text) > MAX_TEXT:
        yield _Plan(use.target, "", ((_ITSELF, ("type", 0)),), "", "")
        return
    asked: list[tuple[str, Role]] = []
    owner = text
    for _ in use.attrs:
        owner = owner.rpartition(".")[0].rstrip()
    owner = f"{SOME}(({owner},)[0])" if owner.endswith((")", ")[-1]")) else owner
    only_last = use.root in uses.imported
    for level, name in enumerate(use.attrs):
        if level == len(use.attrs) - 1 or not only_last:
            asked += [(owner, ("owner", level)), (f"{owner}.{PROBE}", ("probe", level))]
        owner = f"{owner}.{name}"
    asked.append((owner, ("type", 0)))
    if use.kind == "call":
        asked += _entrances(owner, use)
    yield _Plan(use.target, "(", tuple(asked), ", ", ")[-1]")


def _entrances(whole: str, use: Use) -> Iterator[tuple[str, Role]]:
    """The methods that a call may end in: classes are written in capitals, everything else may be an instance."""
    if use.leaf[:1].isupper():
        yield f"{whole}.__init__", ("signature", 0)
    elif not use.attrs or use.root == "self":
        yield f"{whole}.__call__", ("signature", 0)
        yield f"{whole}.forward", ("forward", 0)


def _after_import(use: Use) -> Iterator[_Plan]:
    if use.name.endswith(".*"):
        return
    end = Span(use.target.end, use.target.end)
    if use.kind == "import":
        bound = use.name if f"{use.name}.".startswith(f"{use.root}.") else use.root
        yield _Plan(end, "; ", ((bound, ("type", 0)),), "", "")
    else:
        asked: tuple[tuple[str, Role], ...] = ((use.root, ("type", 0)), (_MEMBER, ("probe", 0)))
        yield _Plan(end, f"; import {use.module} as {PROBE}m; ", asked, "", "")


def _row(plan: _Plan, asked: Sequence[tuple[str, Role]]) -> _Question:
    """The plan's start, a `reveal_type(...)` for each that is asked, its end."""
    if asked[0][0] == _ITSELF:
        return _Question(Wrap(plan.span, _REVEAL, ")"), ((len(_REVEAL), asked[0][1]),))
    text, answers = plan.start, []
    for number, (expression, role) in enumerate(asked):
        text += f"{', ' if number else ''}{_REVEAL}"
        answers.append((len(text), role))
        text += f"{expression})"
    return _Question(Wrap(plan.span, text + plan.end, plan.after), tuple(answers))
