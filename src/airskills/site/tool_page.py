"""The reference of the tools that agents call, over MCP and through the adapters, as they are told of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from airskills.library import Library
from airskills.site.render import render
from airskills.skill import Skill
from airskills.toolbox import Toolbox, instructions


def page(skills: Sequence[Skill]) -> str:
    """The page."""
    named = {skill.name: skill for skill in skills}
    tools = Toolbox(Library.open, lambda: named).definitions()
    return render(
        "tools.md",
        tools=[(tool.name, tool.description, list(_parameters(tool.parameters))) for tool in tools],
        instructions=instructions(list(named)) or "",
    )


def _parameters(schema: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(name, type, what it is) of each parameter."""
    for name, given in schema.get("properties", {}).items():
        kind = "one of the names" if "enum" in given else given.get("type", "any")
        needed = "" if name in schema.get("required", ()) else ", optional"
        yield name, f"{kind}{needed}", given.get("description", "")
