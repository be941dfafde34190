"""What the pages show works: every command, link, name and block of Python."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from markdown_it import MarkdownIt

from airskills import Library
from airskills.cli import cli
from local_index import serving
from wheelhouse import repack

REPOSITORY = Path(__file__).resolve().parent.parent
README = REPOSITORY / "README.md"
START = REPOSITORY / "docs" / "start.md"
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])


def page_name(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


def blocks(page: Path, language: str | None = None) -> list[str]:
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    return [
        t.content for t in tokens if t.type in {"fence", "code_block"} and language in {None, t.info.strip()}
    ]


def commands(page: Path) -> list[list[str]]:
    """Arguments of each `airskills ...` line of the page's blocks, without comments and redirections."""
    lines = (line for block in blocks(page) for line in block.splitlines())
    found = [re.split(r" >>? | \| ", line)[0] for line in lines if re.match(r"(\$ )?airskills ", line)]
    return [shlex.split(line.removeprefix("$ "), comments=True)[1:] for line in found]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An index of what the tour names: releases that are installed here, once more as the release before."""
    house = tmp_path_factory.mktemp("house")
    for name in ("faiss-cpu", "numpy"):
        repack(house, name)
    repack(house, "faiss-cpu", "1.14.3")
    with serving(house) as address:
        yield address


TOUR = [
    pytest.param(shlex.split(line), id=line)
    for line in dict.fromkeys(
        shlex.join(arguments) for page in (README, START) for arguments in commands(page)
    )
]


def test_the_tour_shows_every_command() -> None:
    shown = {arguments[0] for arguments in commands(README)} | set(
        re.findall(r"`airskills (\w+)", README.read_text(encoding="utf-8"))
    )

    assert set(cli.commands) <= shown


@pytest.mark.parametrize("arguments", TOUR)
def test_a_command_of_the_readme_and_of_the_first_page_runs(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: str
) -> None:
    for name in ("UV_FIND_LINKS", "UV_OFFLINE", "UV_INDEX", "UV_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_DEFAULT_INDEX", index)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, arguments, prog_name="airskills")

    assert result.exit_code == 0, result.output
    assert result.stdout


def test_the_first_page_installs_extras_that_there_are() -> None:
    extras = set(
        re.findall(
            r"`([a-z]+)`", START.read_text(encoding="utf-8").partition("are extras:")[2].partition(".")[0]
        )
    )
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert extras == {"proof", "mcp", "rl", "grokking"}
    assert extras <= set(project["optional-dependencies"])


@pytest.mark.parametrize(
    "source", [pytest.param(text, id=f"block {n}") for n, text in enumerate(blocks(README, "python"))]
)
def test_the_python_of_the_readme_runs(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(source, "README.md", "exec"), {})

    assert capsys.readouterr().out


def test_the_readme_lists_the_skills_that_are_there() -> None:
    listed = re.findall(r"^\| `([a-z0-9-]+)` \|", README.read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted(listed) == Library.open(scopes=["bundled"]).names()


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = [
        str(child.attrGet("href") or "")
        for token in MarkdownIt().parse(page.read_text(encoding="utf-8"))
        for child in token.children or []
        if child.type == "link_open"
    ]
    local = [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:|#", target)]

    assert [target for target in local if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_command_of_the_tool_on_a_page_exists(page: Path) -> None:
    known = cli.list_commands(click.Context(cli))
    unknown = [
        " ".join(arguments)
        for arguments in commands(page)
        if arguments and not arguments[0].startswith("-") and arguments[0] not in known
    ]

    assert unknown == []


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_the_python_of_a_page_compiles(page: Path) -> None:
    for source in blocks(page, "python"):
        compile(source, page.name, "exec")
