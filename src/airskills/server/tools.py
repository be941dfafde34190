"""Tools and prompts of the server: the toolbox as FastMCP wants it, for hosts that know nothing of skills."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
from fastmcp.exceptions import PromptError, ToolError
from fastmcp.prompts.base import Prompt
from fastmcp.server.dependencies import get_context, get_http_headers
from fastmcp.tools.base import Tool, ToolResult
from mcp_types import ToolAnnotations

from airskills.errors import AirskillsError
from airskills.server.served import Catalogue
from airskills.skill import Skill
from airskills.toolbox import Toolbox

_READ_ONLY = ToolAnnotations(
    read_only_hint=True, idempotent_hint=True, destructive_hint=False, open_world_hint=False
)


class _SkillTool(Tool):
    """A tool of the toolbox."""

    act: Callable[[dict[str, Any]], Awaitable[ToolResult]]

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """Call it; an error of ours is an answer to the agent."""
        try:
            return await self.act(arguments)
        except AirskillsError as error:
            raise ToolError(f"{error}\nhelp: {error.help}" if error.help else str(error)) from error


class _SkillPrompt(Prompt):
    """A prompt that puts one skill into the conversation."""

    act: Callable[[], Awaitable[str]]

    async def render(self, arguments: dict[str, Any] | None = None) -> str:  # noqa: ARG002 - it takes none
        """The skill as `load_skill` gives it."""
        try:
            return await self.act()
        except AirskillsError as error:
            raise PromptError(str(error)) from error


class Tools:
    """The tools and prompts over the catalogue of the moment.

    Args:
        catalogue: gives it.
        local: whether the agent can read the files itself; then it is told where they lie.
    """

    def __init__(self, catalogue: Callable[[], Catalogue], *, local: bool) -> None:
        self._catalogue = catalogue
        place = None if local else (lambda name: f"skill://{name} (read its files with read_skill_file)")
        self._box = Toolbox(
            lambda: catalogue().library, lambda: catalogue().skills, place=place, handles=not local
        )

    def tools(self) -> list[Tool]:
        """Four tools, or none where there is no skill."""
        return [
            _SkillTool(
                name=one.name,
                description=one.description,
                parameters=one.parameters,
                annotations=_READ_ONLY,
                act=partial(self._act, one.name),
            )
            for one in self._box.definitions()
        ]

    def prompts(self) -> list[Prompt]:
        """One prompt for each skill."""
        return [self._prompt(skill) for skill in self._catalogue().skills.values()]

    def prompt(self, name: str) -> Prompt | None:
        """The prompt of one skill."""
        skill = self._catalogue().skills.get(name)
        return self._prompt(skill) if skill else None

    def _prompt(self, skill: Skill) -> Prompt:
        act = partial(anyio.to_thread.run_sync, self._box.wrapped, skill.name)
        return _SkillPrompt(name=skill.name, description=skill.description, act=act)

    async def _act(self, tool: str, arguments: dict[str, Any]) -> ToolResult:
        answer = await anyio.to_thread.run_sync(self._box.call, tool, arguments, _session())
        return ToolResult(answer.text, answer.data)


def _session() -> str | None:
    """One process serves one session on stdio; over HTTP only the older revisions have them, for others there are handles."""
    if get_context().transport == "stdio":
        return "stdio"
    return get_http_headers(include={"mcp-session-id"}).get("mcp-session-id")
