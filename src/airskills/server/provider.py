"""What FastMCP asks for resources, tools and prompts: the catalogue of the moment, built once for each state of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import anyio
from fastmcp.exceptions import NotFoundError
from fastmcp.prompts.base import Prompt
from fastmcp.resources.base import Resource, ResourceContent, ResourceResult
from fastmcp.server.providers.base import Provider
from fastmcp.tools.base import Tool
from fastmcp.utilities.versions import VersionSpec
from mcp_types import Resource as WireResource
from pydantic import AnyUrl

from airskills.server.live import Live
from airskills.server.served import INDEX, Catalogue, Entry, File
from airskills.server.tools import Tools

MAX_LISTED = 2_000  # resources that are listed one by one; of more, only the SKILL.md of each skill


class _FileResource(Resource):
    """One file of a skill, read when a host reads it."""

    live: Any
    size: int

    async def read(self) -> ResourceResult:
        """The bytes as they are now; as text where they are UTF-8, which loses nothing."""
        content = await anyio.to_thread.run_sync(self.live.catalogue.read, str(self.uri))
        if content is None:
            raise NotFoundError(f"Nothing is served at {self.uri}")
        return ResourceResult([ResourceContent(_text(content), mime_type=self.mime_type)])

    def to_mcp_resource(self, **overrides: Any) -> WireResource:
        """With its size, which FastMCP leaves out."""
        return super().to_mcp_resource(**overrides).model_copy(update={"size": self.size})


class _IndexResource(Resource):
    """The index that hosts read before SEP-2640 was final."""

    live: Any

    async def read(self) -> ResourceResult:
        """The index as JSON."""
        index = await anyio.to_thread.run_sync(self.live.catalogue.index)
        return ResourceResult([ResourceContent(json.dumps(index), mime_type=self.mime_type)])


class SkillsProvider(Provider):
    """Everything but the methods of the extension."""

    def __init__(self, live: Live, tools: Tools) -> None:
        super().__init__()
        self._live = live
        self._tools = tools
        self._built: tuple[Catalogue, dict[str, Tool], list[Prompt], list[Resource]] | None = None

    async def _list_tools(self) -> Sequence[Tool]:
        return list((await self._components())[1].values())

    async def _get_tool(self, name: str, version: VersionSpec | None = None) -> Tool | None:
        return None if version else (await self._components())[1].get(name)

    async def _list_prompts(self) -> Sequence[Prompt]:
        return (await self._components())[2]

    async def _get_prompt(self, name: str, version: VersionSpec | None = None) -> Prompt | None:
        return None if version else self._tools.prompt(name)

    async def _list_resources(self) -> Sequence[Resource]:
        built = await self._components()
        if not built[3]:
            built[3].extend(await anyio.to_thread.run_sync(_resources, self._live))
        return built[3]

    async def _get_resource(self, uri: str, version: VersionSpec | None = None) -> Resource | None:
        if version:
            return None
        if uri == INDEX:
            return _index(self._live)
        found = await anyio.to_thread.run_sync(self._live.catalogue.locate, uri)
        return _resource(self._live, *found) if found else None

    async def _components(self) -> tuple[Catalogue, dict[str, Tool], list[Prompt], list[Resource]]:
        """Tools and prompts of this state; resources are added when they are first asked for."""
        catalogue = self._live.catalogue
        if self._built is None or self._built[0] is not catalogue:
            tools = {tool.name: tool for tool in self._tools.tools()}
            self._built = (catalogue, tools, self._tools.prompts(), [])
        return self._built


def _resources(live: Live) -> list[Resource]:
    entries = live.catalogue.served()
    every = sum(len(entry.files) for entry in entries) <= MAX_LISTED
    listed = [(entry, file) for entry in entries for file in (entry.files if every else entry.files[:1])]
    return [_index(live), *(_resource(live, entry, file) for entry, file in listed)]


def _resource(live: Live, entry: Entry, file: File) -> Resource:
    main = file.uri == entry.uri
    return _FileResource(
        uri=AnyUrl(file.uri),
        name=entry.skill.name if main else f"{entry.skill.name}/{file.path}",
        description=entry.skill.description if main else None,
        mime_type=file.mime_type,
        size=file.size,
        live=live,
    )


def _index(live: Live) -> Resource:
    return _IndexResource(
        uri=AnyUrl(INDEX),
        name="index.json",
        description="The skills of this server, for hosts that do not know skills/list.",
        mime_type="application/json",
        live=live,
    )


def _text(content: bytes) -> str | bytes:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content
