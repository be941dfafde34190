"""Examples and scripts: PEP 723 as its own regular expression reads it, and no time that grows faster than the text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airskills import pins
from airskills.folder import folder_from
from airskills.rules import RULES
from airskills.rules.examples import metadata
from clock import cpu_seconds
from hostile_text import HEAD

PEP_723 = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(?:^#(?:| .*)$\s)+)^# ///$")
LINES = [
    "# /// script",
    "# ///",
    "# a",
    "#",
    "x",
    "",
    "# /// other",
    "#b",
    "# /// script ",
    "# c # ///",
    " # ///",
]
HOSTILE = ["# /// script\n", "# /// script\n# ///\n", "# input\n", "input #", "prompt ", "ask)", "input\\\n"]


@given(st.lists(st.sampled_from(LINES), max_size=8).map(lambda lines: "\n".join(["# /// script", *lines])))
def test_blocks_are_those_of_the_regular_expression_of_pep_723(text: str) -> None:
    theirs = [found["content"] for found in PEP_723.finditer(text) if found["type"] == "script"]

    assert list(pins.script_blocks(text)) == [re.sub(r"(?m)^# ?", "", content) for content in theirs]


def test_metadata_is_the_toml_inside_the_comments() -> None:
    text = '# /// script\n# requires-python = ">=3.11"\n#\n# dependencies = ["a==1"]\n# ///\nprint()\n'

    assert metadata(text) == {"requires-python": ">=3.11", "dependencies": ["a==1"]}


@pytest.mark.parametrize(
    "call",
    [
        "input()",
        "(input)('?')",
        "(input # why\n)('?')",
        "(input # why\n('?'))",
        "input\\\n()",
        "Prompt.ask ('?')",
    ],
)
def test_a_call_that_asks_a_person_is_found_however_it_is_written(call: str) -> None:
    folder = folder_from("demo", {"SKILL.md": HEAD, "scripts/run.py": f"x = {call}\n"})

    assert [finding.code for finding in RULES["AS503"]().check(folder)] == ["AS503"]


@pytest.mark.parametrize("unit", HOSTILE)
def test_rules_of_scripts_take_time_that_grows_with_the_script(unit: str) -> None:
    def seconds(size: int) -> float:
        files = {"SKILL.md": HEAD, "scripts/run.py": unit * (size // len(unit))}
        rules = [rule() for code, rule in RULES.items() if code.startswith("AS5")]
        return min(
            cpu_seconds(lambda: [list(rule.check(folder_from("demo", files))) for rule in rules])
            for _ in range(2)
        )

    assert seconds(120_000) < max(0.3, 8 * seconds(30_000))
