"""A new skill is valid the moment it appears, and appears whole or not at all."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
import yaml
from skills_ref import validate

from airskills import Library, scaffold
from airskills.errors import AirskillsError
from airskills.skill import parse

DESCRIPTIONS = [
    "",
    "Don't break: it's \"quoted\", 100 % and #1. Use when \\n matters.",
    "Ünïcödé 中文 \U0001f600. Use when needed.",
    "- looks like a list",
    "{{ 7 * 7 }} {% raw %}",
    "x" * 1024,
]


@pytest.mark.parametrize("description", DESCRIPTIONS)
def test_a_new_skill_has_no_finding(tmp_path: Path, description: str) -> None:
    scaffold.new_skill(tmp_path, "my-tool", description=description)
    file = tmp_path / "my-tool" / "SKILL.md"

    skill = parse(file.read_bytes(), str(file), strict=True)

    assert skill.findings == ()
    assert skill.name == "my-tool"
    assert not description or skill.description == description
    assert validate(tmp_path / "my-tool") == []


def test_a_description_stays_readable_in_the_file(tmp_path: Path) -> None:
    scaffold.new_skill(tmp_path, "my-tool", description="Don't say é. Use when <b>.")

    assert 'description: "Don\'t say é. Use when <b>."' in (tmp_path / "my-tool" / "SKILL.md").read_text(
        "utf-8"
    )


@pytest.mark.parametrize(
    "name", ["a", "null", "true", "no", "on", "123", "1e5", "2026-11-21", "0x1f", "a" * 64]
)
def test_a_name_that_yaml_takes_for_something_else_is_quoted(tmp_path: Path, name: str) -> None:
    scaffold.new_skill(tmp_path, name, category="1.10", tags="null", pins="trl==1.16.0 peft==0.21.2")

    (skill,) = Library.open(tmp_path)

    assert (skill.name, skill.category, skill.tags, skill.findings) == (name, "1.10", ("null",), ())
    assert skill.metadata["airskills-tested-with"] == "trl==1.16.0 peft==0.21.2"


def test_every_file_of_a_new_skill_can_be_read(tmp_path: Path) -> None:
    made = scaffold.new_skill(tmp_path, "my-tool", pins="trl==1.16.0 peft==0.21.2")

    assert [path.relative_to(tmp_path / "my-tool").as_posix() for path in made] == sorted(
        path.relative_to(tmp_path / "my-tool").as_posix()
        for path in (tmp_path / "my-tool").rglob("*")
        if path.is_file()
    )
    assert {"SKILL.md", "facts.yaml", "eval_queries.json"} <= {path.name for path in made}
    for path in made:
        text = path.read_text(encoding="utf-8")
        assert "{{" not in text
        assert "{%" not in text
        assert text == "" or text.endswith("\n")
        if path.suffix == ".py":
            ast.parse(text)
        elif path.suffix == ".json":
            json.loads(text)
        elif path.suffix == ".yaml":
            yaml.safe_load(text)


def test_the_links_of_a_new_skill_lead_somewhere(tmp_path: Path) -> None:
    scaffold.new_skill(tmp_path, "my-tool")
    (skill,) = Library.open(tmp_path)

    assert skill.links
    for link in skill.links:
        assert (tmp_path / "my-tool" / link.target).is_file()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "My-tool",
        "my_tool",
        "-tool",
        "tool-",
        "my--tool",
        "a" * 65,
        "../up",
        "a/b",
        ".",
        "tool\n",
        "t\u00f6\u00f6l",
        "a b",
        "\0",
    ],
)
def test_a_bad_name_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(AirskillsError, match="is not lower-case") as caught:
        scaffold.new_skill(tmp_path / "skills", name)

    assert caught.value.help
    assert list(tmp_path.iterdir()) == []


def test_a_result_that_would_be_invalid_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(AirskillsError, match="1,025 characters; the limit is 1,024"):
        scaffold.new_skill(tmp_path, "my-tool", description="x" * 1025)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["folder", "file", "dangling link"])
def test_what_exists_is_never_touched(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "my-tool"
    if kind == "folder":
        target.mkdir()
    elif kind == "file":
        target.write_text("mine", encoding="utf-8")
    else:
        target.symlink_to(tmp_path / "nowhere")

    with pytest.raises(AirskillsError, match="exists already"):
        scaffold.new_skill(tmp_path, "my-tool")

    assert [path.name for path in tmp_path.iterdir()] == ["my-tool"]


def test_a_parent_that_is_a_file_is_an_error_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(AirskillsError, match="cannot be made: Not a directory"):
        scaffold.new_skill(tmp_path / "file" / "skills", "my-tool")


def test_a_failure_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []
    original = Path.write_text

    def failing(self: Path, *args: str, **kwargs: str) -> int:
        written.append(self)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", failing)

    with pytest.raises(AirskillsError, match="No space left"):
        scaffold.new_skill(tmp_path, "my-tool")

    assert len(written) == 3
    assert list(tmp_path.iterdir()) == []


def test_missing_parents_are_made(tmp_path: Path) -> None:
    assert scaffold.new_skill(tmp_path / "a" / "b", "my-tool")
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["my-tool"]
