"""An agent of Google's Agent Development Kit that a script plays: what its tools answered, as JSON.

Run by `test_adapters.py` in an environment that has the kit: `python adk_agent.py FOLDER_OF_SKILLS`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.models import BaseLlm, LlmRequest, LlmResponse
from google.adk.runners import InMemoryRunner
from google.adk.tools.skill_toolset import SkillToolset
from google.genai import types

from airskills.adapters import Skills

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("search_skills", {"query": "my ledger is torn"}),
    ("load_skill", {"skill_name": "beta"}),
    ("load_skill_resource", {"skill_name": "beta", "file_path": "references/more.md"}),
    ("load_skill_resource", {"skill_name": "beta", "file_path": "scripts/run.py"}),
    ("load_skill_resource", {"skill_name": "beta", "file_path": "assets/one.txt"}),
    ("load_skill_resource", {"skill_name": "beta", "file_path": "assets/examples/one.py"}),
    ("load_skill", {"skill_name": "gone"}),
    ("search_skills", {"query": "quantum chromodynamics on a lattice"}),
]


class Script(BaseLlm):  # type: ignore[misc]  # the kit is not installed where types are checked
    """A model that makes the calls one by one, whatever it is told."""

    async def generate_content_async(
        self,
        llm_request: LlmRequest,
        stream: bool = False,  # noqa: ARG002, FBT001, FBT002 - as the kit calls it
    ) -> AsyncGenerator[LlmResponse, None]:
        done = sum(bool(part.function_response) for content in llm_request.contents for part in content.parts)
        if done < len(CALLS):
            name, arguments = CALLS[done]
            part = types.Part.from_function_call(name=name, args=arguments)
        else:
            part = types.Part.from_text(text="done")
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


async def main(folder: str) -> list[Any]:
    """What each call was answered with."""
    toolset = SkillToolset(registry=Skills.open(folder).google_adk())
    runner = InMemoryRunner(LlmAgent(name="agent", model=Script(model="script"), tools=[toolset]))
    return [
        response.response
        for event in await runner.run_debug("Mend my ledger.", quiet=True)
        for response in event.get_function_responses()
    ]


if __name__ == "__main__":
    json.dump(asyncio.run(main(sys.argv[1])), sys.stdout)
