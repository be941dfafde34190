"""The guides do what they show: their files are written, their commands run in order, their output is compared."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from airskills import check
from airskills.folder import folder_from
from airskills.report import FORMATS
from airskills.run.facts import read_facts

DOCS = Path(__file__).resolve().parent.parent / "docs"
GUIDE = DOCS / "guides" / "check-in-your-repository.md"
REFERENCE = DOCS / "reference" / "check-from-python.md"
MakeSkill = Callable[..., Path]


def blocks(page: Path) -> list[tuple[str, str]]:
    """(language, text) of each fenced block, in order."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    return [(token.info.strip(), token.content) for token in tokens if token.type == "fence"]


def sessions(text: str) -> Iterator[tuple[str, str]]:
    """(command, output) of a console block."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def without_times(text: str) -> str:
    return re.sub(r"\(\d+\.\d\d s\)", "(0.00 s)", text)


def run(command: str, folder: Path) -> str:
    """What a terminal would show, standard output and errors in their order."""
    done = subprocess.run(
        [sys.executable, "-m", *command.split()],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def test_the_guide_shows_what_its_commands_print(tmp_path: Path) -> None:
    skill = tmp_path / "skills" / "trim-logs" / "SKILL.md"
    skill.parent.mkdir(parents=True)
    count = 0
    for language, text in blocks(GUIDE):
        if language == "markdown":
            skill.write_text(text, encoding="utf-8")
        elif language == "toml":
            (tmp_path / ".airskills.toml").write_text(text, encoding="utf-8")
        elif language == "console":
            for command, output in sessions(text):
                assert without_times(run(command, tmp_path)) == without_times(output), command
                count += 1

    assert count == 8


def yaml_blocks() -> list[Any]:
    return [yaml.safe_load(text) for language, text in blocks(GUIDE) if language == "yaml"]


def test_the_ignore_in_a_skill_works_as_the_guide_writes_it(tmp_path: Path) -> None:
    (shown,) = [text for language, text in blocks(GUIDE) if language == "yaml" and "airskills-ignore" in text]
    (skill,) = [text for language, text in blocks(GUIDE) if language == "markdown"]
    (tmp_path / "trim-logs").mkdir()
    (tmp_path / "trim-logs" / "SKILL.md").write_text(skill.replace("version: 1.2\n", shown), encoding="utf-8")

    assert [finding.code for finding in check.run(tmp_path)] == ["AS106"]


def test_the_hook_and_the_inputs_of_the_guide_exist() -> None:
    root = DOCS.parent
    hooks = {hook["id"] for hook in yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text())}
    inputs = set(yaml.safe_load((root / "action.yml").read_text())["inputs"])
    (config,) = [block for block in yaml_blocks() if "repos" in block]
    (workflow,) = [block for block in yaml_blocks() if "jobs" in block]
    steps = workflow["jobs"]["skills"]["steps"]
    (ours,) = [step for step in steps if step["uses"].startswith("OWNER/airskills@")]
    (upload,) = [step for step in steps if "upload-sarif" in step["uses"]]

    assert {hook["id"] for hook in config["repos"][0]["hooks"]} <= hooks
    assert set(ours["with"]) <= inputs
    assert upload["with"]["sarif_file"] == ours["with"]["sarif"]
    assert inputs == set(re.findall(r"`(\w+)`", GUIDE.read_text(encoding="utf-8"))) & inputs | set(
        ours["with"]
    )


def test_the_guide_lists_every_format() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)

    assert tuple(listed) == FORMATS


def test_the_settings_of_the_guide_are_toml() -> None:
    (text,) = [text for language, text in blocks(GUIDE) if language == "toml"]

    assert tomllib.loads(text)["ignore"]["AS117"]


@pytest.mark.parametrize("number", range(2))
def test_the_python_of_the_reference_runs(
    number: int, tmp_path: Path, make_skill: MakeSkill, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    make_skill(tmp_path / "skills", "demo", extra="version: 1\n", body="# T\n\n```python\nfor x in\n```\n")
    source = [text for language, text in blocks(REFERENCE) if language == "python"][number]
    names: dict[str, Any] = {}
    exec(compile(source, REFERENCE.name, "exec"), names)

    if number == 0:
        assert "AS117 error" in capsys.readouterr().out
    else:
        assert [finding.code for finding in names["errors"]] == ["AS303"]


def test_the_reference_names_the_fields_that_a_finding_has(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path, "demo", extra="version: 1\n")
    row = json.loads(json.dumps(check.run(tmp_path)[0].as_dict()))
    text = REFERENCE.read_text(encoding="utf-8")

    assert all(f"`{name}`" in text for name in row)


def test_the_rule_of_the_guide_is_a_rule(tmp_path: Path) -> None:
    (source,) = [text for language, text in blocks(DOCS / "guides" / "add-a-rule.md") if language == "python"]
    proof = (
        "from airskills.folder import folder_from\n"
        "found = list(AS299().check(folder_from('demo', {'SKILL.md': AS299.bad})))\n"
        "assert [(f.code, f.line) for f in found] == [('AS299', AS299.at)], found\n"
        "assert not list(AS299().check(folder_from('demo', {'SKILL.md': AS299.good})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", source + proof], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_the_guide_to_writing_a_skill_shows_what_is_made_and_a_fact_that_is_one(tmp_path: Path) -> None:
    page = blocks(DOCS / "guides" / "write-a-skill.md")
    (shown,) = [text for language, text in page if language == "console"]
    ((command, output),) = sessions(shown)
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(command)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    (fact,) = [text for language, text in page if language == "yaml"]

    assert done.stdout == output
    facts, findings = read_facts(folder_from("demo", {"facts.yaml": fact}))
    assert ([one.claim for one in facts], findings) == (["fails"], [])
