"""Beside the reference library, skills-ref 0.1.1: the behaviours its own tests pin down, and where it errs.

The specification decides. A case says what the specification makes of it; our strict reading must agree with that
always, and skills-ref must agree too unless the case says in words why the specification is against it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import skills_ref

from airskills import Library, Skill, check, parse
from airskills.catalog import render
from airskills.errors import SkillSyntaxError
from airskills.record import Record
from airskills.settings import Settings

MakeSkill = Callable[..., Path]
GOOD = "name: my-skill\ndescription: A test skill\n"


class Case(Record):
    """A frontmatter, the code our strict reading gives it ("" for valid), and why skills-ref says otherwise."""

    fields: str
    code: str = ""
    folder: str = "my-skill"
    against_reference: str = ""


CASES = {
    # The cases of skills-ref's own tests.
    "minimal": Case(GOOD),
    "license and metadata": Case(GOOD + "license: MIT\nmetadata:\n  author: Test\n"),
    "allowed tools": Case(GOOD + "allowed-tools: Bash(jq:*) Bash(git:*)\n"),
    "compatibility": Case(GOOD + "compatibility: Requires Python 3.11+\n"),
    "no name": Case("description: A test skill\n", "AS111"),
    "no description": Case("name: my-skill\n", "AS115"),
    "broken yaml": Case("name: [invalid\ndescription: broken\n", "AS105"),
    "a list": Case("- just\n- a\n- list\n", "AS109"),
    "upper-case name": Case("name: MySkill\ndescription: d\n", "AS112", "MySkill"),
    "name of 70": Case(f"name: {'a' * 70}\ndescription: d\n", "AS113", "a" * 70),
    "name begins with a hyphen": Case("name: -my-skill\ndescription: d\n", "AS112", "-my-skill"),
    "two hyphens": Case("name: my--skill\ndescription: d\n", "AS112", "my--skill"),
    "underscore": Case("name: my_skill\ndescription: d\n", "AS112", "my_skill"),
    "folder of another name": Case("name: correct-name\ndescription: d\n", "AS114", "wrong-name"),
    "unknown field": Case(GOOD + "unknown_field: not here\n", "AS117"),
    "description of 1,100": Case(f"name: my-skill\ndescription: {'x' * 1100}\n", "AS116"),
    "compatibility of 550": Case(GOOD + f"compatibility: {'x' * 550}\n", "AS119"),
    "Russian upper-case name": Case("name: НАВЫК\ndescription: d\n", "AS112", "НАВЫК"),
    "metadata number": Case(
        GOOD + "metadata:\n  author: Test Author\n  version: 1.0\n",
        "AS118",
        against_reference="metadata maps strings to strings, and YAML reads 1.0 as a number; StrictYAML does not",
    ),
    "Chinese name": Case(
        "name: 技能\ndescription: d\n",
        "AS112",
        "技能",
        "a name holds a-z, 0-9 and hyphens; it accepts every letter",
    ),
    "Russian name": Case(
        "name: мой-навык\ndescription: d\n", "AS112", "мой-навык", "a name holds a-z, 0-9 and hyphens"
    ),
    "decomposed name": Case(
        "name: cafe\u0301\ndescription: d\n", "AS112", "caf\u00e9", "a name holds a-z, 0-9 and hyphens"
    ),
    # What its tests leave out.
    "name of 64": Case(f"name: {'a' * 64}\ndescription: d\n", "", "a" * 64),
    "description of 1,024": Case(f"name: my-skill\ndescription: {'x' * 1024}\n"),
    "compatibility of 500": Case(GOOD + f"compatibility: {'x' * 500}\n"),
    "name ends with a hyphen": Case("name: my-\ndescription: d\n", "AS112", "my-"),
    "empty description": Case("name: my-skill\ndescription:\n", "AS115"),
    "unquoted colon": Case("name: my-skill\ndescription: Use when: asked\n", "AS106"),
    "duplicate key": Case(GOOD + "description: again\n", "AS107"),
    "anchor": Case("name: my-skill\ndescription: &a d\nlicense: *a\n", "AS108"),
    "flow mapping": Case(
        GOOD + "metadata: {author: Test}\n", against_reference="flow syntax is YAML; StrictYAML refuses it"
    ),
    "nested metadata": Case(
        GOOD + "metadata:\n  a:\n    b: c\n", "AS118", against_reference="metadata maps strings to strings"
    ),
    "metadata text": Case(
        GOOD + "metadata: text\n", "AS118", against_reference="metadata is a mapping; it does not look"
    ),
    "list of tools": Case(
        GOOD + "allowed-tools:\n  - Read\n  - Bash\n",
        "AS118",
        against_reference="allowed-tools is one space-separated string; it does not look",
    ),
    "license mapping": Case(
        GOOD + "license:\n  name: MIT\n", "AS118", against_reference="license is a string; it does not look"
    ),
    "empty compatibility": Case(
        GOOD + "compatibility:\n", "AS118", against_reference="compatibility has 1 to 500 characters"
    ),
}


def strict(content: str | bytes, path: str) -> str:
    """Code of what our strict reading says of a file, "" where it has nothing to say."""
    try:
        parse(content, path, strict=True)
    except SkillSyntaxError as error:
        return error.code
    return ""


def write(root: Path, content: str | bytes, folder: str = "my-skill", name: str = "SKILL.md") -> Path:
    (root / folder).mkdir()
    (root / folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return root / folder


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_strict_reading_agrees_with_the_specification_and_the_reference_unless_it_errs(
    tmp_path: Path, case: Case
) -> None:
    text = f"---\n{case.fields}---\nBody\n"
    folder = write(tmp_path, text, case.folder)

    assert strict(text, f"{folder}/SKILL.md") == case.code
    reference_accepts = skills_ref.validate(folder) == []
    assert reference_accepts is ((case.code == "") is not bool(case.against_reference))


@pytest.mark.parametrize(
    ("content", "code"), [("# No frontmatter here", "AS103"), (f"---\n{GOOD}", "AS104"), ("", "AS103")]
)
def test_without_two_fences_neither_reads_a_skill(tmp_path: Path, content: str, code: str) -> None:
    folder = write(tmp_path, content)

    assert strict(content, f"{folder}/SKILL.md") == code
    with pytest.raises(skills_ref.ParseError):
        skills_ref.read_properties(folder)


def test_both_read_the_same_properties(tmp_path: Path) -> None:
    text = f"---\n{GOOD}license: MIT\nallowed-tools: Bash(jq:*) Read\nmetadata:\n  author: A B\n  version: 1.10\n---\n# T\n"
    folder = write(tmp_path, text)
    reference = skills_ref.read_properties(folder)

    skill = Library.open(folder).load("my-skill")

    assert (skill.name, skill.description) == (reference.name, reference.description)
    assert skill.fields["license"] == reference.license
    assert skill.fields["allowed-tools"] == reference.allowed_tools
    assert skill.metadata == reference.metadata == {"author": "A B", "version": "1.10"}
    assert skill.body == "# T\n"


@pytest.mark.parametrize("name", ["gone", "file.txt", "empty"])
def test_where_there_is_no_skill_both_say_so(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.txt").write_text("test")
    (tmp_path / "empty").mkdir()

    assert len(skills_ref.validate(tmp_path / name)) == 1
    if name == "empty":
        assert Library.open(tmp_path / name).names() == []
    else:
        with pytest.raises(FileNotFoundError):
            Library.open(tmp_path / name)


def test_skill_md_goes_before_its_lower_case_twin_in_both(tmp_path: Path) -> None:
    folder = write(tmp_path, f"---\n{GOOD}---\nupper\n")
    (folder / "skill.md").write_text("lower")

    assert skills_ref.find_skill_md(folder).name == "SKILL.md"
    assert Library.open(folder).load("my-skill").body == "upper\n"


# -- where the specification is against skills-ref ----------------------------------------------------------------


def test_lower_case_skill_md_is_no_skill_though_the_reference_takes_it(tmp_path: Path) -> None:
    # The file is named exactly SKILL.md.
    folder = write(tmp_path, f"---\n{GOOD}---\n", name="skill.md")
    library = Library.open(tmp_path)

    assert library.names() == []
    assert [finding.code for finding in library.findings] == ["AS120"]
    assert skills_ref.validate(folder) == []


def test_hyphens_inside_a_value_are_text_though_the_reference_cuts_there(tmp_path: Path) -> None:
    # Only a line of --- ends the frontmatter; skills-ref splits at any three hyphens and loses the rest in silence.
    text = "---\nname: my-skill\ndescription: Turns --- into rules\n---\nBody\n"
    folder = write(tmp_path, text)

    assert strict(text, f"{folder}/SKILL.md") == ""
    assert parse(text, f"{folder}/SKILL.md").description == "Turns --- into rules"
    assert skills_ref.validate(folder) == []
    assert skills_ref.read_properties(folder).description == "Turns"


def test_a_byte_order_mark_is_no_error_though_the_reference_sees_no_frontmatter(tmp_path: Path) -> None:
    # The specification does not speak of it; the text after it starts with ---.
    content = b"\xef\xbb\xbf" + f"---\n{GOOD}---\n".encode()
    folder = write(tmp_path, content)

    assert strict(content, f"{folder}/SKILL.md") == ""
    assert "must start with YAML frontmatter" in skills_ref.validate(folder)[0]


def test_bytes_that_are_no_utf_8_are_a_finding_though_the_reference_crashes(tmp_path: Path) -> None:
    content = b"---\nname: my-skill\ndescription: caf\xe9\n---\n"
    folder = write(tmp_path, content)

    assert strict(content, f"{folder}/SKILL.md") == "AS101"
    with pytest.raises(UnicodeDecodeError):
        skills_ref.validate(folder)


def test_the_working_folder_has_a_name_though_the_reference_knows_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write(tmp_path, f"---\n{GOOD}---\n"))

    assert Library.open(".").load("my-skill").findings == ()
    assert skills_ref.validate(Path()) == ["Directory name '' must match skill name 'my-skill'"]


PASSED_BY_THE_REFERENCE = {
    "three hyphens in a value": ("description: Turns --- into rules. Use when asked.\n", "# T\n", "AS123"),
    "markup in the description": ("description: Reads <b>logs</b>. Use when asked.\n", "# T\n", "AS124"),
    "empty body": ("description: Reads logs. Use when asked.\n", "", "AS201"),
    "body of 600 lines": ("description: Reads logs. Use when asked.\n", "line\n" * 600, "AS202"),
    "body of 7,000 tokens": ("description: Reads logs. Use when asked.\n", "word " * 8000, "AS203"),
    "broken link": ("description: Reads logs. Use when asked.\n", "[a](references/a.md)\n", "AS404"),
    "link out of the skill": ("description: Reads logs. Use when asked.\n", "[a](../other/a.md)\n", "AS401"),
    "license file that is missing": (
        "description: Reads logs.\nlicense: See LICENSE.txt\n",
        "# T\n",
        "AS122",
    ),
    "list of tools": ("description: Reads logs.\nallowed-tools:\n  - Read\n", "# T\n", "AS118"),
    "nested metadata": ("description: Reads logs.\nmetadata:\n  a:\n    b: c\n", "# T\n", "AS118"),
    "metadata text": ("description: Reads logs.\nmetadata: text\n", "# T\n", "AS118"),
    "license mapping": ("description: Reads logs.\nlicense:\n  name: MIT\n", "# T\n", "AS118"),
    "empty compatibility": ("description: Reads logs.\ncompatibility:\n", "# T\n", "AS118"),
}


@pytest.mark.parametrize(
    ("fields", "body", "code"), PASSED_BY_THE_REFERENCE.values(), ids=PASSED_BY_THE_REFERENCE.keys()
)
def test_what_the_reference_passes_is_a_finding_of_the_specification_profile(
    tmp_path: Path, fields: str, body: str, code: str
) -> None:
    folder = write(tmp_path, f"---\nname: my-skill\n{fields}---\n{body}")

    assert skills_ref.validate(folder) == []
    assert [finding.code for finding in check.run([folder], settings=Settings())] == [code]


def test_a_name_of_other_letters_is_a_finding_though_the_reference_accepts_every_letter(
    tmp_path: Path,
) -> None:
    folder = write(tmp_path, "---\nname: café\ndescription: Reads logs.\n---\n# T\n", "café")

    assert skills_ref.validate(folder) == []
    assert [finding.code for finding in check.run([folder], settings=Settings())] == ["AS112"]


def test_a_control_character_is_a_finding_and_not_silence(tmp_path: Path) -> None:
    folder = write(tmp_path, "---\nname: my-skill\ndescription: Reads\x1b[2K logs.\n---\n# T\n")

    assert [finding.code for finding in check.run([folder], settings=Settings())] == ["AS121"]


# -- the prompt ---------------------------------------------------------------------------------------------------


def listed(skills: list[Skill]) -> list[tuple[str | None, ...]]:
    prompt = render(skills, "xml").text
    tree = ET.fromstring(prompt[prompt.index("<available_skills>") :])
    return [tuple(skill.findtext(tag) for tag in ("name", "description", "location")) for skill in tree]


def test_the_prompt_lists_what_the_reference_lists(tmp_path: Path, make_skill: MakeSkill) -> None:
    folders = [
        make_skill(tmp_path, "skill-a", description="First skill"),
        make_skill(tmp_path, "skill-b", description="Use <foo> & <bar> tags"),
    ]
    reference = ET.fromstring(skills_ref.to_prompt(folders))

    ours = listed(list(Library.open(tmp_path)))

    assert ours == [
        tuple((skill.findtext(tag) or "").strip() for tag in ("name", "description", "location"))
        for skill in reference
    ]


def test_a_location_is_escaped_though_the_reference_forgets_it(tmp_path: Path, make_skill: MakeSkill) -> None:
    folder = make_skill(tmp_path / "a&b", "x")

    assert listed(list(Library.open(folder)))[0][2] == f"{folder}/SKILL.md"
    with pytest.raises(ET.ParseError):
        ET.fromstring(skills_ref.to_prompt([folder]))


def test_no_skills_make_no_prompt_though_the_reference_prints_an_empty_list() -> None:
    # Client guide: without skills there is no catalogue and there are no instructions.
    assert render([], "xml").text == ""
    assert skills_ref.to_prompt([]) == "<available_skills>\n</available_skills>"
