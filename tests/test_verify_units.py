"""Units: which Python of a skill is proven together, and where its lines stand in the files."""

from __future__ import annotations

import pytest

from airskills.folder import folder_from
from airskills.verify.units import Unit, units_of

HEAD = "---\nname: demo\ndescription: Shows units.\n---\n# Demo\n\n"


def units(body: str, **files: str) -> tuple[Unit, ...]:
    return units_of(folder_from("demo", {"SKILL.md": HEAD + body, **files})).units


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import a, b.c", {"a", "b", "c"}),
        ("from a import b as c", {"a", "import", "b", "as", "c"}),
        ("import a, \\\n  b", {"a", "b"}),
        ("import a\nb = 1", {"a"}),
        ("a = 1  # important", set()),
    ],
)
def test_every_module_that_is_imported_is_among_the_words_behind_import(source: str, words: set[str]) -> None:
    assert Unit(source, ()).imports == words


def test_the_blocks_of_a_section_are_one_unit_and_what_must_fail_is_one_of_its_own() -> None:
    body = '## One\n\n```python\na = 1\n```\n\n```python {proof="fails: keyword"}\nb\n```\n\n```python\nc\n```\n\n## Two\n\n```python\nd\n```\n'
    found = units(body)
    assert [unit.source for unit in found] == ["a = 1\nb", "a = 1\nc", "d"]
    assert [[piece.carried for piece in unit.pieces] for unit in found] == [
        [True, False],
        [False] * 2,
        [False],
    ]


def test_a_point_of_a_unit_is_found_in_its_file_whatever_stands_before_its_lines() -> None:
    body = "1. In a list:\n\n   ```python\n   if a:\n       b\n   ```\n\n```python\nc\n```\n"
    (unit,) = units(body)
    assert unit.source == "if a:\n    b\nc"
    assert [unit.place(line, column) for line, column in ((1, 3), (2, 4), (3, 0))] == [
        ("demo/SKILL.md", 10, 7),
        ("demo/SKILL.md", 11, 8),
        ("demo/SKILL.md", 15, 1),
    ]


def test_the_new_of_a_fact_stands_where_the_yaml_has_it() -> None:
    facts = "- id: a\n  old: x(\n  new: |\n    import a\n    a.b\n- id: b\n  new: c.d\n"
    block, plain = units("", **{"facts.yaml": facts})
    assert block.place(2, 2) == ("demo/facts.yaml", 5, 7)
    assert plain.place(1, 2)[:2] == ("demo/facts.yaml", 7)


def test_a_script_with_prompts_is_read_and_its_columns_are_those_of_the_file() -> None:
    (unit,) = units("", **{"scripts/a.py": ">>> import a\n>>> a.b\n"})
    assert unit.place(2, 2) == ("demo/scripts/a.py", 2, 7)
    (plain,) = units("", **{"scripts/a.py": "import a\na.b\n"})
    assert plain.place(2, 2) == ("demo/scripts/a.py", 2, 3)


def test_what_cannot_be_read_is_an_entry_at_its_line() -> None:
    found = units_of(
        folder_from(
            "demo",
            {
                "SKILL.md": HEAD + "```python\na = 1\nb = = 2\n```\n",
                "scripts/a.py": "a = 1\n\nb = (\n",
                "facts.yaml": "- id: a\n  new: a b\n",
            },
        )
    )
    assert not found.units
    assert [(entry.path, entry.line, entry.code) for entry in found.entries] == [
        ("demo/SKILL.md", 9, "AV106"),
        ("demo/scripts/a.py", 3, "AV106"),
        ("demo/facts.yaml", 2, "AV106"),
    ]
