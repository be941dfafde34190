"""Exact pins, and everything that is refused because it is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airskills.pins import Pin, PinError, of_script, of_skill, parse_pins
from airskills.skill import parse


def test_pins_are_separated_by_spaces_commas_or_lines_and_come_sorted() -> None:
    text = "trl==1.16.0, peft == 0.21.2\n# a comment ==1\nFaiss_CPU==1.15.1  # why\n"
    assert parse_pins(text) == (Pin("faiss-cpu", "1.15.1"), Pin("peft", "0.21.2"), Pin("trl", "1.16.0"))


def test_a_pin_that_stands_twice_counts_once_and_its_extras_are_united() -> None:
    pins = parse_pins("ray[tune]==2.9.0 ray[serve, tune]==2.9.0")
    assert pins == (Pin("ray", "2.9.0", ("serve", "tune")),)
    assert str(pins[0]) == "ray[serve,tune]==2.9.0"


@pytest.mark.parametrize(
    "text",
    [
        "trl",
        "trl>=1.0",
        "trl==1.*",
        "trl===1.0",
        "trl==1.0,<2",
        "trl==1.0 trl==1.1",
        "--index-url",
        "-e .",
        "../trl",
        "/tmp/trl-1.0-py3-none-any.whl",
        "trl@https://example.org/trl-1.0-py3-none-any.whl",
        "https://example.org/trl.whl",
        "git+https://example.org/trl",
        "trl==1.0;rm",
        "trl==$(id)",
        "trl==" + "9" * 5000 + "x",
        " ".join(f"p{n}==1" for n in range(201)),
    ],
)
def test_whatever_is_no_exact_pin_is_refused_by_name(text: str) -> None:
    with pytest.raises(PinError) as caught:
        parse_pins(text)
    assert caught.value.requirement
    assert caught.value.help == "Write name==version"
    assert len(str(caught.value)) < 500


@given(st.text(max_size=60))
def test_any_text_gives_pins_or_a_pin_error(text: str) -> None:
    try:
        pins = parse_pins(text)
    except PinError:
        return
    assert parse_pins(" ".join(map(str, pins))) == pins


def test_the_pins_of_a_skill_stand_in_its_frontmatter() -> None:
    head = '---\nname: demo\ndescription: x\nmetadata:\n  airskills-tested-with: "trl==1.16.0"\n---\n'
    assert of_skill(parse(head, "demo/SKILL.md")) == (Pin("trl", "1.16.0"),)
    assert of_skill(parse("---\nname: demo\ndescription: x\n---\n", "demo/SKILL.md")) == ()


def test_what_a_skill_has_without_dependencies_is_pinned_too_and_said_so() -> None:
    head = (
        "---\nname: demo\ndescription: x\nmetadata:\n  airskills-tested-with: trl==1.16.0\n"
        "  airskills-tested-without-dependencies: verl==0.9.1\n---\n"
    )

    assert of_skill(parse(head, "demo/SKILL.md")) == (
        Pin("trl", "1.16.0"),
        Pin("verl", "0.9.1", bare=True),
    )


def test_the_pins_of_a_script_are_its_dependencies_that_hold_here() -> None:
    script = """
# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "trl==1.16.0",
#   "pywin32==311; sys_platform == 'never'",
#   "numpy==2.4.6; python_version >= '3'",
# ]
# ///
import trl
"""
    assert of_script(script) == (Pin("numpy", "2.4.6"), Pin("trl", "1.16.0"))
    assert of_script("import trl\n") == ()


@pytest.mark.parametrize("body", ["dependencies = [", "dependencies = 3", 'dependencies = ["trl>=1"]'])
def test_a_script_block_without_exact_pins_is_refused(body: str) -> None:
    with pytest.raises(PinError):
        of_script(f"# /// script\n# {body}\n# ///\n")
