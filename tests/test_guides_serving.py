"""The guides to serving and installing do what they show, with the program itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from markdown_it import MarkdownIt

from serving import environment, over_http

GUIDES = Path(__file__).resolve().parent.parent / "docs" / "guides"
INSTALL, SERVE = GUIDES / "install-skills.md", GUIDES / "serve-your-agent.md"
PROGRAMS = str(Path(sys.executable).parent)


def blocks(page: Path, *languages: str) -> list[tuple[str, str]]:
    """(language, text) of the fenced blocks in these languages, in order."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    return [(t.info.strip(), t.content) for t in tokens if t.type == "fence" and t.info.strip() in languages]


def shell(text: str, folder: Path) -> str:
    """What a shell shows that finds this checkout's `airskills` first."""
    done = subprocess.run(
        ["sh", "-c", text],
        cwd=folder,
        env={**environment(folder), "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def test_the_guide_to_installing_shows_what_its_commands_print(tmp_path: Path) -> None:
    seen = 0
    for language, text in blocks(INSTALL, "console", "sh"):
        if language == "sh":
            assert shell(text, tmp_path) == ""
            continue
        for part in f"\n{text}".split("\n$ ")[1:]:
            command, _, output = part.partition("\n")
            assert lines(shell(command, tmp_path)) == lines(output), command
            seen += 1

    assert seen == 7


def configurations() -> list[Any]:
    return [json.loads(text)["mcpServers"]["airskills"] for _, text in blocks(SERVE, "json")]


@pytest.mark.parametrize(("number", "names"), [(0, "peft"), (1, "ours")])
def test_a_host_that_is_configured_as_the_guide_says_has_the_tools(
    tmp_path: Path, number: int, names: str
) -> None:
    (tmp_path / "skills" / "ours").mkdir(parents=True)
    text = "---\nname: ours\ndescription: Our own. Use when ours.\n---\n\n# Ours\n"
    (tmp_path / "skills" / "ours" / "SKILL.md").write_text(text, encoding="utf-8")
    server = configurations()[number]
    where = {**environment(tmp_path), "PATH": PROGRAMS}

    async def talk() -> list[str]:
        transport = StdioTransport(server["command"], server["args"], env=where, cwd=str(tmp_path))
        async with Client(transport) as client:
            return list((await client.list_tools())[1].input_schema["properties"]["name"]["enum"])

    found = anyio.run(talk)
    assert names in found
    assert ("peft" in found) == (number == 0)


def test_the_program_of_the_guide_prints_the_skills_that_fit(tmp_path: Path) -> None:
    ((_, source),) = blocks(SERVE, "python")
    done = subprocess.run(
        [sys.executable, "-c", source],
        cwd=tmp_path,
        env={**environment(tmp_path), "PATH": PROGRAMS},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("grpo-rl-training (")


def test_a_team_is_served_as_the_guide_says(tmp_path: Path) -> None:
    write, serve = blocks(SERVE, "sh")[1][1].splitlines()
    shell(write.replace("python3", sys.executable), tmp_path)
    token = (tmp_path / "skills-token").read_text(encoding="utf-8").strip()
    options = serve.split()[4:]  # what follows the address, for which the test has one of its own
    assert options[0] == "--token-file"
    with over_http(tmp_path, *options) as served:

        async def talk() -> int:
            async with Client(StreamableHttpTransport(served.url, auth=token)) as client:
                return len(await client.list_tools())

        assert anyio.run(talk) == 4
        with httpx2.Client(verify=False, timeout=20) as stranger:
            assert stranger.post(served.url, json={}).status_code == 401
    assert (tmp_path / "skills-token").stat().st_mode & 0o077 == 0
