"""The server as hosts meet it: real clients, both transports, a process of its own."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx2
import mcp_types
import pytest
from click.testing import CliRunner
from fastmcp import Client as FastClient
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from fastmcp.skills import SkillsClientExtension
from mcp import Client, MCPError, StdioServerParameters
from mcp.shared.subscriptions import PromptsListChanged, ResourcesListChanged, ToolsListChanged

from airskills import cli_serve
from airskills.cli import cli
from airskills.library import Library
from airskills.server import app
from airskills.server.live import Live
from serving import SECRET, ask, command, connected, environment, library_of, over_http

MODERN = "2026-07-28"
MakeSkill = Callable[..., Path]
NAMES = ["alpha", "beta", "gamma"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def skills(home: Path) -> Path:
    return library_of(home / "skills")


@pytest.fixture(scope="module")
def url(home: Path, skills: Path) -> Iterator[str]:
    with over_http(home, "--path", skills, "--rate", "5000") as served:
        yield served.url


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Callable[..., Any]]:
    with connected(url) as call:
        yield call


def stdio(home: Path, skills: Path) -> StdioServerParameters:
    program, *arguments = command("--path", skills)
    return StdioServerParameters(command=program, args=arguments, env=environment(home), cwd=home)


async def conversation(client: Client) -> dict[str, Any]:
    """What a host of today asks, in its order; everything that it was told."""
    tools = await client.list_tools()
    listed = await ask(client, "skills/list", {})
    one = await ask(client, "skills/get", {"uri": "skill://alpha/SKILL.md"})
    folder = await ask(client, "resources/directory/read", {"uri": "skill://alpha/references"})
    read = [await client.read_resource(r["uri"]) for r in one["skill"]["resources"]]
    return {
        "instructions": client.instructions,
        "tools": tools.tools,
        "capabilities": client.server_capabilities.model_dump(by_alias=True, mode="json"),
        "listed": listed,
        "one": one,
        "folder": folder,
        "read": [result.contents[0] for result in read],
        "index": json.loads((await client.read_resource("skill://index.json")).contents[0].text),  # type: ignore[union-attr]
        "loaded": (loaded := await said(client, "load_skill", name="alpha")),
        "again": await said(client, "load_skill", name="alpha", **session_of(loaded)),
        "repeated": await said(client, "load_skill", name="alpha", again=True, **session_of(loaded)),
        "strange": await said(client, "load_skill", name="alpha", session="made-up"),
        "file": await said(client, "read_skill_file", name="alpha", path="references/guide.md"),
        "found": await said(client, "search_skills", query="gamma matters"),
        "every": await said(client, "list_skills"),
        "prompt": (await client.get_prompt("beta")).messages[0].content.text,  # type: ignore[union-attr]
        "prompts": [prompt.name for prompt in (await client.list_prompts()).prompts],
        "resources": [resource.uri for resource in (await client.list_resources()).resources],
    }


async def said(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    return str(result.content[0].text)  # type: ignore[union-attr]


def session_of(loaded: str) -> dict[str, str]:
    """What an agent is told to give from now on; nothing where the transport knows its sessions."""
    found = re.search(r'session="(\w+)"', loaded)
    return {"session": found[1]} if found else {}


@pytest.fixture(scope="module", params=["stdio", "http"])
def told(request: pytest.FixtureRequest, home: Path, skills: Path) -> dict[str, Any]:
    """The conversation over each transport, held once."""
    server = stdio(home, skills) if request.param == "stdio" else request.getfixturevalue("url")

    async def talk() -> dict[str, Any]:
        async with Client(server) as client:
            assert client.protocol_version == MODERN
            return {"transport": request.param, **await conversation(client)}

    return anyio.run(talk)


def test_the_server_says_that_it_has_skills_and_reads_directories(told: dict[str, Any]) -> None:
    capabilities = told["capabilities"]

    assert capabilities["extensions"]["io.modelcontextprotocol/skills"] == {"directoryRead": True}
    assert capabilities["resources"]["listChanged"] is True
    assert capabilities["tools"]["listChanged"] is True
    assert capabilities["prompts"]["listChanged"] is True


def test_the_listing_and_one_entry_say_the_same_and_how_long_it_holds(told: dict[str, Any]) -> None:
    listed, one = told["listed"], told["one"]

    assert [entry["frontmatter"]["name"] for entry in listed["skills"]] == NAMES
    assert listed["skills"][0] == one["skill"]
    for result in (listed, one):
        assert result["resultType"] == "complete"
        assert result["ttlMs"] >= 0
        assert result["cacheScope"] in {"public", "private"}
    assert one["skill"]["frontmatter"] == {
        "name": "alpha",
        "description": "Tools of alpha. Use when alpha matters.",
        "license": "MIT",
        "metadata": {"airskills-version": "1.0"},
    }


def test_every_file_of_an_entry_can_be_read_and_has_its_digest(told: dict[str, Any]) -> None:
    files = told["one"]["skill"]["resources"]
    assert len(files) == 4
    for file, content in zip(files, told["read"], strict=True):
        data = content.text.encode() if hasattr(content, "text") else base64.b64decode(content.blob)
        assert content.uri == file["uri"]
        assert len(data) == file["size"]
        assert f"sha256:{hashlib.sha256(data).hexdigest()}" == file["digest"]
        assert SECRET.encode() not in data


def test_a_directory_has_its_direct_children_only(told: dict[str, Any]) -> None:
    children = told["folder"]["resources"]

    assert told["folder"]["resultType"] == "complete"
    assert [(child["uri"], child["mimeType"]) for child in children] == [
        ("skill://alpha/references/deep", "inode/directory"),
        ("skill://alpha/references/guide.md", "text/markdown"),
    ]


def test_the_old_index_agrees_with_the_listing(told: dict[str, Any]) -> None:
    digests = {entry["uri"]: entry["resources"][0]["digest"] for entry in told["listed"]["skills"]}

    assert {skill["url"]: skill["digest"] for skill in told["index"]["skills"]} == digests
    assert {skill["type"] for skill in told["index"]["skills"]} == {"skill-md"}


def test_the_tools_are_read_only_and_name_the_skills(told: dict[str, Any]) -> None:
    tools = {tool.name: tool for tool in told["tools"]}

    assert list(tools) == ["search_skills", "load_skill", "read_skill_file", "list_skills"]
    assert tools["load_skill"].input_schema["properties"]["name"]["enum"] == NAMES
    for tool in tools.values():
        assert tool.annotations.read_only_hint
        assert tool.annotations.idempotent_hint


def test_a_skill_is_loaded_wrapped_and_once(told: dict[str, Any], skills: Path) -> None:
    local = told["transport"] == "stdio"
    place = str(skills / "alpha") if local else "skill://alpha"

    assert told["loaded"].startswith('<skill_content name="alpha">\n# alpha\n')
    assert f"Skill directory: {place}" in told["loaded"]
    assert "<file>references/guide.md</file>" in told["loaded"]
    assert "out.txt" not in told["loaded"]
    assert "was loaded before" in told["again"]
    assert told["repeated"] == told["loaded"].partition("\n\nGive load_skill")[0]
    assert (session_of(told["loaded"]) == {}) == local  # over HTTP this revision has no sessions of its own
    assert ("was loaded before" in told["strange"]) == local  # nobody else's word begins or joins a session


def test_files_search_list_and_prompts_answer(told: dict[str, Any]) -> None:
    assert told["file"] == "The guide of alpha: é ü.\n"
    assert told["found"].startswith("gamma (")
    assert told["every"].splitlines()[1] == "beta: Tools of beta. Use when beta matters."
    assert told["prompts"] == NAMES
    assert told["prompt"].startswith('<skill_content name="beta">')
    assert "alpha, beta, gamma" in told["instructions"]
    assert len(told["resources"]) == 1 + 3 * 4


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_fastmcp_reads_and_verifies_every_skill(
    transport: str, home: Path, skills: Path, request: pytest.FixtureRequest
) -> None:
    program, *arguments = command("--path", skills)
    to = (
        StdioTransport(program, arguments, env=environment(home), cwd=str(home))
        if transport == "stdio"
        else StreamableHttpTransport(request.getfixturevalue("url"))
    )

    async def talk() -> list[str]:
        async with FastClient(to, extensions=[SkillsClientExtension()]) as client:
            entries = await client.list_skills()
            return [(await client.read_skill(entry.uri)).name for entry in entries]

    assert anyio.run(talk) == NAMES


def test_hosts_of_older_revisions_get_tools_prompts_and_the_index(url: str) -> None:
    async def talk() -> tuple[str, str, str, int]:
        async with Client(url, mode="legacy") as client:
            loaded = await said(client, "load_skill", name="beta")
            again = await said(client, "load_skill", name="beta")
            once_more = await said(client, "load_skill", name="beta", again=True)
            index = await client.read_resource("skill://index.json")
            assert once_more == loaded
            return client.protocol_version, loaded, again, len(json.loads(index.contents[0].text)["skills"])  # type: ignore[union-attr]

    version, loaded, again, count = anyio.run(talk)
    assert version < MODERN
    assert "# beta" in loaded
    assert "was loaded before" in again
    assert count == 3


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("skills/get", {"uri": "skill://nowhere/SKILL.md"}),
        ("skills/get", {"uri": "skill://alpha/references/guide.md"}),
        ("skills/get", {"uri": "skill://alpha"}),
        ("skills/get", {}),
        ("skills/list", {"cursor": "made-up"}),
        ("resources/directory/read", {"uri": "skill://alpha/SKILL.md"}),
        ("resources/directory/read", {"uri": "skill://alpha/references/"}),
        ("resources/directory/read", {"uri": "skill://"}),
        ("resources/read", {"uri": "skill://alpha/../../secret.txt"}),
        ("resources/read", {"uri": "skill://alpha/out.txt"}),
        ("resources/read", {"uri": "skill://broken/SKILL.md"}),
    ],
)
def test_what_is_not_there_is_an_error_of_parameters(
    client: Callable[..., Any], method: str, params: dict[str, Any]
) -> None:
    with pytest.raises(MCPError) as refused:
        client(ask, method, params)

    assert refused.value.error.code == mcp_types.INVALID_PARAMS


@pytest.mark.parametrize(
    ("tool", "arguments", "why"),
    [
        ("load_skill", {"name": "alhpa"}, "No skill is called 'alhpa'"),
        ("load_skill", {}, "The argument 'name' must be a text"),
        ("load_skill", {"name": 7}, "The argument 'name' must be a text"),
        ("search_skills", {"query": " "}, "The argument 'query' must be a text"),
        ("read_skill_file", {"name": "alpha", "path": "../../secret.txt"}, "it climbs out"),
        ("read_skill_file", {"name": "alpha", "path": "out.txt"}, "leads out of the skill"),
        ("read_skill_file", {"name": "alpha", "path": "/etc/passwd"}, "it is absolute"),
        ("read_skill_file", {"name": "alpha", "path": "none.md"}, "has no file 'none.md'"),
    ],
)
def test_a_tool_that_cannot_answer_says_why(
    client: Callable[..., Any], tool: str, arguments: dict[str, Any], why: str
) -> None:
    result = client(Client.call_tool, tool, arguments)

    assert result.is_error
    assert why in result.content[0].text


def test_without_skills_there_are_no_tools_prompts_or_instructions(tmp_path: Path) -> None:
    server = app.build(Live(partial(Library.open, tmp_path), tell=print, watch=False))

    async def talk() -> tuple[int, int, int, str | None]:
        async with FastClient(server, extensions=[SkillsClientExtension()]) as client:
            tools, prompts = await client.list_tools(), await client.list_prompts()
            return len(tools), len(prompts), len(await client.list_skills()), server.instructions

    assert anyio.run(talk) == (0, 0, 0, None)


def test_names_beyond_a_context_are_searched_and_not_enumerated(
    tmp_path: Path, make_skill: MakeSkill
) -> None:
    for number in range(257):
        make_skill(tmp_path, f"skill-{number:03}")
    server = app.build(Live(partial(Library.open, tmp_path), tell=print, watch=False))

    async def talk() -> tuple[dict[str, Any], str, list[str]]:
        async with FastClient(server, extensions=[SkillsClientExtension()]) as client:
            schema = (await client.list_tools())[1].input_schema["properties"]["name"]
            every = await client.call_tool("list_skills", {})
            return schema, every.content[0].text, [s.frontmatter.name for s in await client.list_skills()]

    schema, every, names = anyio.run(talk)
    assert "enum" not in schema
    assert len(every) < 25_000
    assert names == [f"skill-{number:03}" for number in range(257)]  # three pages


# -- changes on the disk -----------------------------------------------------------------------------------------------


def within(seconds: float) -> Any:
    """Fail after some seconds; the SDK's own contexts are asynchronous, and so is this one."""
    return _Within(anyio.fail_after(seconds))


class _Within:
    def __init__(self, scope: Any) -> None:
        self._scope = scope

    async def __aenter__(self) -> None:
        self._scope.__enter__()

    async def __aexit__(self, *error: object) -> Any:
        return self._scope.__exit__(*error)


def add(root: Path, name: str) -> None:
    folder = root / name
    folder.mkdir()
    text = f"---\nname: {name}\ndescription: Came later. Use when late.\n---\n\n# Late\n"
    folder.joinpath("SKILL.md").write_text(text, encoding="utf-8")


class Ear:
    """Hears of changed lists, and says when it has heard of all three."""

    def __init__(self) -> None:
        self.heard: set[type] = set()
        self.all_three = anyio.Event()

    def note(self, kind: type) -> None:
        self.heard.add(kind)
        if len(self.heard) == 3:
            self.all_three.set()

    async def __call__(self, message: Any) -> None:
        kinds: dict[object, type] = {
            mcp_types.ToolListChangedNotification: ToolsListChanged,
            mcp_types.PromptListChangedNotification: PromptsListChanged,
            mcp_types.ResourceListChangedNotification: ResourcesListChanged,
        }
        if type(message) in kinds:
            self.note(kinds[type(message)])


async def enumerated(client: Client) -> list[str]:
    tools = (await client.list_tools()).tools
    return list(tools[1].input_schema["properties"]["name"]["enum"])


def test_a_new_skill_is_announced_to_hosts_of_every_revision_and_then_the_server_ends_in_order(
    tmp_path: Path,
) -> None:
    root = library_of(tmp_path / "skills")
    old, new = Ear(), Ear()

    async def talk(address: str) -> list[list[str]]:
        older = Client(address, mode="legacy", message_handler=old)
        everything: Any = {f"{kind}_list_changed": True for kind in ("tools", "prompts", "resources")}
        async with older, Client(address) as newer, newer.listen(**everything) as changes, within(40):
            assert await enumerated(older) == NAMES
            add(root, "late")
            async for change in changes:
                new.note(type(change))
                if new.all_three.is_set():
                    break
            await old.all_three.wait()
            seen = [await enumerated(older), await enumerated(newer)]
            served.process.send_signal(signal.SIGTERM)
            assert [change async for change in changes] == []  # an abrupt end would raise
            return seen

    with over_http(tmp_path, "--path", root) as served:
        assert anyio.run(talk, served.url) == [[*NAMES, "late"]] * 2
        assert served.process.wait(timeout=20) == 0

    assert "Traceback" not in "".join(served.said)


# -- HTTP --------------------------------------------------------------------------------------------------------------

PING = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}  # fmt: skip
HTTP = httpx2.Client(verify=False, timeout=20)  # no certificates to read where there is no TLS
HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    yield
    HTTP.close()


def post(url: str, body: Any = PING, **headers: str) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HTTP.post(url, content=content, headers={**HEADERS, **headers})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "evil.example.org"}, 421),
        ({"host": "127.0.0.1.evil.example.org:80"}, 421),
        ({"origin": "https://evil.example.org"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:3000"}, 200),
    ],
)
def test_a_page_of_another_site_cannot_reach_the_server(
    url: str, headers: dict[str, str], status: int
) -> None:
    assert post(url, **headers).status_code == status


def test_a_body_over_the_limit_is_refused(url: str) -> None:
    assert post(url, b"[" + b" " * (256 * 1024)).status_code == 413


@pytest.fixture(scope="module")
def guarded(home: Path, skills: Path) -> Iterator[str]:
    named = ("--allow-host", "skills.example.org", "--allow-origin", "https://app.example.org")
    with over_http(home, "--path", skills, "--no-watch", *named, AIRSKILLS_TOKEN="s3cret") as served:
        yield served.url


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "Basic s3cret"}, 401),
        ({"authorization": "Bearer s3cret"}, 200),
        ({"authorization": "Bearer s3cret", "host": "skills.example.org"}, 200),
        ({"authorization": "Bearer s3cret", "host": "other.example.org"}, 421),
        ({"authorization": "Bearer s3cret", "origin": "https://app.example.org"}, 200),
        ({"authorization": "Bearer s3cret", "origin": "https://other.example.org"}, 403),
    ],
)
def test_a_token_is_asked_for_where_one_is_set_and_named_hosts_may_ask(
    guarded: str, headers: dict[str, str], status: int
) -> None:
    answer = post(guarded, **headers)

    assert answer.status_code == status
    assert (status == 401) == answer.headers.get("www-authenticate", "").startswith("Bearer")


def test_too_many_requests_are_refused(tmp_path: Path) -> None:
    live = Live(partial(Library.open, library_of(tmp_path / "skills")), tell=print, watch=False)
    server = app.build(live, http=app.Http("127.0.0.1", 0, rate=1))

    async def talk() -> set[int]:
        codes = set()
        async with FastClient(server, extensions=[SkillsClientExtension()]) as client:
            for _ in range(12):
                try:
                    await client.list_skills_mcp(cache_mode="bypass")
                except MCPError as error:
                    codes.add(error.error.code)
        return codes

    assert anyio.run(talk) == {-32000}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--http", "0.0.0.0:0"], "can be reached from other machines"),
        (["--http", ":8765"], "is not [HOST:]PORT"),
        (["--http", "localhost"], "is not [HOST:]PORT"),
        (["--http", "127.0.0.1:99999"], "is not [HOST:]PORT"),
        (["--allow-host", "x"], "need --http"),
    ],
)
def test_what_cannot_be_served_safely_is_refused(
    arguments: list[str], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRSKILLS_TOKEN", raising=False)
    result = CliRunner().invoke(cli, ["serve", *arguments])

    assert result.exit_code == 2
    assert why in result.stderr


@pytest.mark.parametrize(
    ("place", "address"),
    [
        ("8765", ("127.0.0.1", 8765)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("[::1]:80", ("::1", 80)),
        ("a.example:80", ("a.example", 80)),
    ],
)
def test_without_a_host_only_this_machine_is_served(place: str, address: tuple[str, int]) -> None:
    assert cli_serve._address(place) == address


def test_an_address_that_is_taken_is_an_error_in_one_line() -> None:
    with app.listening(app.Http("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        result = CliRunner().invoke(cli, ["serve", "--http", place])

    assert result.exit_code == 2
    assert f"error: Cannot listen on {place}: Address already in use" in result.stderr
