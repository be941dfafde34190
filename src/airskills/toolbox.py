"""The four tools by which an agent finds and reads skills, as plain functions: what a server and every framework wrap.

Everything is read-only. What goes wrong is an `AirskillsError`, whose text and help are meant for the agent.
"""

from __future__ import annotations

import json
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from airskills import access, scan
from airskills.catalog import Budget, render, wrap
from airskills.errors import AirskillsError
from airskills.library import Library
from airskills.skill import Skill

MAX_ENUM = 256  # names; more would fill a context before anything is asked
MAX_SESSIONS = 1_000
MAX_LIST = 20_000  # characters of `list_skills`, about 5,500 tokens
MAX_TEXT = 200_000  # characters of a file that a tool returns at once
MAX_HITS = 20
MAX_FILES = 512
FIND = "Find the skills that answer a request, best first; none when nothing fits."


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool says: text for the agent, and the same as data where there is more than one thing."""

    text: str
    data: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """A tool as a model is told of it: `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: dict[str, Any]


class Loaded:
    """Which skills each session has been given, so that none fills a context twice. Threads may share it."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, dict[str, str]] = OrderedDict()
        self._one_at_a_time = Lock()

    def __contains__(self, session: object) -> bool:
        return isinstance(session, str) and session in self._sessions

    def again(self, session: str, skill: Skill) -> bool:
        """Note that `session` gets `skill`; whether it had this very text before. The oldest session is forgotten."""
        with self._one_at_a_time:
            given = self._sessions.setdefault(session, {})
            self._sessions.move_to_end(session)
            if len(self._sessions) > MAX_SESSIONS:
                self._sessions.popitem(last=False)
            before, given[skill.name] = given.get(skill.name), skill.raw
        return before == skill.raw


class Toolbox:
    """The tools over a library.

    Args:
        library: gives the library of the moment.
        skills: gives its visible skills by name.
        place: what to call the folder of a skill that the agent cannot read itself; None means its real path.
        handles: whether calls may come that belong to no session, as over HTTP since MCP 2026-07-28. `load_skill` then answers with a
            handle, which the agent gives with its further calls.
    """

    def __init__(
        self,
        library: Callable[[], Library],
        skills: Callable[[], Mapping[str, Skill]],
        *,
        place: Callable[[str], str] | None = None,
        handles: bool = False,
    ) -> None:
        self._library = library
        self._skills = skills
        self._place = place
        self._handles = handles
        self._loaded = Loaded()

    def definitions(self) -> list[Definition]:
        """The four tools, or none where there is no skill."""
        names = list(self._skills())
        if not names:
            return []
        name = _name_schema(names)
        again = {"type": "boolean", "description": "Repeat instructions that this session was given before."}
        session = _text("What the first load_skill of this conversation gave as its session.")
        loading = {"name": name, "again": again, **({"session": session} if self._handles else {})}
        return [
            _definition(
                "search_skills",
                FIND,
                {"query": _text("The request in the user's own words, or keywords.")},
            ),
            _definition(
                "load_skill",
                "Read the instructions of one skill. Do this before you work on what its description names.",
                loading,
                optional=("again", "session"),
            ),
            _definition(
                "read_skill_file",
                "Read one file of a skill, such as a reference or a script that its instructions name.",
                {"name": name, "path": _text("Relative to the skill, such as references/memory.md.")},
            ),
            _definition("list_skills", "List every skill with its description.", {}),
        ]

    def call(self, tool: str, arguments: Mapping[str, Any], session: str | None = "") -> Answer:
        """Answer a call of an agent.

        Args:
            tool: name of the tool.
            arguments: what the agent gave; anything may be in it.
            session: tells conversations apart, in each of which a skill is given once; None where the caller cannot.

        Raises:
            AirskillsError: there is no such tool, skill or file, or an argument is missing.
        """
        if tool == "search_skills":
            return self._search(_argument(arguments, "query"))
        if tool == "load_skill":
            return self._load(_argument(arguments, "name"), session, arguments)
        if tool == "read_skill_file":
            return self._read(_argument(arguments, "name"), _argument(arguments, "path"))
        if tool == "list_skills":
            return self._list()
        raise AirskillsError(f"No tool is called {tool[:80]!r}", help="Call one of those that were listed")

    def wrapped(self, name: str) -> str:
        """A skill as an activation answers with it.

        Raises:
            UnknownSkillError: no visible skill has that name.
        """
        return self._wrap(self._library().load(name))

    def _search(self, query: str) -> Answer:
        hits = self._library().search(query, MAX_HITS)
        lines = [f"{hit.name} ({hit.score:.2f}): {hit.description}" for hit in hits]
        found = [
            {"name": hit.name, "score": hit.score, "description": hit.description, "why": hit.why}
            for hit in hits
        ]
        return Answer("\n".join(lines) or "No skill fits this request.", {"skills": found})

    def _load(self, name: str, session: str | None, arguments: Mapping[str, Any]) -> Answer:
        skill = self._library().load(name)
        given = arguments.get("session")
        begins = session is None and given not in self._loaded
        key = secrets.token_hex(4) if begins else str(given) if session is None else session
        if self._loaded.again(key, skill) and arguments.get("again") is not True:
            said = f"The skill {skill.name!r} was loaded before in this session and has not changed."
            return Answer(f"{said} Call load_skill with again=true to read it once more.")
        note = f'\n\nGive load_skill session="{key}" from now on, and no skill is repeated.' if begins else ""
        return Answer(self._wrap(skill) + note)

    def _read(self, name: str, path: str) -> Answer:
        access.safe_parts(path)
        content = self._library().read(name, path)
        try:
            text = content.decode()
        except UnicodeDecodeError:
            return Answer(f"{path} has {len(content):,} bytes that are no text.")
        if len(text) <= MAX_TEXT:
            return Answer(text)
        return Answer(f"{text[:MAX_TEXT]}\n[cut: {MAX_TEXT:,} of {len(text):,} characters]")

    def _list(self) -> Answer:
        shown = render(self._skills().values(), "json", Budget(MAX_LIST))
        listed = json.loads(shown.text)["skills"] if shown.text else []
        kept = [{"name": skill["name"], "description": skill["description"]} for skill in listed]
        lines = [f"{skill['name']}: {skill['description']}" for skill in kept]
        if shown.dropped:
            lines.append(f"{len(shown.dropped)} more are not listed; search_skills finds them all.")
        return Answer("\n".join(lines), {"skills": kept, "left_out": len(shown.dropped)})

    def _wrap(self, skill: Skill) -> str:
        files, cut = scan.files(skill.directory, limit=MAX_FILES)
        return wrap(skill, files, cut=cut, place=self._place(skill.name) if self._place else None)


def instructions(names: Sequence[str]) -> str | None:
    """What an agent is told of the tools; nothing where there is no skill."""
    if not names:
        return None
    named = ", ".join(names[:40])
    more = f" and {len(names) - 40} more" if len(names) > 40 else ""
    return (
        f"Skills hold tested instructions for particular tools and tasks: {named}{more}. Before you work on one of these, "
        "call load_skill with its name and follow it. When you are not sure which fits, call search_skills with the "
        "request in the user's words. read_skill_file reads what a skill points to."
    )


def _definition(
    name: str, description: str, properties: dict[str, Any], *, optional: Sequence[str] = ()
) -> Definition:
    schema = {
        "type": "object",
        "properties": properties,
        "required": [key for key in properties if key not in optional],
        "additionalProperties": False,
    }
    return Definition(name, description, schema)


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _name_schema(names: list[str]) -> dict[str, Any]:
    if len(names) > MAX_ENUM:
        return _text(f"One of {len(names):,} names; search_skills finds them.")
    return {**_text("The skill."), "enum": names}


def _argument(arguments: Mapping[str, Any], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str) or not value.strip():
        raise AirskillsError(
            f"The argument {name!r} must be a text, not {value!r:.80}", help=f"Give {name!r}"
        )
    return value
