"""The skills as tools of programs: each framework really calls them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from langchain_core.messages import ToolMessage
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from airskills.adapters import Skills

MakeSkill = Callable[..., Path]
NAMES = ["search_skills", "load_skill", "read_skill_file", "list_skills"]


@pytest.fixture
def skills(tmp_path: Path, make_skill: MakeSkill) -> Skills:
    make_skill(tmp_path, "alpha", body="# Alpha\n\nDo it.\n")
    (tmp_path / "alpha" / "more.md").write_text("more\n", encoding="utf-8")
    make_skill(tmp_path, "beta", description="Reads ledgers. Use when a ledger is torn.")
    return Skills.open(tmp_path)


def test_definitions_are_those_of_each_api_and_their_schemas_are_valid(skills: Skills) -> None:
    openai, anthropic = skills.openai(), skills.anthropic()

    assert [tool["function"]["name"] for tool in openai] == NAMES
    assert [tool["name"] for tool in anthropic] == NAMES
    assert openai[1]["function"]["parameters"]["properties"]["name"]["enum"] == ["alpha", "beta"]
    for one, other in zip(openai, anthropic, strict=True):
        assert one["function"]["parameters"] == other["input_schema"]
        Draft202012Validator.check_schema(other["input_schema"])


@pytest.mark.parametrize(
    ("tool", "arguments", "start"),
    [
        ("load_skill", {"name": "alpha"}, '<skill_content name="alpha">\n# Alpha'),
        ("read_skill_file", {"name": "alpha", "path": "more.md"}, "more\n"),
        ("search_skills", {"query": "my ledger is torn"}, "beta ("),
        ("list_skills", {}, "alpha: A tool for tests."),
        ("load_skill", {"name": "alhpa"}, "Error: No skill is called 'alhpa'"),
        ("read_skill_file", {"name": "alpha", "path": "../x"}, "Error: Refused to read '../x'"),
        ("load_skill", {}, "Error: The argument 'name' must be a text, not None"),
        ("delete_skill", {}, "Error: No tool is called 'delete_skill'"),
    ],
)
def test_a_call_is_answered_with_text_whatever_a_model_sends(
    skills: Skills, tool: str, arguments: dict[str, Any], start: str
) -> None:
    assert skills.call(tool, arguments).startswith(start)


def test_a_skill_is_given_once_in_a_conversation_and_again_where_asked(
    skills: Skills, tmp_path: Path
) -> None:
    first, second = (skills.call("load_skill", {"name": "alpha"}) for _ in range(2))

    assert "was loaded before" in second
    assert skills.call("load_skill", {"name": "alpha", "again": True}) == first
    assert Skills.open(tmp_path).call("load_skill", {"name": "alpha"}) == first
    with (tmp_path / "alpha" / "SKILL.md").open("a", encoding="utf-8") as stream:
        stream.write("Changed.\n")
    assert "Changed." in skills.call("load_skill", {"name": "alpha"})


def test_pydantic_ai_calls_the_tools(skills: Skills) -> None:
    seen: list[str] = []

    def model(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        seen.extend(tool.name for tool in info.function_tools)
        results = [part for part in messages[-1].parts if isinstance(part, ToolReturnPart)]
        if results:
            return ModelResponse(parts=[TextPart(str(results[0].content))])
        return ModelResponse(parts=[ToolCallPart("load_skill", {"name": "alpha"})])

    agent = Agent(FunctionModel(model), toolsets=[skills.pydantic_ai()])

    assert agent.run_sync("Help with alpha").output.startswith('<skill_content name="alpha">')
    assert set(NAMES) <= set(seen)


def test_langchain_calls_the_tools(skills: Skills) -> None:
    tools = {tool.name: tool for tool in skills.langchain()}
    call = {"name": "load_skill", "args": {"name": "alpha"}, "id": "1", "type": "tool_call"}
    answer = tools["load_skill"].invoke(call)

    assert list(tools) == NAMES
    assert isinstance(answer, ToolMessage)
    assert str(answer.content).startswith('<skill_content name="alpha">')
    assert tools["list_skills"].invoke({}).startswith("alpha: ")


def test_anything_else_gets_the_catalogue_as_a_prompt(skills: Skills, tmp_path: Path) -> None:
    assert "<name>beta</name>" in skills.to_prompt()
    assert "alpha, beta" in skills.instructions
    empty = tmp_path / "empty"
    empty.mkdir()
    assert Skills.open(empty).openai() == []
    assert Skills.open(empty).to_prompt() == Skills.open(empty).instructions == ""
