"""SKILL.md to `Skill`: what is read, what is said about it and where, and that nothing else ever comes out."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from unittest import mock

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import airskills
from airskills import Skill, parse
from airskills.errors import (
    AirskillsError,
    SkillFileNotFoundError,
    SkillSyntaxError,
    UnknownSkillError,
    UnsafePathError,
)
from airskills.finding import SEVERITIES, Finding
from airskills.skill import MAX_BYTES

PATH = "skills/x/SKILL.md"
HEAD = "---\nname: x\ndescription: Does it.\n---\n"


def codes(skill: Skill) -> list[tuple[str, int, int]]:
    return [(finding.code, finding.line, finding.column) for finding in skill.findings]


def refused(source: str | bytes, *, strict: bool = False) -> tuple[str, int, int]:
    with pytest.raises(SkillSyntaxError) as caught:
        parse(source, PATH, strict=strict)
    return caught.value.code, caught.value.line, caught.value.column


# -- reading ------------------------------------------------------------------------------------------------------


def test_a_skill_holds_what_its_file_says() -> None:
    text = (
        "---\nname: x\ndescription: '  Does it. Use --- now.  '\nlicense: MIT\ncompatibility: Needs Linux\n"
        "allowed-tools: Bash(git:*) Read\nmetadata:\n  airskills-category: rl\n  airskills-tags: a  b\n"
        '  version: "1.10"\n---\n\n\n# Title\n\nText.  \n\n\n'
    )

    skill = parse(text, PATH, strict=True)

    assert (skill.name, skill.description) == ("x", "Does it. Use --- now.")
    assert (skill.category, skill.tags, skill.metadata["version"]) == ("rl", ("a", "b"), "1.10")
    assert skill.fields["allowed-tools"] == "Bash(git:*) Read"
    assert (skill.body, skill.body_line) == ("# Title\n\nText.\n", 14)
    assert (skill.raw, skill.path, skill.directory, skill.scope) == (text, PATH, "skills/x", "explicit")
    assert skill.positions["metadata.version"] == (10, 3)
    assert not skill.findings
    assert not skill.hidden


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_other_line_ends_read_as_line_feeds(end: str) -> None:
    text = HEAD + "\n# A\n\n```python\nx\n```\n"

    skill = parse(text.replace("\n", end).encode(), PATH)

    assert skill == parse(text, PATH)
    assert skill.blocks[0].first_line == 9


def test_a_byte_order_mark_is_taken_off_and_noted() -> None:
    skill = parse(b"\xef\xbb\xbf" + HEAD.encode(), PATH, strict=True)

    assert codes(skill) == [("AS102", 1, 1)]
    assert skill.findings[0].severity == "warning"
    assert not skill.raw.startswith("\ufeff")
    assert skill.positions["name"] == (2, 1)


def test_records_are_frozen_comparable_and_independent_of_where_they_came_from() -> None:
    skill = parse(HEAD, PATH)

    assert skill == parse(HEAD, PATH).replace(scope="user")
    assert skill != parse(HEAD, "other/x/SKILL.md")
    with pytest.raises(AttributeError):
        skill.name = "y"  # type: ignore[misc]  # that is what must fail
    with pytest.raises(TypeError):
        skill.fields["name"] = "y"  # type: ignore[index]  # that is what must fail


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ("name: ' y '", "y"),
        ("license: MIT", "x"),
        ("name:", "x"),
        ("name: ~", "x"),
        ("name: 5", "5"),
        ("name: []", "x"),
    ],
)
def test_the_folder_lends_its_name_where_the_file_has_none(lines: str, name: str) -> None:
    assert parse(f"---\n{lines}\ndescription: d\n---\n", PATH).name == name


def test_metadata_is_text_whatever_yaml_makes_of_it_and_never_another_key() -> None:
    text = (
        "---\nname: x\ndescription: d\nmetadata: {a: 1.10, b: yes, c: 2026-01-02, d: [1], e: {f: g}, h.i: j, h: {i: k}}\n"
        "metadata.a: 'no'\n---\n"
    )

    assert parse(text, PATH).metadata == {"a": "1.10", "b": "yes", "c": "2026-01-02", "h.i": "j"}


@pytest.mark.parametrize(
    ("lines", "hidden"),
    [
        ("disable-model-invocation: true", True),
        ("disable-model-invocation: false", False),
        ("metadata: {internal: true}", True),
        ('metadata: {internal: "true"}', True),
        ("metadata: {internal: 'no'}", False),
    ],
)
def test_authors_can_hide_a_skill_from_agents(lines: str, *, hidden: bool) -> None:
    assert parse(f"---\nname: x\ndescription: d\n{lines}\n---\n", PATH).hidden is hidden


# -- findings -----------------------------------------------------------------------------------------------------

_D = "description: d\n"
_ND = "name: x\ndescription: d\n"

# What lenient reading notes and loads, strict reading raises at the same place: (frontmatter, code, line, column).
NOTED = [
    ("name: x\ndescription: Use when: asked\n", "AS106", 3, 1),
    (_ND + "metadata:\n  note: a: b\n", "AS106", 5, 3),
    (_ND + "description: e\n", "AS107", 4, 1),
    (_ND + "metadata: {a: b, a: c}\n", "AS107", 4, 18),
    (_D, "AS111", 1, 1),
    (_D + "name:\n", "AS111", 3, 1),
    (_D + "name: ''\n", "AS111", 3, 1),
    (_D + "name: ~\n", "AS111", 3, 1),
    (_D + "license: MIT\nname: X\n", "AS112", 4, 1),
    (_D + "name: x-\n", "AS112", 3, 1),
    (_D + "name: a--b\n", "AS112", 3, 1),
    (_D + "name: caf\u00e9\n", "AS112", 3, 1),
    (_D + f"name: {'a' * 65}\n", "AS113", 3, 1),
    (_D + "name: y\n", "AS114", 3, 1),
    ("name: x\ndescription: " + "d" * 1025 + "\n", "AS116", 3, 1),
    (_ND + "version: a\n", "AS117", 4, 1),
    (_ND + "a.b: {c: d}\n", "AS117", 4, 1),
    (_D + "name: 5\n", "AS118", 3, 1),
    (_D + "name: [x]\n", "AS118", 3, 1),
    ("name: x\ndescription: 5\n", "AS118", 3, 1),
    ("name: x\ndescription: 2026-11-20\n", "AS118", 3, 1),
    (_ND + "license: {name: MIT}\n", "AS118", 4, 1),
    (_ND + "allowed-tools: [Read, Bash]\n", "AS118", 4, 1),
    (_ND + "compatibility: 3.11\n", "AS118", 4, 1),
    (_ND + "metadata: text\n", "AS118", 4, 1),
    (_ND + "metadata:\n  a: b\n  version: 1.0\n", "AS118", 6, 3),
    (_ND + "metadata: {a: {b: c}}\n", "AS118", 4, 12),
    (_ND + "compatibility: ''\n", "AS119", 4, 1),
    (_ND + "compatibility: ' '\n", "AS119", 4, 1),
    (_ND + "compatibility: " + "c" * 501 + "\n", "AS119", 4, 1),
]


@pytest.mark.parametrize(("fields", "code", "line", "column"), NOTED)
def test_a_deviation_is_noted_at_its_place_and_raised_there_when_strict(
    fields: str, code: str, line: int, column: int
) -> None:
    text = f"---\n{fields}---\n"

    skill = parse(text, PATH)

    assert (code, line, column) in codes(skill)
    first = next(f for f in skill.findings if f.severity == "error")
    assert refused(text, strict=True) == (first.code, first.line, first.column)


@pytest.mark.parametrize(
    ("source", "code", "line", "column"),
    [
        (b"caf\xe9\n", "AS101", 1, 4),
        (b"\xef\xbb\xbfcaf\xe9\n", "AS101", 1, 4),
        ("# Title\n", "AS103", 1, 1),
        ("---\nname: x\n", "AS104", 1, 1),
        ("---\nname: x\n\tb: c\n---\n", "AS105", 3, 1),
        ("---\na: *b\n---\n", "AS108", 2, 4),
        ("---\n- a\n---\n", "AS109", 2, 1),
        (b"---\n" + b"x" * MAX_BYTES, "AS110", 1, 1),
        ("---\na: " + "x" * 65_536 + "\n---\n", "AS110", 1, 1),
        ("---\nname: x\n---\n", "AS115", 1, 1),
        ("---\nname: x\ndescription: ''\n---\n", "AS115", 3, 1),
        ("---\nname: x\ndescription:\n---\n", "AS115", 3, 1),
        ("---\nname: x\ndescription: [a, b]\n---\n", "AS115", 3, 1),
        ("---\nname: x\ndescription: a\x1bb\n---\n", "AS121", 3, 15),
    ],
)
def test_what_cannot_be_used_at_all_is_refused_at_its_place(
    source: str | bytes, code: str, line: int, column: int
) -> None:
    assert refused(source) == (code, line, column)
    assert SEVERITIES[code] == "error"


def test_every_parser_code_has_a_case_here_or_with_the_scan() -> None:
    cases = {code for _, code, *_ in NOTED} | {"AS101", "AS102", "AS103", "AS104", "AS105", "AS108", "AS109"}
    cases |= {"AS110", "AS115", "AS121"} | {"AS120"}  # AS120 is about the file's name: test_scan.py

    package = Path(airskills.__file__).parent
    parsers = [package / f"{name}.py" for name in ("skill", "frontmatter", "scan")]
    assert cases == {
        code for path in parsers for code in re.findall(r'"(AS1\d\d)"', path.read_text(encoding="utf-8"))
    }


def test_limits_are_inclusive() -> None:
    text = f"---\nname: {'a' * 64}\ndescription: {'d' * 1024}\ncompatibility: {'c' * 500}\n---\n"

    assert parse(text, f"{'a' * 64}/SKILL.md", strict=True).findings == ()


def test_a_file_of_exactly_ten_mebibytes_is_read_and_one_byte_more_is_not() -> None:
    text = HEAD.encode()
    body = b"x" * (MAX_BYTES - len(text))

    assert len(parse(text + body, PATH).body) == len(body) + 1
    assert refused(text + body + b"x") == ("AS110", 1, 1)


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        (HEAD.encode() + b"\n\xff", 6, 1),
        ("---\nname: x\ndescription: é".encode() + b"\xff\n---\n", 3, 15),
        ("\ufeff---\r\nname: x\r\ndescription: é".encode() + b"\xff\r\n---\r\n", 3, 15),
        ("---\nname: x\ndescription: é\ud800\n---\n", 3, 15),
        (HEAD + "\n\udc80", 6, 1),
    ],
)
def test_what_is_no_unicode_is_replaced_and_noted_at_its_character(
    source: str | bytes, line: int, column: int
) -> None:
    skill = parse(source, PATH)

    assert ("AS101", line, column) in codes(skill)
    assert "\ufffd" in skill.raw
    skill.raw.encode()


def test_findings_come_in_the_order_of_the_file_and_print_like_a_compiler() -> None:
    skill = parse("---\nversion: 1\nname: Y\ndescription: a: b\n---\n", PATH)

    assert codes(skill) == [("AS117", 2, 1), ("AS112", 3, 1), ("AS114", 3, 1), ("AS106", 4, 1)]
    assert str(skill.findings[0]) == (
        "skills/x/SKILL.md:2:1: AS117 The specification has no field 'version'\n"
        "    help: Move it into metadata, as a string"
    )
    assert skill.findings[0].as_dict()["severity"] == "error"


def test_a_finding_without_help_is_one_line() -> None:
    assert str(Finding("a/SKILL.md", 1, 1, "AS803", "The skill 'a' is hidden")) == (
        "a/SKILL.md:1:1: AS803 The skill 'a' is hidden"
    )


@pytest.mark.parametrize(
    "error",
    [
        AirskillsError("m", help="h"),
        SkillSyntaxError("p", 1, 2, "AS105", "m", help="h"),
        UnknownSkillError("x", ["y"], note="; n"),
        UnsafePathError("../x", "it climbs"),
        SkillFileNotFoundError("x", "a.md", ["b.md"]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_cross_processes_whole(error: AirskillsError) -> None:
    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))


# -- the body -----------------------------------------------------------------------------------------------------

BODY = """\
# Using `x`\\* &amp; [y](y.md) ![z](z.png)

Setext
heading
-------

    indented code

```python title="a" {proof="static: needs {CUDA}" skip n=1 q='z'}
a = 1
```

- item

  ~~~~ Text
  ~~~
  b

  c
  ~~~~

1. > ```
   > quoted
   > ```

### Deeper ###

``` {bash}
unclosed
"""


def test_headings_have_level_plain_text_and_line() -> None:
    found = [(heading.level, heading.text, heading.line) for heading in parse(HEAD + BODY, PATH).headings]

    assert found == [(1, "Using x* & y z", 5), (2, "Setext heading", 7), (3, "Deeper", 30)]


def test_code_blocks_have_language_attributes_text_and_exact_lines() -> None:
    blocks = parse(HEAD + BODY, PATH).blocks

    assert [(b.language, b.text, b.line, b.first_line) for b in blocks] == [
        ("", "indented code\n", 11, 11),
        ("python", "a = 1\n", 13, 14),
        ("text", "~~~\nb\n\nc\n", 19, 20),
        ("", "quoted\n", 26, 27),
        ("", "unclosed\n", 32, 33),
    ]
    assert blocks[1].attributes == {"proof": "static: needs {CUDA}", "skip": "", "n": "1", "q": "z"}
    assert blocks[4].attributes == {"bash": ""}
    assert {b.section for b in blocks} == {"Setext heading"}


def test_a_block_belongs_to_the_level_two_heading_above_it() -> None:
    text = HEAD + "```\n1\n```\n## A `b`\n```\n2\n```\n### C\n```\n3\n```\n# D\n```\n4\n```\n"

    assert [block.section for block in parse(text, PATH).blocks] == ["", "A b", "A b", ""]


def test_links_have_target_text_and_exact_line() -> None:
    text = HEAD + (
        "# [h](h.md)\n\n"  # 5
        "a `code\nspan` [b](<b c.md>\n'title') <https://d.e/ü?q=%26>\n[f][R] ![g\nh](g\\_1.png) [i]\n\n"  # 7
        "| j | k |\n|---|---|\n| x | [l](l.md#m) |\n\n"  # 13
        "> - [![n](n.png)](n.md)\n>   <o@p.q> `[no](no.md)`\n\n"  # 17
        "```\n[no](no.md)\n```\n\n[r]: r.md 'unused title'\n[i]: javascript:alert(1)\n"
    )

    found = [(link.target, link.text, link.line) for link in parse(text, PATH).links]

    assert found == [
        ("h.md", "h", 5),
        ("b c.md", "b", 8),
        ("https://d.e/ü?q=%26", "https://d.e/ü?q=%26", 9),
        ("r.md", "f", 10),
        ("g_1.png", "g h", 10),
        ("javascript:alert(1)", "i", 11),
        ("l.md#m", "l", 15),
        ("n.md", "n", 17),
        ("n.png", "n", 17),
        ("mailto:o@p.q", "o@p.q", 18),
    ]


def test_a_section_runs_to_the_next_heading_of_its_level() -> None:
    skill = parse(HEAD + "# T\n## A\na\n### B\nb\n```\n## no heading\n```\n## C\nc\n\n", PATH)

    assert skill.section(" a ") == "## A\na\n### B\nb\n```\n## no heading\n```\n"
    assert skill.section("B") == "### B\nb\n```\n## no heading\n```\n"
    assert skill.section("c") == "## C\nc\n"
    assert skill.section("D") is None


def test_an_empty_body_has_nothing_in_it() -> None:
    skill = parse("---\nname: x\ndescription: d\n---", PATH)

    assert (skill.body, skill.headings, skill.blocks, skill.links) == ("", (), (), ())


def test_hostile_brackets_do_not_hold_up_headings_and_blocks() -> None:
    skill = parse(HEAD + "# " + "[" * 50_000 + "\n" + "![" * 50_000 + "\n\n```\nx\n```\n", PATH)

    assert skill.headings[0].text == "[" * 50_000
    assert skill.blocks[0].text == "x\n"


# -- properties ---------------------------------------------------------------------------------------------------

_anything = st.characters(exclude_categories=())  # lone surrogates too
_yamlish = st.text(st.one_of(st.sampled_from("\n\n:- #'\"|>[]{}&*!,ab~"), _anything), max_size=80)
_markdown = st.one_of(
    st.text(_anything, max_size=200),
    st.lists(
        st.sampled_from(
            [
                *(
                    "# ",
                    "## a",
                    "\n",
                    "\n\n",
                    "```",
                    "~~~",
                    "    ",
                    "- ",
                    "1. ",
                    "> ",
                    "[a](b)",
                    "![",
                    "](",
                    "`",
                    "é",
                ),
                *(
                    "|a|b|\n|-|-|\n|",
                    "[r]",
                    "[r]: x\n",
                    "*",
                    "_",
                    "\\",
                    "&amp;",
                    "<!--",
                    "{",
                    '{a="',
                    "}",
                    "\t",
                ),
                *("<a@b.c>", "===", "\x00", "\x0c", "\u2028", "\u00a0", "---", "<div>"),
            ]
        ),
        max_size=30,
    ).map("".join),
)


def read(source: str | bytes, *, strict: bool) -> Skill | SkillSyntaxError:
    try:
        return parse(source, PATH, strict=strict)
    except SkillSyntaxError as error:
        return error


@settings(max_examples=300, deadline=None)
@given(
    source=st.one_of(
        st.binary(max_size=80),
        st.binary(max_size=40).map(lambda raw: b"---\nname: x\ndescription: " + raw + b"\n---\n" + raw),
        st.text(_anything, max_size=80),
        _yamlish.map(lambda text: f"---\n{text}\n---\n{text}"),
        _yamlish.map(lambda text: f"---\ndescription: {text}\n---\n{text}"),
    ),
    strict=st.booleans(),
    loader=st.sampled_from(["CSafeLoader", "SafeLoader"]),
)
def test_any_input_is_a_skill_or_a_syntax_error(source: str | bytes, loader: str, *, strict: bool) -> None:
    with mock.patch.object(yaml, "CSafeLoader", getattr(yaml, loader)):
        skill = read(source, strict=strict)

    if isinstance(skill, SkillSyntaxError):
        assert skill.code in SEVERITIES
        assert min(skill.line, skill.column) >= 1
    else:
        lines = skill.raw.count("\n") + 1
        assert skill.name == skill.name.strip()
        assert skill.description
        assert all(1 <= finding.line <= lines for finding in skill.findings)
        assert all(isinstance(value, str) for value in skill.metadata.values())
        skill.raw.encode()
        assert parse(skill.raw, PATH) == skill.replace(
            findings=tuple(f for f in skill.findings if f.code not in {"AS101", "AS102"})
        )


@settings(max_examples=300, deadline=None)
@given(_markdown)
def test_headings_blocks_and_links_of_any_text_lie_in_its_lines(body: str) -> None:
    skill = parse(HEAD + body, PATH)
    lines = [*[""] * (skill.body_line - 1), *skill.body.split("\n")]

    assert all(skill.body_line <= heading.line <= len(lines) for heading in skill.headings)
    assert all(skill.body_line <= link.line <= len(lines) for link in skill.links)
    assert [link.line for link in skill.links] == sorted(link.line for link in skill.links)
    for block in skill.blocks:
        shown = block.text.removesuffix("\n").split("\n") if block.text else []
        at = block.first_line - 1
        for number, line in enumerate(shown):
            assert lines[at + number].replace("\0", "\ufffd").endswith(line.lstrip()), (block, number)
    for heading in skill.headings:
        assert skill.section(heading.text) is not None
