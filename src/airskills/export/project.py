"""A repository of skills as its manifests describe it: `pyproject.toml` and the folders below `skills/`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airskills.catalog import clients, one_line
from airskills.errors import AirskillsError
from airskills.library import Library
from airskills.skill import Skill

MAX_BUNDLE = 15  # skills; more in one plugin crowd out each other's descriptions


@dataclass(frozen=True)
class Project:
    """What manifests say of a repository.

    Attributes:
        root: its folder.
        name: of the project.
        version: its version.
        description: one sentence.
        license: SPDX identifier, or "".
        author: name of the first author.
        keywords: its keywords.
        url: its home page, or "".
        skills: its skills, sorted by name.
    """

    root: Path
    name: str
    version: str
    description: str
    license: str
    author: str
    keywords: tuple[str, ...]
    url: str
    skills: tuple[Skill, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """Skills of one category that are offered as one plugin."""

    name: str
    category: str
    skills: tuple[Skill, ...]


def read(root: Path) -> Project:
    """Read the repository at `root`.

    Raises:
        AirskillsError: it has no `pyproject.toml` with a `[project]` table, no skills, or one that cannot be loaded.
    """
    table = _project_table(root)
    library = Library.open(root / "skills")
    broken = [finding for finding in library.findings if finding.severity == "error"]
    if broken:
        raise AirskillsError(f"A skill is broken: {broken[0]}", help="Run `airskills check skills`")
    if not len(library):
        raise AirskillsError(f"{root / 'skills'} holds no skill", help="Make one with `airskills new`")
    authors = table.get("authors") or [{}]
    return Project(
        root=root,
        name=str(table["name"]),
        version=str(table.get("version", "0")),
        description=one_line(str(table.get("description", ""))),
        license=str(table.get("license", "")),
        author=str(authors[0].get("name", table["name"])),
        keywords=tuple(map(str, table.get("keywords", ()))),
        url=str(table.get("urls", {}).get("Homepage", "")),
        skills=tuple(library),
    )


def bundles(skills: Sequence[Skill]) -> list[Bundle]:
    """The skills by category, each bundle small enough for the listing of every client."""
    found: list[Bundle] = []
    for category in sorted({skill.category for skill in skills}):
        parts = list(_parts([skill for skill in skills if skill.category == category]))
        for number, part in enumerate(parts, 1):
            name = category or "other"
            found.append(Bundle(f"{name}-{number}" if len(parts) > 1 else name, category, part))
    return found


def fits(skills: Sequence[Skill]) -> bool:
    """Whether every client whose limit is known lists all of these with their whole descriptions."""
    return all(
        sum(len(s.name) + len(s.description) + known["overhead_characters"] for s in skills)
        <= known["listing_characters"]
        for known in clients().values()
        if known["listing_characters"]
    )


def _parts(skills: list[Skill]) -> Iterator[tuple[Skill, ...]]:
    part: list[Skill] = []
    for skill in skills:
        if part and (len(part) == MAX_BUNDLE or not fits([*part, skill])):
            yield tuple(part)
            part = []
        part.append(skill)
    yield tuple(part)


def _project_table(root: Path) -> dict[str, Any]:
    path = root / "pyproject.toml"
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise AirskillsError(
            f"{path} has no [project] that can be read: {error}", help="Write name, version, description"
        ) from error
    return table
