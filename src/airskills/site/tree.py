"""All pages of the site together, and their way onto the disk: only what changed is written, what is no page any more goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from airskills.export import write as files
from airskills.export.project import Project
from airskills.site import (
    api_pages,
    by_hand,
    catalogue,
    command_pages,
    coverage,
    home,
    navigation,
    result_pages,
    rule_pages,
    skill_pages,
    tool_page,
)
from airskills.site.evidence import Evidence, gather

SKILLS, RULES, COMMANDS, API = "skills", "reference/rules", "reference/commands", "reference/python"


def build(project: Project, commands: click.Group) -> dict[str, bytes]:
    """Every file of the tree by its path.

    Args:
        project: the repository.
        commands: the command line, whose reference is made from it.
    """
    gathered = [gather(skill) for skill in project.skills]
    pages = by_hand.pages(project.root) | _generated(project, gathered, commands)
    pages[navigation.FILE] = navigation.summary(pages, gathered)
    texts = {path: text.encode() for path, text in pages.items()}
    return {**by_hand.assets(project.root), **_files(gathered), **texts}


def write(tree: Mapping[str, bytes], out: Path) -> tuple[list[str], list[str]]:
    """Bring `out` to the state of `tree`: (written, removed). The folder belongs to the tree alone."""
    gone = [
        path
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.relative_to(out).as_posix() not in tree
    ]
    for path in gone:
        path.unlink()
    return files.write(tree, out), [path.relative_to(out).as_posix() for path in gone]


def _generated(project: Project, gathered: Sequence[Evidence], commands: click.Group) -> dict[str, str]:
    pages = {"index.md": home.page(project, gathered, sum(map(len, rule_pages.listed().values())))}
    pages[f"{SKILLS}/index.md"] = catalogue.page(gathered)
    for evidence in gathered:
        related = skill_pages.related_to(evidence.skill, project.skills)
        pages |= _below(f"{SKILLS}/{evidence.skill.name}", skill_pages.pages(evidence, related))
    pages |= _below(RULES, rule_pages.pages())
    pages |= _below(COMMANDS, command_pages.pages(commands, project.name))
    pages["reference/mcp.md"] = tool_page.page(project.skills)
    pages |= result_pages.pages(project.root)
    roadmap = project.root / "ROADMAP.md"
    if roadmap.is_file():
        names = [skill.name for skill in project.skills]
        pages["project/coverage.md"] = coverage.page(roadmap.read_text(encoding="utf-8"), names)
    return pages | _below(API, api_pages.pages())


def _files(gathered: Sequence[Evidence]) -> dict[str, bytes]:
    """Files of skills that no page shows."""
    return {
        f"{SKILLS}/{evidence.skill.name}/{path}": content
        for evidence in gathered
        for path, content in skill_pages.files(evidence).items()
    }


def _below(folder: str, pages: Mapping[str, str]) -> dict[str, str]:
    return {f"{folder}/{path}": text for path, text in pages.items()}
