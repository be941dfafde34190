"""Tools and prompts: the face for hosts that know nothing of skills.

An agent searches, loads a skill by its name, and reads one of its files at a time. Everything is read-only.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio
from fastmcp.exceptions import PromptError, ToolError
from fastmcp.prompts.base import Prompt
from fastmcp.server.dependencies import get_context, get_http_headers
from fastmcp.tools.base import Tool, ToolResult
from mcp_types import ToolAnnotations

from airskills import access, scan
from airskills.catalog import Budget, render, wrap
from airskills.errors import AirskillsError
from airskills.server.served import MAX_FILES, Catalogue
from airskills.skill import Skill

MAX_ENUM = 256  # names; more would fill a context before anything is asked
MAX_SESSIONS = 1_000
MAX_LIST = 20_000  # characters of `list_skills`, about 5,500 tokens
MAX_TEXT = 200_000  # characters of a file that a tool returns at once
MAX_HITS = 20
_READ_ONLY = ToolAnnotations(
    read_only_hint=True, idempotent_hint=True, destructive_hint=False, open_world_hint=False
)
Run = Callable[[dict[str, Any]], Awaitable[ToolResult]]


class _SkillTool(Tool):
    """A tool that is one function of its arguments."""

    act: Run

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


class Loaded:
    """Which skills each session has been given, so that none fills a context twice."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, dict[str, str]] = OrderedDict()

    def again(self, session: str | None, skill: Skill) -> bool:
        """Note that `session` gets `skill`; whether it had this very text before. Without a session, nothing is noted."""
        if session is None:
            return False
        given = self._sessions.setdefault(session, {})
        self._sessions.move_to_end(session)
        while len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        before, given[skill.name] = given.get(skill.name), skill.raw
        return before == skill.raw


class Tools:
    """The tools and prompts over the catalogue of the moment.

    Args:
        catalogue: gives it.
        local: whether the agent can read the files itself; then it is told where they lie.
    """

    def __init__(self, catalogue: Callable[[], Catalogue], *, local: bool) -> None:
        self._catalogue = catalogue
        self._local = local
        self._loaded = Loaded()

    def tools(self) -> list[Tool]:
        """Four tools, or none where there is no skill."""
        skills = self._catalogue().skills
        if not skills:
            return []
        name = _name_schema(list(skills))
        return [
            _tool(
                "search_skills",
                "Find the skills that answer a request, best first; none when nothing fits.",
                {"query": _text("The request in the user's own words, or keywords.")},
                self._search,
            ),
            _tool(
                "load_skill",
                "Read the instructions of one skill. Do this before you work on what its description names.",
                {
                    "name": name,
                    "again": {
                        "type": "boolean",
                        "description": "Repeat instructions that this session was given before.",
                    },
                },
                self._load,
                optional=("again",),
            ),
            _tool(
                "read_skill_file",
                "Read one file of a skill, such as a reference or a script that its instructions name.",
                {"name": name, "path": _text("Relative to the skill, such as references/memory.md.")},
                self._read,
            ),
            _tool("list_skills", "List every skill with its description.", {}, self._list),
        ]

    def prompts(self) -> list[Prompt]:
        """One prompt for each skill."""
        return [self._prompt(skill) for skill in self._catalogue().skills.values()]

    def prompt(self, name: str) -> Prompt | None:
        """The prompt of one skill."""
        skill = self._catalogue().skills.get(name)
        return self._prompt(skill) if skill else None

    def _prompt(self, skill: Skill) -> Prompt:
        async def act() -> str:
            return self._wrapped(await _in_thread(self._catalogue().library.load, skill.name))

        return _SkillPrompt(name=skill.name, description=skill.description, act=act)

    async def _search(self, arguments: dict[str, Any]) -> ToolResult:
        query = _argument(arguments, "query")
        hits = await _in_thread(lambda: self._catalogue().library.search(query, MAX_HITS))
        found = [{"name": h.name, "score": h.score, "description": h.description, "why": h.why} for h in hits]
        lines = [f"{h.name} ({h.score:.2f}): {h.description}" for h in hits]
        return ToolResult("\n".join(lines) or "No skill fits this request.", {"skills": found})

    async def _load(self, arguments: dict[str, Any]) -> ToolResult:
        skill = await _in_thread(self._catalogue().library.load, _argument(arguments, "name"))
        if self._loaded.again(_session(), skill) and arguments.get("again") is not True:
            said = f"The skill {skill.name!r} was loaded before in this session and has not changed."
            return ToolResult(f"{said} Call load_skill with again=true to read it once more.")
        return ToolResult(await _in_thread(self._wrapped, skill))

    async def _read(self, arguments: dict[str, Any]) -> ToolResult:
        name, path = _argument(arguments, "name"), _argument(arguments, "path")
        access.safe_parts(path)
        content = await _in_thread(self._catalogue().library.read, name, path)
        try:
            text = content.decode()
        except UnicodeDecodeError:
            return ToolResult(f"{path} has {len(content):,} bytes that are no text.")
        if len(text) <= MAX_TEXT:
            return ToolResult(text)
        return ToolResult(f"{text[:MAX_TEXT]}\n[cut: {MAX_TEXT:,} of {len(text):,} characters]")

    async def _list(self, _arguments: dict[str, Any]) -> ToolResult:
        skills = list(self._catalogue().skills.values())
        shown = await _in_thread(lambda: render(skills, "json", Budget(MAX_LIST)))
        kept = [
            {"name": s["name"], "description": s["description"]} for s in json.loads(shown.text)["skills"]
        ]
        lines = [f"{s['name']}: {s['description']}" for s in kept]
        if shown.dropped:
            lines.append(f"{len(shown.dropped)} more are not listed; search_skills finds them all.")
        return ToolResult("\n".join(lines), {"skills": kept, "left_out": len(shown.dropped)})

    def _wrapped(self, skill: Skill) -> str:
        files, cut = scan.files(skill.directory, limit=MAX_FILES)
        place = None if self._local else f"skill://{skill.name} (read its files with read_skill_file)"
        return wrap(skill, files, cut=cut, place=place)


def instructions(skills: Sequence[str]) -> str | None:
    """What the server tells every agent; nothing where there is no skill."""
    if not skills:
        return None
    named = ", ".join(skills[:40])
    more = f" and {len(skills) - 40} more" if len(skills) > 40 else ""
    return (
        f"Skills hold tested instructions for particular tools and tasks: {named}{more}. Before you work on one of these, "
        "call load_skill with its name and follow it. When you are not sure which fits, call search_skills with the "
        "request in the user's words. read_skill_file reads what a skill points to."
    )


def _tool(
    name: str, description: str, properties: dict[str, Any], act: Run, *, optional: Sequence[str] = ()
) -> Tool:
    schema = {
        "type": "object",
        "properties": properties,
        "required": [key for key in properties if key not in optional],
        "additionalProperties": False,
    }
    return _SkillTool(name=name, description=description, parameters=schema, annotations=_READ_ONLY, act=act)


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _name_schema(names: list[str]) -> dict[str, Any]:
    if len(names) > MAX_ENUM:
        return _text(f"One of {len(names):,} names; search_skills finds them.")
    return {**_text("The skill."), "enum": names}


def _argument(arguments: dict[str, Any], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str) or not value.strip():
        raise AirskillsError(
            f"The argument {name!r} must be a text, not {value!r:.80}", help=f"Give {name!r}"
        )
    return value


def _session() -> str | None:
    """What tells sessions apart: one process serves one session on stdio; over HTTP only the older revisions have them."""
    if get_context().transport == "stdio":
        return "stdio"
    return get_http_headers(include={"mcp-session-id"}).get("mcp-session-id")


async def _in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    return await anyio.to_thread.run_sync(function, *arguments)
