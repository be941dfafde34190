"""The skills as a `SkillRegistry` of Google's Agent Development Kit, which is imported with this module and by nobody else."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from google.adk.skills import Frontmatter, Resources, Script, SkillRegistry
from google.adk.skills import Skill as AdkSkill

from airskills.errors import AirskillsError
from airskills.library import Library
from airskills.skill import FILE_NAME, Skill
from airskills.toolbox import FIND, MAX_HITS

MAX_BYTES = 16 * 1024 * 1024  # of all files of a skill, which this kit holds in memory
_FOLDERS = ("references/", "assets/", "scripts/")  # where its tool for files looks


class Registry(SkillRegistry):  # type: ignore[misc]  # the kit is not installed where types are checked
    """What `SkillToolset(registry=...)` asks: it finds and loads, and the toolset of the kit does the rest."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def get_skill(self, *, name: str) -> AdkSkill:
        """A skill with all of its files, as it is on disk now.

        Raises:
            UnknownSkillError: no visible skill has that name.
            AirskillsError: its files are more than 16 MiB.
            ValueError: the kit does not accept its frontmatter.
        """
        return await asyncio.to_thread(self._load, name)

    async def search_skills(self, *, query: str) -> list[Frontmatter]:
        """Name and description of each skill that answers the request, best first; none when nothing fits."""
        hits = await asyncio.to_thread(self._library.search, query, MAX_HITS)
        found = []
        for hit in hits:
            with suppress(ValueError):  # a description too long for the kit, which would lose all the others
                found.append(Frontmatter(name=hit.name, description=hit.description))
        return found

    def search_tool_description(self) -> str:
        """What the model is told of the search."""
        return FIND

    def _load(self, name: str) -> AdkSkill:
        skill = self._library.load(name)
        files = self._files(skill)
        elsewhere = [path for path in files if not path.startswith(_FOLDERS)]
        resources = Resources(
            references=_below("references/", files),
            assets={path: files[path] for path in elsewhere} | _below("assets/", files),
            scripts={
                path: Script(src=text)
                for path, text in _below("scripts/", files).items()
                if isinstance(text, str)
            },
        )
        return AdkSkill(
            frontmatter=Frontmatter.model_validate(dict(skill.fields)),
            instructions=skill.body + _note(elsewhere),
            resources=resources,
        )

    def _files(self, skill: Skill) -> dict[str, str | bytes]:
        found: dict[str, str | bytes] = {}
        total = 0
        for path in self._library.files(skill.name):
            if path == FILE_NAME:
                continue
            data = self._library.read(skill.name, path)
            total += len(data)
            if total > MAX_BYTES:
                raise AirskillsError(
                    f"The files of {skill.name!r} are more than {MAX_BYTES:,} bytes", help="Make it smaller"
                )
            found[path] = _text(data)
        return found


def _below(folder: str, files: dict[str, str | bytes]) -> dict[str, Any]:
    return {path.removeprefix(folder): data for path, data in files.items() if path.startswith(folder)}


def _note(elsewhere: list[str]) -> str:
    """Where the kit, which knows three folders, has the files of others."""
    if not elsewhere:
        return ""
    return f"\n\nThese files are read with `assets/` before their path: {', '.join(elsewhere)}.\n"


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data
