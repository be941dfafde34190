"""The skills as tools of programs: each framework really calls them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from anthropic.types import ToolParam
from jsonschema import Draft202012Validator
from langchain_core.messages import ToolMessage
from openai.types.chat import ChatCompletionFunctionToolParam
from pydantic import TypeAdapter
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from airskills.adapters import Skills
from web import answering

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


CALLS = {
    "/v1/chat/completions": {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "message": {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "1",
                            "type": "function",
                            "function": {"name": "load_skill", "arguments": '{"name": "alpha"}'},
                        }
                    ],
                },
            }
        ],
    },
    "/v1/messages": {
        "id": "1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "tool_use", "id": "1", "name": "load_skill", "input": {"name": "alpha"}}],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
}


@pytest.fixture
def api() -> Iterator[tuple[str, list[Any]]]:
    """(Address of a model's API whose every answer is a call of `load_skill`, what it was sent)."""
    with answering(CALLS) as (address, sent):
        yield address, sent


def test_the_client_of_openai_sends_the_tools_and_its_call_is_answered(
    skills: Skills, api: tuple[str, list[Any]]
) -> None:
    address, sent = api
    tools = TypeAdapter(list[ChatCompletionFunctionToolParam]).validate_python(skills.openai())
    with openai.OpenAI(api_key="k", base_url=f"{address}/v1", max_retries=0) as client:
        answer = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Help with alpha"}], tools=tools
        )
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.type == "function"

    assert sent[0]["tools"] == skills.openai()
    assert skills.call(call.function.name, json.loads(call.function.arguments)).startswith(
        '<skill_content name="alpha">'
    )


def test_the_client_of_anthropic_sends_the_tools_and_its_call_is_answered(
    skills: Skills, api: tuple[str, list[Any]]
) -> None:
    address, sent = api
    tools = TypeAdapter(list[ToolParam]).validate_python(skills.anthropic())
    with anthropic.Anthropic(api_key="k", base_url=address, max_retries=0) as client:
        answer = client.messages.create(
            model="m",
            max_tokens=9,
            messages=[{"role": "user", "content": "Help with alpha"}],
            tools=tools,
            system=skills.instructions,
        )
    (block,) = answer.content
    assert block.type == "tool_use"

    assert sent[0]["tools"] == skills.anthropic()
    assert "alpha, beta" in sent[0]["system"]
    assert skills.call(block.name, dict(block.input)).startswith('<skill_content name="alpha">')


ADK = Path(sys.prefix) / "adk" / "bin" / "python"


@pytest.mark.slow
@pytest.mark.skipif(
    not ADK.exists(), reason="google-adk cannot live with FastMCP: `make test-all` installs it apart"
)
@pytest.mark.usefixtures("skills")
def test_googles_kit_searches_loads_and_reads(tmp_path: Path) -> None:
    folder = tmp_path / "beta"
    for path in ("references/more.md", "scripts/run.py", "assets/one.txt", "examples/one.py"):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(f"this is {path}\n", encoding="utf-8")
    (folder / "scripts" / "binary").write_bytes(b"\xff\x00")
    long = tmp_path / "long"
    long.mkdir()
    text = f"---\nname: long\ndescription: A torn ledger. {'x' * 1024}\n---\n"
    (long / "SKILL.md").write_text(text, encoding="utf-8")
    program = [ADK, Path(__file__).with_name("adk_agent.py"), tmp_path]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found, loaded, *files, gone, nothing = json.loads(done.stdout)

    assert [skill["name"] for skill in found["result"]] == ["beta"]
    assert loaded["instructions"].startswith("# Title")
    assert "`assets/` before their path: examples/one.py." in loaded["instructions"]
    assert [file["content"] for file in files] == [
        f"this is {path}\n"
        for path in ("references/more.md", "scripts/run.py", "assets/one.txt", "examples/one.py")
    ]
    assert "No skill is called 'gone'" in gone["error"]
    assert nothing == {"result": []}


def test_pydantic_ai_calls_the_tools(skills: Skills) -> None:
    seen: list[str] = []

    def model(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        seen.extend(tool.name for tool in info.function_tools)
        results = [part for part in messages[-1].parts if isinstance(part, ToolReturnPart)]
        if results:
            return ModelResponse(parts=[TextPart(str(results[0].content))])
        return ModelResponse(parts=[ToolCallPart("load_skill", {"name": "alpha"})])

    agent = Agent(FunctionModel(model), toolsets=[skills.pydantic_ai()])

    answer = asyncio.run(agent.run("Help with alpha"))  # `run_sync` leaves its event loop open

    assert answer.output.startswith('<skill_content name="alpha">')
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
