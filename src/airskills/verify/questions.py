"""What the checker is asked of a unit beside its diagnostics: the type of every callee, chain and imported name.

A checker is silent about what it does not know, so it is asked beside each use, which stays as it is (see `hosts`):

    (reveal_type(torch.nn), reveal_type(torch.nn.PROBE), reveal_type(torch.nn.Linear), ...); torch.nn.Linear(3, out=4)

PROBE is a name that nothing has: an owner that answers it has a `__getattr__`, and proves nothing by answering.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from airskills.verify import edits
from airskills.verify.commons import Shared
from airskills.verify.edits import Edited, Point, Wrap
from airskills.verify.hosts import ITSELF, Host, hosts_of
from airskills.verify.rewrites import SOME
from airskills.verify.uses import Use, Uses

PROBE = "airskills_probe_"
Topic = Literal["type", "owner", "probe", "signature", "forward"]
Role = tuple[Topic, int]
Told = tuple[int, Role]  # number of a use, and what an answer tells of it
EVERYTHING: frozenset[Topic] = frozenset({"type", "owner", "probe", "signature", "forward"})
_MEMBER = f"{PROBE}m.{PROBE}"  # of the module from which something is imported
_REVEAL = "reveal_type("
_UNKNOWN = frozenset({"Unknown", "Any"})
_TESTED = ("Unknown & ", "Any & ")
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
        edited: what the checker gets, and the way back.
        points: where each answer will stand, and what it tells.
        same: uses that are not asked about, each with one that has the same answers.
        common: where answers will stand in the file that the skill's units share.
    """

    edited: Edited
    points: Mapping[Point, Sequence[Told]]
    same: Mapping[int, int]
    common: Mapping[Told, Point]

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
            for number, role in self.points.get(point, ()):
                found[number][role] = None if role[0] == "probe" and point in denied else text
        for (number, role), point in self.common.items():
            known, is_denied = shared(point)
            if known is not None:
                found[number][role] = None if role[0] == "probe" and is_denied else known
        return [_types(found[self.same.get(number, number)]) for number in range(len(uses))]


def _types(row: Mapping[Role, str | None]) -> Types:
    levels = range(1 + max((level for role, level in row if role == "probe"), default=-1))
    owners = tuple(row.get(("owner", level)) for level in levels)
    type_ = row.get(("type", 0))
    if owners and owners[-1] in _UNKNOWN and (type_ or "").startswith(_TESTED):
        type_ = owners[-1]  # a test says what an attribute of something unknown is, not that it is there
    return Types(
        type_,
        owners,
        tuple(row.get(("probe", level)) for level in levels),
        row.get(("signature", 0)),
        row.get(("forward", 0)),
    )


@dataclass(slots=True)
class _Sheet:
    """The questions of a unit: at each host expressions, with what the type of each tells."""

    _rows: dict[Host, dict[str, list[Told]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    _fixed: dict[str, list[Told]] = field(default_factory=dict)

    def put(self, host: Host, expression: str, told: Told, *, fixed: bool) -> None:
        """A question at a host; what is `fixed` means the same in all of the unit, and is asked once."""
        known = self._fixed.get(expression) if fixed else None
        if known is None:
            known = self._rows[host][expression]
            if fixed:
                self._fixed[expression] = known
        known.append(told)

    def edit(self, source: str, rewrites: Sequence[Wrap]) -> tuple[Edited, dict[Point, list[Told]]]:
        """The source with its rewrites and questions, and where the answers will stand."""
        hosts = sorted(self._rows, key=Host.order)
        first = [host for host in hosts if not host.before_statement]
        last = [host for host in hosts if host.before_statement]  # behind what a rewrite puts before it
        rows = {host: _row(self._rows[host]) for host in hosts}
        wraps = [host.wrap(rows[host][0]) for host in first]
        wraps += [*rewrites, *(host.wrap(rows[host][0]) for host in last)]
        edited = edits.apply(source, wraps)
        placed = [*edited.placed[: len(first)], *edited.placed[len(wraps) - len(last) :]]
        points = {
            (line, column + host.offset + offset): told
            for host, (line, column) in zip([*first, *last], placed, strict=True)
            for offset, told in rows[host][1]
        }
        return edited, points


def _row(asked: Mapping[str, list[Told]]) -> tuple[str, list[tuple[int, list[Told]]]]:
    """Items of a tuple, and where in its text each answer will stand."""
    text, answers = "", []
    for expression, told in asked.items():
        start = f"{text}{_REVEAL}" if expression else ""
        answers.append((len(start), told))
        text = f"{start}{expression}), " if expression else ""
    return text, answers


def ask(
    uses: Uses,
    rewrites: Sequence[Wrap],
    shared: Shared | None = None,
    wanted: Callable[[Use], Container[Topic]] = lambda _: EVERYTHING,
) -> Asked:
    """Put the questions about all uses into the source, besides its rewrites, but for those that are asked elsewhere.

    Args:
        uses: of the unit.
        rewrites: what else is changed in it.
        shared: what is asked in the file that the skill's units share.
        wanted: what has to be known of a use.
    """
    same = _same(uses)
    sheet = _Sheet()
    common: dict[Told, Point] = {}
    by_line: dict[int, list[Wrap]] = defaultdict(list)
    for wrap in rewrites:
        if not wrap.aside:
            by_line[wrap.span.start[0]].append(wrap)
    for number, (use, host) in enumerate(zip(uses.all, hosts_of(uses), strict=True)):
        topics = wanted(use) if number not in same and not use.typed else ()
        if not topics or host is None:
            continue
        fixed = _is_fixed(use, uses)
        for place, expression, role in _plan(use, uses, host, by_line):
            point = _elsewhere(use, expression, shared) if shared else None
            if role[0] in topics and point is None:
                sheet.put(place, expression, (number, role), fixed=fixed)
            elif role[0] in topics and point is not None:
                common[number, role] = point
    return Asked(*sheet.edit(uses.source, rewrites), same, common)


def _elsewhere(use: Use, expression: str, shared: Shared) -> Point | None:
    return shared.member(use, PROBE) if expression == _MEMBER else shared.point(use, expression)


def _same(uses: Uses) -> dict[int, int]:
    """Uses of a chain that means the same everywhere, each with the first that asks as much: a call asks more."""
    first: dict[tuple[str, bool], int] = {}
    found: dict[int, int] = {}
    for number, use in enumerate(uses.all):
        if _is_fixed(use, uses):
            other = first.setdefault((use.name, use.kind == "call"), number)
            if other != number:
                found[number] = other
    return found


def _is_fixed(use: Use, uses: Uses) -> bool:
    """Whether a use is a chain that means the same wherever it stands in its unit."""
    plain = use.kind in {"attribute", "call"} and not use.typed and use.root in uses.constant
    return plain and uses.text(use.target) == use.name


def _text(use: Use, uses: Uses, rewrites: Mapping[int, Sequence[Wrap]]) -> str:
    """The target of a use with the rewrites that lie in it, for being written out again; they are given by line."""
    (line, start), (last, _) = use.target.start, use.target.end
    text = uses.text(use.target)
    if line != last:
        return text
    inner = [wrap for wrap in rewrites.get(line, ()) if wrap.span.within(use.target)]
    shifted = [wrap._replace(span=wrap.span.moved(1 - line, -start)) for wrap in inner]
    return edits.apply(text, shifted).text if shifted else text


def _plan(
    use: Use, uses: Uses, host: Host, rewrites: Mapping[int, Sequence[Wrap]]
) -> Iterator[tuple[Host, str, Role]]:
    """What is asked of a use, and where."""
    if use.kind in {"import", "from"}:
        yield from _after_import(use)
        return
    text = _text(use, uses, rewrites)
    if "\n" in text or len(text) > MAX_TEXT:
        yield Host(use.target, "itself"), ITSELF, ("type", 0)
        return
    owner = text
    for _ in use.attrs:
        owner = owner.rpartition(".")[0].rstrip()
    owner = f"{SOME}(({owner},)[0])" if owner.endswith((")", ")[-1]")) else owner
    only_last = use.root in uses.imported
    for level, name in enumerate(use.attrs):
        if level == len(use.attrs) - 1 or not only_last:
            yield host, owner, ("owner", level)
            yield host, f"{owner}.{PROBE}", ("probe", level)
        owner = f"{owner}.{name}"
    yield host, owner, ("type", 0)
    for expression, role in _entrances(owner, use) if use.kind == "call" else ():
        yield host, expression, role


def _entrances(whole: str, use: Use) -> Iterator[tuple[str, Role]]:
    """The methods that a call may end in: classes are written in capitals, everything else may be an instance."""
    if use.leaf[:1].isupper():
        yield f"{whole}.__init__", ("signature", 0)
    elif not use.attrs or use.root == "self":
        yield f"{whole}.__call__", ("signature", 0)
        yield f"{whole}.forward", ("forward", 0)


def _after_import(use: Use) -> Iterator[tuple[Host, str, Role]]:
    if use.name.endswith(".*"):
        return
    if use.kind == "import":
        bound = use.name if f"{use.name}.".startswith(f"{use.root}.") else use.root
        yield Host(use.target, "import"), bound, ("type", 0)
    else:
        host = Host(use.target, "import", f"import {use.module} as {PROBE}m; ")
        yield host, use.root, ("type", 0)
        yield host, _MEMBER, ("probe", 0)
