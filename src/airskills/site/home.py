"""The front page, with figures that are counted when it is written."""

from __future__ import annotations

from collections.abc import Sequence

from airskills.export.project import Project
from airskills.site.catalogue import Entry
from airskills.site.render import render

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


def page(project: Project, entries: Sequence[Entry], rules: int) -> str:
    """The front page."""
    return render(
        "home.md",
        project=project,
        skills=len(entries),
        proven=sum(entry.verdict == "proven" for entry in entries),
        ran=sum(entry.ran for entry in entries),
        units=sum(entry.total for entry in entries),
        statements=sum(entry.statements for entry in entries),
        statements_proven=sum(entry.statements_proven for entry in entries),
        rules=rules,
        cards=CARDS,
    )
