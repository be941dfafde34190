"""`--fix`: what is repaired is right, done at once, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airskills import check
from airskills.cli import cli
from airskills.folder import Folder, folder_from
from airskills.rules import RULES, fixable
from airskills.settings import Settings

MakeSkill = Callable[..., Path]
HEAD = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\n"
REPAIRS = {
    "AS102": ("\ufeff" + HEAD + "---\n# T\n", HEAD + "---\n# T\n"),
    "AS106": (
        "---\nname: demo\ndescription: Use when: it fails\n---\n# T\n",
        '---\nname: demo\ndescription: "Use when: it fails"\n---\n# T\n',
    ),
    "AS118": (
        HEAD + "metadata:\n  version: 1.10  # the second\n  date: 2026-01-02\n---\n# T\n",
        HEAD + 'metadata:\n  version: "1.10"  # the second\n  date: "2026-01-02"\n---\n# T\n',
    ),
    "AS409": (HEAD + "---\n[a](references\\\\a.md)\n", HEAD + "---\n[a](references/a.md)\n"),
    "AS410": (
        HEAD + "---\n[a](References/A.md) `References/A.md`\n",
        HEAD + "---\n[a](references/a.md) `References/A.md`\n",
    ),
}


def fixed(folder: Folder) -> Folder:
    for rule in RULES.values():
        for path, text in rule().fix(folder).items():
            folder = folder.replacing(path, text)
    return folder


@pytest.mark.parametrize("code", REPAIRS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_repair_changes_what_is_wrong_and_nothing_else(code: str, newline: str) -> None:
    before, after = (text.replace("\n", newline) for text in REPAIRS[code])
    folder = folder_from("demo", {"SKILL.md": before, "references/a.md": "# A\n"})

    assert fixed(folder).read("SKILL.md").decode() == after
    assert list(RULES[code]().check(fixed(folder))) == []


def test_every_rule_that_says_it_can_repair_is_tested_here() -> None:
    assert {code for code, rule in RULES.items() if fixable(rule)} == set(REPAIRS)


@pytest.mark.parametrize(
    "text",
    [
        "---\nname: demo\ndescription: Use when: it fails\r\n---\n# mixed line ends\n",
        "---\nname: demo\ndescription: Use when: it fails\n---\n# one return\r inside\n",
        HEAD + "metadata:\n  a: [1]\n  b: null\n  c:\n    d: 1\n---\n# T\n",
        HEAD + "metadata: text\n---\n# T\n",
        HEAD + "---\n[a](nowhere\\\\a.md) [b](Nowhere.md)\n",
    ],
)
def test_where_there_is_doubt_nothing_is_changed(text: str) -> None:
    folder = folder_from("demo", {"SKILL.md": text})

    assert fixed(folder).read("SKILL.md") == text.encode()


lines = st.sampled_from(
    [
        "name: demo",
        "name: 3",
        "description: Use when: x",
        "description: 'a: b'",
        "description: a # b: c",
        "description: >",
        "  more: text",
        "license: 2.0",
        "license: MIT",
        "metadata:",
        "  v: 1.10",
        "  w: yes",
        '  x: "1: 2"',
        "  y: 2020-01-01",
        "compatibility: 1: 2",
        "# a: b",
        "",
        "allowed-tools: Bash(git:*)",
        "\tname: x",
        "é: ü: 1",
    ]
)
body = st.sampled_from(
    [
        "# T",
        "[a](references\\\\a.md)",
        "[a](References/A.md#x)",
        "![a](REFERENCES/a.md)",
        "```\n[a](References/A.md)\n```",
        "a: b: c",
        "---",
        "\ufeff",
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(lines, max_size=6),
    st.lists(body, max_size=4),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\ufeff"]),
)
def test_repairs_are_done_at_once_and_what_was_said_stays_said(
    fields: list[str], text: list[str], newline: str, mark: str
) -> None:
    source = mark + "\n".join(["---", *fields, "---", *text, ""]).replace("\n", newline)
    contents: Mapping[str, str | bytes] = {"SKILL.md": source.encode(), "references/a.md": "# A\n"}
    before = folder_from("demo", contents)
    after = fixed(before)

    assert fixed(after).read("SKILL.md") == after.read("SKILL.md")
    if before.skill is not None:
        assert after.skill is not None
        assert (after.skill.name, after.skill.description) == (before.skill.name, before.skill.description)
        assert dict(after.skill.metadata) == dict(before.skill.metadata)
        assert after.skill.body.casefold().replace("\\\\", "/") == before.skill.body.casefold().replace(
            "\\\\", "/"
        )
    left = {finding.code for finding in check.check_folder(after, RULES.values(), Settings()).findings}
    assert not left & {"AS102", "AS106", "AS409"}


def test_diff_shows_what_fix_writes_and_writes_nothing(tmp_path: Path, make_skill: MakeSkill) -> None:
    skill = make_skill(tmp_path, "demo", extra="metadata:\n  v: 1.0\n") / "SKILL.md"
    before = skill.read_text(encoding="utf-8")
    shown = CliRunner().invoke(cli, ["check", str(tmp_path), "--diff"]).stdout

    assert '-  v: 1.0\n+  v: "1.0"\n' in shown
    assert skill.read_text(encoding="utf-8") == before

    done = CliRunner().invoke(cli, ["check", str(tmp_path), "--fix"])
    assert done.exit_code == 0
    assert skill.read_text(encoding="utf-8") == before.replace("1.0", '"1.0"')
    assert CliRunner().invoke(cli, ["check", str(tmp_path), "--diff"]).stdout == ""


def test_fix_leaves_what_the_settings_leave_out(tmp_path: Path, make_skill: MakeSkill) -> None:
    skill = make_skill(tmp_path, "demo", extra="metadata:\n  v: 1.0\n") / "SKILL.md"
    before = skill.read_text(encoding="utf-8")
    CliRunner().invoke(cli, ["check", str(tmp_path), "--fix", "--select", "AS4"])

    assert skill.read_text(encoding="utf-8") == before
