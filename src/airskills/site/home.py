"""The front page, with figures that are counted when it is written."""

from __future__ import annotations

from collections.abc import Sequence

from airskills.export.project import Project
from airskills.site.evidence import Evidence
from airskills.site.render import render
from airskills.site.skill_pages import summary

CARDS = (
    ("Skills", "skills/", "The catalogue, with filters by tool, task, need and proof"),
    ("Write a skill", "guides/write-a-skill/", "From an empty folder to a proof that others can repeat"),
    (
        "What proof means",
        "explanation/what-each-level-proves/",
        "Seven levels, what each leaves open, and what validators miss",
    ),
    (
        "Serve your agent",
        "guides/serve-your-agent/",
        "The same skills over MCP, as files, or as tools of a framework",
    ),
    (
        "Reward kernels",
        "tutorials/plug-a-reward-into-trl/",
        "Fast, checkable rewards for TRL in five minutes",
    ),
    (
        "Grokking",
        "experiments/see-grokking-in-one-minute/",
        "Experiments with claims that can be refuted, on a laptop",
    ),
)


def page(project: Project, gathered: Sequence[Evidence], rules: int) -> str:
    """The front page."""
    states = [summary(evidence) for evidence in gathered]
    static = [evidence.proof.static.counts for evidence in gathered if evidence.proof.static]
    return render(
        "home.md",
        project=project,
        skills=len(gathered),
        proven=sum(evidence.verdict == "proven" for evidence in gathered),
        ran=sum(state["ran"] for state in states),
        units=sum(sum(state.values()) for state in states),
        statements=sum(counts.get("statements", 0) for counts in static),
        statements_proven=sum(counts.get("statements_proven", 0) for counts in static),
        rules=rules,
        cards=CARDS,
    )
