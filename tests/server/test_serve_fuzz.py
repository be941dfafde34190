"""Whatever is sent, the server answers, goes on, and reads nothing outside a skill."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import mcp_types
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client, MCPError

from serving import SECRET, Served, ask, command, connected, environment, library_of, over_http

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": "last",
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    },
}


@pytest.fixture(scope="module")
def skills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return library_of(tmp_path_factory.mktemp("fuzzed") / "skills")


@pytest.fixture(scope="module")
def server(skills: Path) -> Iterator[Served]:
    with over_http(skills.parent, "--path", skills, "--rate", "100000", "--no-watch") as running:
        yield running


WORDS = st.sampled_from(
    ["..", "alpha", "SKILL.md", "secret.txt", "out.txt", "references", "%2e%2e", "%2F", "%00", "~", "etc", ""]
)
# What would read the secret if nothing stood in the way; words at random come upon them too seldom.
HOLES = st.sampled_from(["out.txt", "./out.txt", "../../secret.txt", "references/../../../secret.txt", "../beta/out.txt", "/etc/passwd"])  # fmt: skip
PATHS = HOLES | st.lists(WORDS, max_size=7).map("/".join)
URIS = st.builds("{}{}".format, st.sampled_from(["skill://", "skill:///", "file://", "SKILL://alpha/", "skill://alpha/", ""]), PATHS)  # fmt: skip
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | PATHS
    | URIS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["uri", "cursor", "name", "path", "query", "arguments", "again", "session"])
ARGUMENTS = st.dictionaries(NAMES, JUNK, max_size=4)
TOOLS = st.sampled_from(["search_skills", "load_skill", "read_skill_file", "list_skills", "", "other"])
REQUESTS = st.one_of(
    st.tuples(st.sampled_from(["skills/list", "skills/get", "resources/directory/read", "resources/read"]), ARGUMENTS),
    st.tuples(st.sampled_from(["skills/get", "resources/directory/read", "resources/read"]), st.fixed_dictionaries({"uri": URIS})),
    st.tuples(st.just("tools/call"), st.fixed_dictionaries({"name": TOOLS, "arguments": ARGUMENTS})),
    st.tuples(st.just("tools/call"), st.fixed_dictionaries({"name": st.just("read_skill_file"), "arguments": st.fixed_dictionaries({"name": st.just("alpha"), "path": PATHS})})),
    st.tuples(st.just("prompts/get"), ARGUMENTS),
    st.tuples(st.text("skilresou/_-", min_size=1, max_size=20), ARGUMENTS),
)  # fmt: skip


@pytest.fixture(scope="module")
def client(server: Served) -> Iterator[Callable[..., Any]]:
    with connected(server.url) as call:
        yield call


async def answered(client: Client, method: str, params: dict[str, Any]) -> tuple[int, str]:
    """(Code of the error or 0, answer)."""
    try:
        return 0, json.dumps(await ask(client, method, params))
    except MCPError as error:
        return error.error.code, str(error)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(request=REQUESTS)
def test_requests_of_any_kind_are_answered_and_reach_nothing_outside(
    server: Served, client: Callable[..., Any], request: tuple[str, dict[str, Any]]
) -> None:
    code, answer = client(answered, *request)

    assert code != mcp_types.INTERNAL_ERROR, answer
    assert server.process.poll() is None
    assert SECRET not in answer
    assert "root:x:" not in answer


BODIES = [
    b"",
    b"[]",
    b"{}",
    b"nonsense",
    b"\xff\xfe\x00",
    b'{"jsonrpc":"2.0"}',
    b'{"jsonrpc":"1.0","id":1,"method":"tools/list"}',
    b'{"jsonrpc":"2.0","id":null,"method":"tools/list"}',
    b'{"jsonrpc":"2.0","id":1,"method":7}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[1,2]}',
    b'{"jsonrpc":"2.0","id":{"a":1},"method":"tools/call","params":{}}',
    b'{"jsonrpc":"2.0","id":1,"result":{}}',
    b"[" * 20_000,
    b'{"a":' * 5_000,
    json.dumps([INITIALIZE] * 50).encode(),
    b'{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"' + b"a" * 100_000 + b'"}}',
    b'{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"\\ud800"}}',
]


@pytest.mark.parametrize("protocol", ["2025-06-18", "2026-07-28", "1999-01-01", "\u00e9"])
def test_bodies_that_are_no_requests_are_refused_by_the_client_not_the_server(
    server: Served, protocol: str
) -> None:
    headers = {
        b"accept": b"application/json, text/event-stream",
        b"content-type": b"application/json",
        b"mcp-protocol-version": protocol.encode(),
    }
    with httpx2.Client(verify=False, timeout=20) as http:
        for body in BODIES:
            answer = http.post(server.url, content=body, headers=headers)
            assert answer.status_code < 500, (body[:60], answer.text)
        assert (
            http.post(
                server.url, json=INITIALIZE, headers={"accept": headers[b"accept"].decode()}
            ).status_code
            == 200
        )


def test_lines_that_are_no_requests_do_not_end_the_conversation(skills: Path) -> None:
    lines = [*(body.replace(b"\n", b"") for body in BODIES), json.dumps(INITIALIZE).encode(), b""]
    done = subprocess.run(
        command("--path", skills, "--no-watch"),
        input=b"\n".join(lines),
        env=environment(skills.parent),
        cwd=skills.parent,
        capture_output=True,
        timeout=120,
        check=False,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]

    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert any(answer.get("id") == "last" and "result" in answer for answer in answers)
    assert SECRET.encode() not in done.stdout
