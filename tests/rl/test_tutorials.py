"""The tutorials do what they show: blocks run in order, and what they print is what the page says."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from markdown_it import MarkdownIt

from airskills.rl.cli import group

TUTORIALS = Path(__file__).parents[2] / "docs" / "tutorials"
pytestmark = pytest.mark.usefixtures("quiet")


def run_python(source: str, names: dict[str, Any]) -> str:
    """What a block prints, without the lines of a trainer's log."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, "<block>", "exec"), names)
    return "".join(line for line in printed.getvalue().splitlines(keepends=True) if not line.startswith("{'"))


def run_console(text: str) -> None:
    command, _, output = text.removeprefix("$ airskills rl ").partition("\n")
    assert CliRunner().invoke(group, command.split()).output == output


@pytest.mark.parametrize("page", sorted(TUTORIALS.glob("*.md")), ids=lambda page: page.stem)
def test_a_tutorial_runs_as_it_is_written(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": page.stem}
    printed, count = "", 0
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type != "fence":
            continue
        if token.info == "python":
            printed, count = run_python(token.content, names), count + 1
        elif token.info == "text":
            assert printed == token.content
        elif token.info == "yaml":
            name = re.match(r"# (\S+)\n", token.content)
            assert name
            (tmp_path / name[1]).write_text(token.content)
        elif token.info == "console":
            run_console(token.content)

    assert count >= 4
