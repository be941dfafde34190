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
    shelf,
    tool_page,
)
from airskills.site.catalogue import Entry

SKILLS, RULES, COMMANDS, API = "skills", "reference/rules", "reference/commands", "reference/python"


def build(project: Project, commands: click.Group, kept: Path) -> dict[str, bytes]:
    """Every file of the tree by its path.

    Args:
        project: the repository.
        commands: the command line, whose reference is made from it.
        kept: folder for what is made of each skill, from which a later run takes it.
    """
    skills = shelf.made(project.skills, kept)
    entries = [made.entry for made in skills]
    pages = by_hand.pages(project.root) | _generated(project, entries, commands)
    for made in skills:
        pages |= _below(f"{SKILLS}/{made.entry.name}", made.pages)
    pages[navigation.FILE] = navigation.summary(pages, entries)
    texts = {path: text.encode() for path, text in pages.items()}
    others = {
        f"{SKILLS}/{made.entry.name}/{path}": data for made in skills for path, data in made.files.items()
    }
    return {**by_hand.assets(project.root), **others, **texts}


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


def _generated(project: Project, entries: Sequence[Entry], commands: click.Group) -> dict[str, str]:
    pages = {"index.md": home.page(project, entries, sum(map(len, rule_pages.listed().values())))}
    pages[f"{SKILLS}/index.md"] = catalogue.page(entries)
    pages |= _below(RULES, rule_pages.pages())
    pages |= _below(COMMANDS, command_pages.pages(commands, project.name))
    pages["reference/mcp.md"] = tool_page.page(project.skills)
    pages |= result_pages.pages(project.root)
    roadmap = project.root / "ROADMAP.md"
    if roadmap.is_file():
        names = [skill.name for skill in project.skills]
        pages["project/coverage.md"] = coverage.page(roadmap.read_text(encoding="utf-8"), names)
    return pages | _below(API, api_pages.pages())


def _below(folder: str, pages: Mapping[str, str]) -> dict[str, str]:
    return {f"{folder}/{path}": text for path, text in pages.items()}
