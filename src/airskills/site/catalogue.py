"""The page that lists every skill, and the filters above the list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from airskills.export.manifests import purpose
from airskills.site.evidence import VERDICTS, Evidence, Verdict
from airskills.site.render import render
from airskills.site.skill_pages import summary

NEEDS = {"cpu": "a CPU", "cuda": "CUDA", "key": "an API key", "network": "the network"}

Filter = tuple[str, str, list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A skill as a row of the catalogue."""

    name: str
    purpose: str
    category: str
    tags: tuple[str, ...]
    pins: dict[str, str]
    needs: tuple[str, ...]
    verdict: Verdict
    date: str
    ran: int
    total: int
    statements: int
    statements_proven: int

    @property
    def verdict_said(self) -> str:
        """The verdict in words."""
        return VERDICTS[self.verdict]

    @property
    def needs_said(self) -> str:
        """What parts of it need, in words."""
        return ", ".join(NEEDS[need] for need in self.needs)


def page(entries: Sequence[Entry]) -> str:
    """The catalogue."""
    return render("catalogue.md", entries=entries, filters=filters(entries))


def entry(evidence: Evidence) -> Entry:
    """The row of a skill."""
    skill, states = evidence.skill, summary(evidence)
    counts = evidence.proof.static.counts if evidence.proof.static else {}
    return Entry(
        name=skill.name,
        purpose=purpose(skill),
        category=skill.category,
        tags=skill.tags,
        pins=evidence.pins,
        needs=evidence.needs,
        verdict=evidence.verdict,
        date=evidence.date,
        ran=states["ran"],
        total=sum(states.values()),
        statements=int(counts.get("statements", 0)),
        statements_proven=int(counts.get("statements_proven", 0)),
    )


def filters(entries: Sequence[Entry]) -> list[Filter]:
    """(name, title, [(value, shown)]) of each filter; only values that some skill has."""
    return [
        ("category", "Category", _own({e.category for e in entries if e.category})),
        ("tool", "Tool", _own({name for e in entries for name in e.pins})),
        ("tag", "Tag", _own({tag for e in entries for tag in e.tags})),
        ("needs", "Needs", [(n, said) for n, said in NEEDS.items() if any(n in e.needs for e in entries)]),
        (
            "proof",
            "Proof",
            [(v, said) for v, said in VERDICTS.items() if any(v == e.verdict for e in entries)],
        ),
    ]


def _own(values: Iterable[str]) -> list[tuple[str, str]]:
    return [(value, value) for value in sorted(values)]
