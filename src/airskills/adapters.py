"""The tools of the skills for agents that a program builds itself: definitions for model APIs, and what three frameworks take.

    skills = Skills.open()
    tools = skills.anthropic()                      # or .openai(), .pydantic_ai(), .langchain(), .google_adk()
    answer = skills.call("load_skill", {"name": "peft"})

One object is one conversation: a skill is given once. A framework is imported when its method is called.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from airskills.errors import AirskillsError
from airskills.library import Library
from airskills.toolbox import Toolbox, instructions

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool
    from pydantic_ai.toolsets import FunctionToolset

    from airskills.adk import Registry


class Skills:
    """The visible skills of a library as tools."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._skills = {skill.name: skill for skill in library}
        self._box = Toolbox(lambda: self._library, lambda: self._skills)

    @classmethod
    def open(cls, *paths: str | os.PathLike[str], trust: bool | None = None) -> Skills:
        """The skills that `Library.open` shows.

        Raises:
            FileNotFoundError: one of `paths` is no folder.
        """
        return cls(Library.open(*paths, trust=trust))

    @property
    def instructions(self) -> str:
        """What to put into the system prompt beside the tools; "" where there is no skill."""
        return instructions(list(self._skills)) or ""

    def call(self, tool: str, arguments: dict[str, Any]) -> str:
        """Answer a tool call of a model; what went wrong is an answer too, for the model can mend it."""
        try:
            return self._box.call(tool, arguments).text
        except AirskillsError as error:
            return f"Error: {error}" + (f"\nhelp: {error.help}" if error.help else "")

    def openai(self) -> list[dict[str, Any]]:
        """Entries of `tools` for OpenAI's chat completions and whatever speaks its language."""
        return [
            {
                "type": "function",
                "function": {"name": one.name, "description": one.description, "parameters": one.parameters},
            }
            for one in self._box.definitions()
        ]

    def anthropic(self) -> list[dict[str, Any]]:
        """Entries of `tools` for Anthropic's messages."""
        return [
            {"name": one.name, "description": one.description, "input_schema": one.parameters}
            for one in self._box.definitions()
        ]

    def pydantic_ai(self) -> FunctionToolset[Any]:
        """A toolset for `pydantic_ai.Agent(toolsets=[...])`."""
        from pydantic_ai import Tool
        from pydantic_ai.toolsets import FunctionToolset

        tools = [
            Tool[Any].from_schema(
                partial(self._call_named, one.name), one.name, one.description, one.parameters
            )
            for one in self._box.definitions()
        ]
        return FunctionToolset(tools)

    def langchain(self) -> list[BaseTool]:
        """Tools for LangChain and LangGraph agents."""
        from langchain_core.tools import StructuredTool

        return [
            StructuredTool(
                name=one.name,
                description=one.description,
                args_schema=one.parameters,
                func=partial(self._call_named, one.name),
            )
            for one in self._box.definitions()
        ]

    def google_adk(self) -> Registry:
        """A registry for `SkillToolset(registry=...)` of Google's Agent Development Kit, which brings its own tools."""
        from airskills.adk import Registry

        return Registry(self._library)

    def to_prompt(self) -> str:
        """The catalogue for a system prompt of an agent without tools that can read files."""
        from airskills.catalog import render

        return render(self._skills.values()).text

    def _call_named(self, tool: str, /, **arguments: Any) -> str:
        """As frameworks call it: with the arguments by name."""
        return self.call(tool, arguments)
