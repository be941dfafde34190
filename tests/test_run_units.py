"""What counts as a unit of a skill, where it stands, and what its author says of it."""

from __future__ import annotations

from typing import Any

import pytest

from airskills.folder import folder_from
from airskills.run.units import Unit, collect

HEAD = "---\nname: demo\ndescription: x\n---\n"


def units(files: dict[str, str]) -> dict[str, Unit]:
    return {unit.id: unit for unit in collect(folder_from("demo", files)).units}


def body(text: str) -> dict[str, Unit]:
    return units({"SKILL.md": HEAD + text})


def problems(text: str) -> list[str]:
    suite = collect(folder_from("demo", {"SKILL.md": HEAD, "facts.yaml": text}))
    return [f"{finding.line} {finding.code} {finding.message}" for finding in suite.findings]


def test_a_block_is_named_by_its_fence_and_begins_a_line_below() -> None:
    unit = body("\n```python\nx = 1\n```\n")["demo/SKILL.md:6"]

    assert (unit.kind, unit.source, unit.first_line, unit.skip) == ("blocks", "x = 1\n", 7, None)


def test_blocks_of_one_section_share_a_group_and_a_new_section_begins_another() -> None:
    text = "## A\n```py\n1\n```\n### deeper\n```py\n2\n```\n## B\n```py\n3\n```\n## A\n```py\n4\n```\n"

    groups = [unit.group for unit in body(text).values()]

    assert groups[0] == groups[1]
    assert len(set(groups)) == 3


@pytest.mark.parametrize(
    ("fence", "code", "reason"),
    [
        ('python {proof="static: needs CUDA"}', "AR201", "needs CUDA"),
        ('python {proof="skip: slow"}', "AR202", "slow"),
        ('python {proof="skip"}', "AR202", "no reason given"),
        ("bash", "AR201", "`airskills verify` checks its flags"),
    ],
)
def test_a_fence_says_why_its_block_does_not_run(fence: str, code: str, reason: str) -> None:
    (unit,) = body(f"```{fence}\nx\n```\n").values()

    assert unit.skip is not None
    assert (unit.skip.code, unit.skip.reason) == (code, reason)


@pytest.mark.parametrize("text", ["%time f()", "!pip install x", "%%bash\nls", "files = !ls"])
def test_a_block_with_magics_needs_a_notebook(text: str) -> None:
    (unit,) = body(f"```python\n{text}\n```\n").values()

    assert unit.skip is not None
    assert unit.skip.code == "AR207"


def test_prompts_and_indents_are_taken_off_and_nothing_else_is_changed() -> None:
    (unit,) = body("```python\n>>> x = 1\n>>> x\n1\n```\n").values()

    assert unit.source == "x = 1\nx\n\n"


def test_a_block_that_does_not_parse_is_kept_as_it_stands() -> None:
    (unit,) = body("```python\nf(a=1, ...)\n```\n").values()

    assert (unit.source, unit.skip) == ("f(a=1, ...)\n", None)


def test_a_block_that_shows_dead_code_says_how_it_fails() -> None:
    (unit,) = body('```python {proof="fails: kwarg"}\nf(x=1)\n```\n').values()

    assert (unit.fails, unit.skip) == ("kwarg", None)


def test_other_languages_are_no_units() -> None:
    assert body("```yaml\na: 1\n```\n```\nplain\n```\n") == {}


def test_references_have_blocks_and_evals_do_not() -> None:
    block = "```python\nx = 1\n```\n"

    assert list(units({"SKILL.md": HEAD, "references/a.md": block, "evals/t/b.md": block})) == [
        "demo/references/a.md:1"
    ]


def test_each_half_of_a_fact_is_a_unit_with_its_own_line() -> None:
    text = "- id: one\n  old: |\n    f()\n  fails: NameError\n  new: 'x = 1'\n  since: now\n"
    found = units({"SKILL.md": HEAD, "facts.yaml": text})

    old, new = found["demo/facts.yaml:2"], found["demo/facts.yaml:5"]
    assert (old.title, old.source, old.first_line, old.fails) == ("one old", "f()\n", 3, "NameError")
    assert (new.title, new.source, new.first_line, new.fails) == ("one new", "x = 1", 5, None)
    assert old.group != new.group


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("- id: a\n  old: x\n  fails: y\n", ["1 AR112 The fact a has no 'new'"]),
        ("- old: x\n  new: x\n  fails: y\n", ["1 AR112 The fact without an id has no 'id'"]),
        ("- id: a\n  old: x\n  new: y\n", ["1 AR112 The fact a has 0 of fails, silent, warns"]),
        (
            "- id: a\n  old: x\n  new: y\n  fails: a\n  warns: b\n",
            ["1 AR112 The fact a has 2 of fails, silent, warns"],
        ),
        ("- id: a\n  old: [x]\n  new: y\n  fails: a\n", ["1 AR112 'old' of the fact a is not text"]),
        ("- just text\n", ["1 AR112 The entry is not a mapping"]),
        ("a: 1\n", ["1 AR112 The file is not a list of facts"]),
        ("- id: a\n  old: 'x\n", ["3 AR112 The file is not YAML: found unexpected end of stream"]),
        ("", []),
    ],
)
def test_what_is_no_fact_is_reported_with_its_line(text: str, wanted: list[str]) -> None:
    assert problems(text) == wanted


def test_examples_scripts_and_answers_are_commands() -> None:
    paths = (
        "examples/a.py",
        "scripts/b.py",
        "evals/t/check.py",
        "evals/t/reference/r.py",
        "evals/t/wrong/w.py",
    )
    found = units({"SKILL.md": HEAD} | dict.fromkeys(paths, "x = 1\n"))

    assert {name: (unit.command, unit.status) for name, unit in found.items()} == {
        "demo/examples/a.py:1": (("demo/examples/a.py",), 0),
        "demo/scripts/b.py:1": (("demo/scripts/b.py", "--help"), 0),
        "demo/evals/t/reference:1": (("demo/evals/t/check.py", "demo/evals/t/reference"), 0),
        "demo/evals/t/wrong:1": (("demo/evals/t/check.py", "demo/evals/t/wrong"), 1),
    }


def test_an_eval_without_an_answer_is_reported() -> None:
    suite = collect(folder_from("demo", {"SKILL.md": HEAD, "evals/t/check.py": "", "evals/t/wrong/w.py": ""}))

    assert [finding.message for finding in suite.findings] == ["The eval has no answer evals/t/reference"]


def _header(line: str) -> str:
    return f"# /// script\n# dependencies = []\n# [tool.airskills]\n# {line}\n# ///\n"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('requires = ["cuda", "network"]', ("cuda", "network")),
        ('requires = "cuda"', ()),
        ("requires = [1]", ()),
        ("other = 1", ()),
        ("not toml", ()),
    ],
)
def test_an_example_says_what_it_requires(line: str, wanted: Any) -> None:
    (unit,) = units({"SKILL.md": HEAD, "examples/a.py": _header(line)}).values()

    assert unit.requires == wanted
