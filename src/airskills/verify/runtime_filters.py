"""Filters of what only a run shows: names that a module or a class is given while it runs, and what the text leaves out.

Each is a small class with the case it exists for, as in `filters.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from airskills.verify.backend import Diagnostic, Kind
from airskills.verify.cases import CALLS, IMPORTS, Case, Filter, Verdict
from airskills.verify.class_index import DECORATED, MAKES_OTHERWISE, SETS_ANY, simple_name
from airskills.verify.open_modules import is_open
from airskills.verify.signatures import members


class Aliased:
    """`from sentence_transformers import losses`: no file is called so, a finder of the package's own knows the old name."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven, where a file that steers imports holds the name."""
        if said.kind not in IMPORTS or not case.scene.packages.is_alias(case.use.name):
            return None
        return Verdict("unproven", "AV103", f"`{case.use.name}` is made when the package is imported")


class OpenModule:
    """`from mcp.types import Tool`: the module takes all names of one that no pin brings; another has a builder bind them."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven."""
        module = case.use.module if said.kind is Kind.MEMBER else said.owner
        if said.kind not in {Kind.MEMBER, Kind.ATTRIBUTE} or not is_open(
            case.scene.packages, module, said.name
        ):
            return None
        return Verdict(
            "unproven", "AV101", f"`{case.use.name}`: `{module}` has names that its text does not show"
        )


class OwnClass:
    """`self._verify(tokens)` in a class of the text that shows a part of it: what the author left out is no library's.

    So is what an unknown decorator may add: `@CrewBase` gives a class its `agents`.
    """

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven, unless the class is built on one of a pinned package and all of it is seen."""
        if said.kind is not Kind.ATTRIBUTE:
            return None
        own = case.scene.own
        meant = own.named(said.owner)
        if not meant or all(own.is_grounded(cls) for cls in meant):
            return None
        message = (
            f"`{' or '.join(sorted(meant))}` is a class of this text, which does not show its `{said.name}`"
        )
        return Verdict("unproven", "AV101", message)


class Registered:
    """`@register_expr_namespace("double")`, then `pl.col("a").double`: the text itself adds the attribute."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven, where the unit sets an attribute of that name on something, or hands the name to a decorator."""
        if said.kind is not Kind.ATTRIBUTE or said.name not in case.scene.uses.planted:
            return None
        return Verdict("unproven", "AV103", f"`{case.use.name}` may be what this text registers or sets")


class LooseMapping:
    """`scheduler.config.beta_start`, typed `dict[str, Any]`: a dictionary of the library's own kind answers its keys."""

    types = frozenset({"dict", "Mapping", "MutableMapping", "OrderedDict", "defaultdict"})

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven, where it is data, and the library says what type it is."""
        owner = said.owner.partition("[")[0]
        if said.kind is not Kind.ATTRIBUTE or owner not in self.types:
            return None
        is_data = not (case.use.kind == "call" and case.use.leaf == said.name)
        if not is_data or len(members(said.owner)) > 1 or not case.scene.imports:
            return None
        return Verdict(
            "unproven", "AV103", f"`{case.use.name}` is a key, if that is a dictionary which answers its keys"
        )


class MadeOtherwise:
    """`sympy.Function("f")(t)`: the class has a `__new__` that makes something else than its object."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven, where the unit makes it itself."""
        callee, called, _ = case.use.name.partition("(...)")
        made = callee.rpartition(".")[2] if called else case.scene.uses.made.get(case.use.root, "")
        if said.kind not in {Kind.ATTRIBUTE, Kind.NOT_CALLABLE} or not made[:1].isupper():
            return None
        if not case.scene.classes.marked(made, MAKES_OTHERWISE):
            return None
        return Verdict("unproven", "AV103", f"`{case.use.name}`: what `{made}` makes shows when it runs")


class SetsAny:
    """`trace.posterior`: the class sets attributes of itself by names that it is given."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven, where it is data."""
        if said.kind is not Kind.ATTRIBUTE or (case.use.kind == "call" and case.use.leaf == said.name):
            return None
        if not case.scene.classes.marked(simple_name(said.owner), SETS_ANY, inherited=False):
            return None
        return Verdict(
            "unproven",
            "AV103",
            f"`{case.use.name}`: `{said.owner}` sets attributes by names that it is given",
        )


class OwnDataclass:
    """`FlatLambdaCDM(H0=70)`: a decorator of the package's own makes a dataclass of it, with another signature."""

    def __call__(self, case: Case, said: Diagnostic) -> Verdict | None:
        """Not proven."""
        classes = case.scene.classes
        if said.kind not in CALLS or not classes.marked(case.use.leaf, DECORATED, inherited=False):
            return None
        return Verdict("unproven", "AV101", f"What `{case.use.name}` takes is decided by a decorator")


AT_RUN_TIME: Sequence[Filter] = (
    Aliased(),
    OpenModule(),
    OwnClass(),
    Registered(),
    LooseMapping(),
    MadeOtherwise(),
    SetsAny(),
    OwnDataclass(),
)
