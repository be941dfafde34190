"""The verdict on each use: what the checker said, put through the filters, else what it did not know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from airskills.verify.backend import Diagnostic, Kind
from airskills.verify.cases import NO_COMPLAINT, Case, Home, Scene, Verdict
from airskills.verify.edits import Span
from airskills.verify.filters import FILTERS
from airskills.verify.ledger import State
from airskills.verify.signatures import is_all_unknown, misfit
from airskills.verify.uses import Use
from airskills.verify.wording import say, say_absent

DEAD = {
    Kind.IMPORT: "AV001",
    Kind.MEMBER: "AV001",
    Kind.ATTRIBUTE: "AV002",
    Kind.NOT_CALLABLE: "AV002",
    Kind.KEYWORD: "AV003",
    Kind.MISSING: "AV004",
    Kind.ARITY: "AV005",
    Kind.OVERLOAD: "AV006",
    Kind.DEPRECATED: "AV007",
    Kind.IGNORED_KEYWORD: "AV008",
}
PROVEN = Verdict("proven")
STANDARD = Verdict("proven", message="of the standard library")
Said = tuple[Span, Verdict]  # where a verdict points
MISFITS = {"keyword": "AV003", "missing": "AV004", "arity": "AV005"}


class Judged(NamedTuple):
    """A verdict on a use, where it points, and where the use is to be found in an environment (see `Entry.target`)."""

    use: Use
    span: Span
    verdict: Verdict
    target: str = ""


def judge(scene: Scene) -> Iterator[Judged]:
    """The verdicts on every use of a library in a unit; of the standard library's, only those on dead ones."""
    for case in scene.cases:
        home = scene.home(case.use)
        if home == "skill":
            continue
        target = "" if home == "standard" else case.target
        for span, verdict in _JUDGES[home](case):
            yield Judged(case.use, span, verdict, target)


def _judge(case: Case) -> Iterator[Said]:
    looked_up = _looked_up(case)
    if looked_up is not None:
        if looked_up != STANDARD:
            yield case.use.span, looked_up
        return
    complaints = list(_complaints(case))
    yield from complaints
    if any(verdict.state != "proven" for _, verdict in complaints):
        return
    doubts = list(_doubts(case))
    yield from doubts
    if not doubts and not complaints:
        yield case.use.span, PROVEN


def _absent(case: Case) -> Iterator[Said]:
    """Not proven, for no pinned wheel brings what is used."""
    use, code = case.use, "AV104"
    if use.kind in {"import", "from"}:
        why = case.scene.packages.why_absent(use.module)
        message = f"The import of `{use.module}` is not proven: {why}"
        code = "AV105" if use.optional else code
    else:
        message = f"`{use.name}` is not proven: its package is not pinned"
    yield use.span, Verdict("unproven", code, message, "Pin it")


def _standard(case: Case) -> Iterator[Said]:
    """Of the standard library, only what is dead."""
    return ((span, verdict) for span, verdict in _complaints(case) if verdict.state == "dead")


_JUDGES: Mapping[Home, Callable[[Case], Iterator[Said]]] = {
    "standard": _standard,
    "nowhere": _absent,
    "wheel": _judge,
}


def _looked_up(case: Case) -> Verdict | None:
    """What is known of an attribute that its owner answers as it answers any: that it is nowhere, or nothing."""
    level = case.looked_up
    if level is None:
        return None
    if case.use.attrs:
        name, owner = case.use.attrs[level], case.types.owners[level] or ""
        if owner in case.scene.open or (not case.scene.classes.knows(owner) and not owner.startswith("<")):
            return STANDARD  # `args.lr` of argparse: no library's
        called = case.use.kind == "call" and level == len(case.use.attrs) - 1
        if case.scene.classes.lacks(owner, name, called=called):
            return Verdict("dead", "AV002", *say_absent(case, owner, name))
    return Verdict("unproven", "AV103", f"`{case.use.name}` is looked up at run time")


def _complaints(case: Case) -> Iterator[Said]:
    for said in case.diagnostics:
        verdict = _filtered(case, said)
        if verdict is None:
            code, name, span = _refined(case, said)
            message, help_ = say(case, said, code, name)
            state: State = "proven" if code == "AV007" else "dead"
            yield span, Verdict(state, code, message, help_)
        elif verdict != NO_COMPLAINT:
            yield case.use.span, verdict


def _filtered(case: Case, said: Diagnostic) -> Verdict | None:
    return next((verdict for rule in FILTERS if (verdict := rule(case, said)) is not None), None)


def _refined(case: Case, said: Diagnostic) -> tuple[str, str, Span]:
    """(code, keyword or parameter, where): an overload that fails is told apart by why it fails."""
    span = Span(said.start, said.end)
    keyword = next((k for k in case.use.keywords if k.span.start == said.start), None)
    if said.kind is Kind.OVERLOAD:
        return _why_no_overload(case, span)
    return DEAD[said.kind], keyword.name if keyword else said.name, span


def _why_no_overload(case: Case, span: Span) -> tuple[str, str, Span]:
    """A keyword that no overload has, else the one reason that all of them give, else just no overload."""
    ways = [way for callee in case.signatures for way in callee]
    for keyword in case.use.keywords:
        if ways and not any(keyword.name in way.names or way.open for way in ways):
            return "AV003", keyword.name, keyword.span
    reasons = {found for way in ways if (found := misfit(way, case.use.shape)) is not None}
    kinds = {reason.kind for reason in reasons}
    if len(kinds) == 1:
        name = next(iter(reasons)).name if len(reasons) == 1 else ""
        return MISFITS[kinds.pop()], name, span
    return "AV006", "", span


def _doubts(case: Case) -> Iterator[Said]:
    """Why a use of which nobody complains is not proven all the same."""
    ignorance = _ignorance(case)
    if ignorance is not None:
        yield case.use.span, ignorance
    elif case.use.kind == "call":
        yield from _call_doubts(case)


def _ignorance(case: Case) -> Verdict | None:
    use, scene = case.use, case.scene
    if use.typed:
        return (
            None
            if scene.imports.get(use.root)
            else _unknown(use.name, "it stands where nothing can be asked")
        )
    if not is_all_unknown(case.types.type) or (case.exists and use.kind != "call"):
        return None
    if use.root in scene.undefined and use.root not in scene.uses.bound:
        return _unknown(use.name, f"nothing here defines `{use.root}`")
    if use.root in scene.uses.untyped and use.root not in scene.imports:
        return _unknown(use.name, f"the parameter `{use.root}` has no type", "Annotate it")
    return _unknown(use.name, "its parameters are not known" if case.exists else "its type is not known")


def _unknown(name: str, why: str, help_: str = "") -> Verdict:
    return Verdict("unproven", "AV101", f"`{name}` is not proven: {why}", help_)


def _call_doubts(case: Case) -> Iterator[Said]:
    use = case.use
    if use.elided:
        yield use.span, _unknown(use.name, "arguments are left out")
        return
    callees = [[way for way in ways if not way.blank] for ways in case.signatures]
    if not all(callees):
        yield use.span, _unknown(use.name, "its parameters are not known")
        return
    for keyword in use.keywords:
        named = all(any(keyword.name in way.names for way in ways) for ways in callees)
        if not named and any(way.open for ways in callees for way in ways):
            verdict = _collected(case, keyword.name)
            if verdict.state != "proven":
                yield keyword.span, verdict


def _collected(case: Case, keyword: str) -> Verdict:
    """What becomes of a keyword that goes into `**kwargs`."""
    settled = case.scene.packages.sinks.settle(case.callee, keyword, case.use.first)
    if settled is None:
        return Verdict(
            "unproven", "AV102", f"The keyword `{keyword}` of `{case.use.name}` goes into **kwargs"
        )
    state: State = "dead" if settled.state == "ignored" else settled.state
    return Verdict(state, settled.code, settled.message, settled.help)
