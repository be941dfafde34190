"""One difference between two releases that code of a user can hit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

# In the order in which reports list them. The first eight break code or change what it does.
KINDS = {
    "gone": "is gone",
    "renamed": "has another name",
    "moved": "is imported from elsewhere",
    "required": "must be given",
    "keyword-only": "is taken by keyword only",
    "positional-only": "is taken by position only",
    "reordered": "stands at another position",
    "default": "has another default",
    "became": "is another kind of thing",
    "deprecated": "is deprecated",
    "added": "is new",
}
BREAKING = frozenset(
    {"gone", "renamed", "moved", "required", "keyword-only", "positional-only", "reordered", "became"}
)
SILENT = frozenset({"default"})  # runs, and does something else


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one public thing.

    Attributes:
        kind: one of `KINDS`.
        what: `module`, `function`, `class`, `name`, `method`, `attribute`, `parameter` or `field`.
        path: the best path to import it from in the old release (in the new one, of what is new).
        parameter: name of the parameter or field; "" where the thing itself changed.
        old: what was: a default, a position, a kind of thing.
        new: what is: a default, a position, the new name or path.
        evidence: why a new name or place is believed, or what the library says.
        paths: other public paths that are hit in the same way.
        deep: whether only the module that defines the thing offers it, no package and no `__all__`.
        where: file and line of the definition that changed, below the root of its wheel.
        after: the last release without the change.
        since: the first release with it.
    """

    kind: str
    what: str
    path: str
    parameter: str = ""
    old: str = ""
    new: str = ""
    evidence: str = ""
    paths: tuple[str, ...] = ()
    deep: bool = False
    where: str = ""
    after: str = ""
    since: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same change between other releases: not the wording, not the release."""
        return self.kind, self.path, self.parameter, self.new if self.kind == "default" else ""

    @property
    def breaks(self) -> bool:
        """Whether code that was right fails, or silently does something else."""
        return self.kind in BREAKING or self.kind in SILENT

    def happened(self, after: str, since: str) -> Change:
        """The same change with the releases between which it happened."""
        return replace(self, after=after, since=since)

    def as_dict(self) -> dict[str, Any]:
        """All fields that say something, for JSON."""
        fields = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in fields if value}

    def __str__(self) -> str:
        return f"{self.subject} {self.predicate}"

    @property
    def subject(self) -> str:
        """`trl.GRPOConfig(max_prompt_length=)`, `trl.PPOTrainer`."""
        return f"{self.path}({self.parameter}=)" if self.parameter else self.path

    @property
    def predicate(self) -> str:
        """What became of it, with values."""
        said = {
            "gone": f"is gone{f': {self.evidence}' if self.evidence else ''}",
            "renamed": f"is {self.new} now ({self.evidence})",
            "moved": f"is {self.new} now ({self.evidence})",
            "required": "must be given" + (f"; the default was {self.old}" if self.old else "; it is new"),
            "keyword-only": "is taken by keyword only",
            "positional-only": "is taken by position only",
            "reordered": f"stands at position {self.new}, not {self.old}{f': {self.evidence}' if self.evidence else ''}",
            "default": f"has the default {self.new}, not {self.old}",
            "became": f"is a {self.new}, not a {self.old}",
            "deprecated": f"is deprecated{f': {self.evidence}' if self.evidence else ''}",
            "added": f"is new{f' (default {self.new})' if self.new else ''}",
        }
        return said[self.kind]
