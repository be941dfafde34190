"""The frontmatter alone: fences, the two YAML readers, repairs, and what is refused where."""

from __future__ import annotations

import string
import subprocess
import sys
from unittest import mock

import pytest
import yaml
from hypothesis import event, given, settings
from hypothesis import strategies as st

from airskills import frontmatter
from airskills.errors import SkillSyntaxError


def refused(source: str) -> SkillSyntaxError:
    with pytest.raises(SkillSyntaxError) as caught:
        frontmatter.read(source, "SKILL.md")
    return caught.value


# -- fences -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "source", "body", "body_line"),
    [
        ("---\na: b\n---\nbody\n", "a: b\n", "body\n", 4),
        ("---  \na: b\n---\t\nbody", "a: b\n", "body", 4),
        ("---\na: b\n---", "a: b\n", "", 4),
        ("---\n---\n\nx", "", "\nx", 3),
        ("---\na: 1 --- 2\nb: ---x\n---\n", "a: 1 --- 2\nb: ---x\n", "", 5),
        ("---\na: |\n  ---\n---\nbody", "a: |\n  ---\n", "body", 5),
        ("---\na: b\n---\nx\n---\ny\n", "a: b\n", "x\n---\ny\n", 4),
    ],
    ids=["plain", "blanks", "no-end", "empty", "inside-value", "in-block-scalar", "rule-in-body"],
)
def test_split_cuts_at_lines_of_exactly_three_hyphens(
    text: str, source: str, body: str, body_line: int
) -> None:
    cut = frontmatter.split(text, "SKILL.md")

    assert (cut.yaml, cut.body, cut.body_line) == (source, body, body_line)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "AS103"),
        ("# Title\n", "AS103"),
        (" ---\na: b\n---\n", "AS103"),
        ("\n---\na: b\n---\n", "AS103"),
        ("----\na: b\n---\n", "AS103"),
        ("---", "AS104"),
        ("---\n", "AS104"),
        ("---\na: b\n", "AS104"),
        ("---\na: b\n ---\n", "AS104"),
        ("---\na: b\n----\n", "AS104"),
        ("---\na: " + "x" * 64 * 1024 + "\n---\n", "AS110"),
    ],
)
def test_split_refuses_what_has_no_two_fences_or_too_much_between_them(text: str, code: str) -> None:
    with pytest.raises(SkillSyntaxError) as caught:
        frontmatter.split(text, "SKILL.md")

    assert (caught.value.code, caught.value.line, caught.value.column) == (code, 1, 1)


def test_split_takes_a_frontmatter_of_exactly_the_limit() -> None:
    source = "a: " + "x" * (frontmatter.MAX_FRONTMATTER_CHARACTERS - 4) + "\n"

    assert frontmatter.split(f"---\n{source}---\n", "SKILL.md").yaml == source


# -- values and positions -----------------------------------------------------------------------------------------


def test_fields_texts_and_positions_of_every_kind_of_value() -> None:
    source = (
        "name: x\n"
        "metadata: {a: 1.10, b: [c, 'd']}\n"
        "flag: yes\n"
        "none: ~\n"
        "day: 2026-11-20\n"
        "octal: 0o17\n"
        "folded: >\n"
        "  two\n"
        "  lines\n"
    )

    found = frontmatter.read(source, "SKILL.md")

    assert found.fields == {
        "name": "x",
        "metadata": {"a": 1.1, "b": ["c", "d"]},
        "flag": True,
        "none": None,
        "day": "2026-11-20",
        "octal": "0o17",
        "folded": "two lines\n",
    }
    assert found.texts["metadata", "a"] == "1.10"
    assert found.positions["metadata.a"] == (3, 12)
    assert found.positions["metadata.b"] == (3, 21)
    assert found.positions["folded"] == (8, 1)
    assert [frontmatter.is_string(found.fields[key]) for key in ("name", "day", "octal", "flag")] == [
        True,
        False,
        True,  # YAML 1.1 has no 0o: it is text
        False,
    ]


def test_only_a_line_feed_ends_a_line_of_the_file() -> None:
    # YAML also counts U+0085, U+2028 and U+2029 as line ends; editors and we do not.
    found = frontmatter.read('a: "é\u2028\u0085\u2029b"\nc: {d: é}\n', "SKILL.md")

    assert found.positions == {"a": (2, 1), "c": (3, 1), "c.d": (3, 5)}


def test_first_of_duplicate_keys_counts_and_the_second_is_reported_where_it_stands() -> None:
    found = frontmatter.read("a: 1\nb: {c: x, c: y}\na: 2\n", "SKILL.md")

    assert found.fields == {"a": 1, "b": {"c": "x"}}
    assert found.duplicates == (("b.c", (3, 11)), ("a", (4, 1)))


# -- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "code", "line", "column"),
    [
        ("name: x\n\tb: y\n", "AS105", 3, 1),
        ("name: [x\n", "AS105", 3, 1),
        ("a: é\nb: !!binary eA==\n", "AS105", 3, 4),
        ("a: !!python/object/apply:os.system [ls]\n", "AS105", 2, 4),
        ("a: x\nb: {c: !set {d: e}}\n", "AS105", 3, 8),
        ("a: x\n...\nb: y\n", "AS105", 4, 1),
        ("- a\n- b\n", "AS109", 2, 1),
        ("# note\n- a\n", "AS109", 3, 1),
        ("just text\n", "AS109", 2, 1),
        ("", "AS109", 2, 1),
        ("a: &x 1\n", "AS108", 2, 4),
        ("a: x\nb: [y, *c]\n", "AS108", 3, 8),
        # the mapping is level 1 and the first bracket level 2, so the 16th bracket is level 17
        ("a: " + "[" * 60_000, "AS108", 2, 4 + 15),
        ("a: x\nb: \x07\n", "AS121", 3, 4),
        ("a: é\x00\n", "AS121", 2, 5),
        ("a: \x7f\n", "AS121", 2, 4),
        ("a: \ud800\n", "AS121", 2, 4),
    ],
)
def test_what_is_refused_is_refused_at_its_line_and_column(
    source: str, code: str, line: int, column: int
) -> None:
    error = refused(source)

    assert (error.code, error.line, error.column) == (code, line, column)


def test_an_alias_bomb_is_refused_before_it_is_built() -> None:
    # nine levels of nine: 9^9 = 387,420,489 strings when expanded
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{after}: &{after} [{','.join([f'*{before}'] * 9)}]\n"
        for before, after in zip("abcdefgh", "bcdefghi", strict=True)
    )

    assert refused(bomb).code == "AS108"


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
@pytest.mark.parametrize("source", ['a: "\\U00110000"\n', "a: " + "{" * 500, "? " * 500, "a: 'x"])
def test_hostile_yaml_is_refused_with_and_without_libyaml(loader: str, source: str) -> None:
    with mock.patch.object(yaml, "CSafeLoader", getattr(yaml, loader)):
        assert refused(source).code in {"AS105", "AS108"}


def test_a_number_of_many_digits_is_no_reason_to_fail() -> None:
    assert frontmatter.read("a: !!int " + "9" * 5_000, "SKILL.md").fields == {"a": float("inf")}


# -- repair -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "fields", "repaired"),
    [
        ("d: Use when: asked\n", {"d": "Use when: asked"}, [("d", (2, 1))]),
        ("d: Ends with:\n", {"d": "Ends with:"}, [("d", (2, 1))]),
        (
            'd: say "x": C:\\temp\n  and: more\nn: y\n',
            {"d": 'say "x": C:\\temp and: more', "n": "y"},
            [("d", (2, 1))],
        ),
        ("d: one\n  two: three\n\n  four\n", {"d": "one two: three\nfour"}, [("d", (2, 1))]),
        ("m:\n  k: a: b\n  l: c\n", {"m": {"k": "a: b", "l": "c"}}, [("k", (3, 3))]),
        ("d: a: b\ne: |\n  Note: c: d\n", {"d": "a: b", "e": "Note: c: d\n"}, [("d", (2, 1))]),
        ('d: a: b\ne: "x\n  y: z"\n', {"d": "a: b", "e": "x y: z"}, [("d", (2, 1))]),
        ("d: a: b\nl: MIT # see: LICENSE\n", {"d": "a: b", "l": "MIT"}, [("d", (2, 1))]),
        ("d: a: b\nu: https://x.y\n", {"d": "a: b", "u": "https://x.y"}, [("d", (2, 1))]),
    ],
    ids=["one", "at-end", "many-lines", "blank-line", "nested", "block-scalar", "quoted", "comment", "url"],
)
def test_unquoted_colons_are_repaired_and_nothing_else_is_touched(
    source: str, fields: dict[str, object], repaired: list[tuple[str, tuple[int, int]]]
) -> None:
    found = frontmatter.read(source, "SKILL.md")

    assert found.fields == fields
    assert list(found.repaired) == repaired


def test_where_the_repair_does_not_help_the_first_error_is_told() -> None:
    error = refused("d: a: b\ne: [c\n")

    assert (error.code, error.line, error.column) == ("AS105", 2, 5)


# -- the two readers ----------------------------------------------------------------------------------------------

_KEYS = ["name", "metadata", "b-c", "k_1", "yes", "Null", "a.b", "1", "- a", "? a", "#", "é", "x" * 101]
_VALUES = [
    *(
        "",
        "a",
        "x y",
        "No",
        "yes",
        "On",
        "null",
        "~",
        "y",
        "N",
        "TRUE",
        "1",
        "1.0",
        "0x1",
        ".inf",
        "2026-11-20",
        "1:30",
    ),
    *(
        "e.g. (this), that/those + a=b @c_d",
        "it's",
        'a "b"',
        "a-",
        "a - b",
        "- a",
        "a#b",
        "a #b",
        "#",
        "a:b",
        "a: b",
    ),
    *(
        "a:",
        ":a",
        "http://x",
        '"d"',
        '"a b: c"',
        '"a\\nb"',
        '"a" b',
        '""',
        "'q'",
        "'it''s'",
        "''",
        "'",
        '"',
        "[a]",
    ),
    *(
        "{a: b}",
        "&a",
        "*a",
        "!t",
        "|",
        ">",
        "%",
        "`",
        "=",
        "<<",
        "a ",
        "a\t",
        "\\",
        "é",
        "a,",
        "a, b",
        "a]",
        "a}",
        "---",
    ),
    *("...", "a ? b", "?", ", a", "a\x85b"),
]
_GOOD = [f"k{n}: {value}" for n, value in enumerate(["a", "x y", '"d: #"', "'q'", "a, (b)"])]
_GOOD += [f"m{n}:\n  a: x\n  b: 'y'" for n in range(3)]
_LINES = [
    f"{indent}{key}:{space}{value}"
    for indent, space in (("", " "), ("", ""), ("", "  "), (" ", " "), ("  ", " "), ("    ", " "))
    for key in _KEYS
    for value in (_VALUES if key in {"name", "metadata"} else ["", "a", "1"])
]
_sources = st.builds(
    "{}{}".format,
    st.lists(st.sampled_from([*_GOOD * 400, *_LINES]), max_size=6).map("\n".join),
    st.sampled_from(["", "\n", "\n\n", "\n# x", "\n "]),
)


def _assert_readers_agree(source: str) -> bool:
    """True where the fast reader answered at all."""
    fast = frontmatter._read_plain(source, 2)
    if fast is not None:
        slow = frontmatter._read_yaml(source, "SKILL.md", 2)
        assert fast == slow, source
        assert list(fast.fields) == list(slow.fields), source
    return fast is not None


def test_the_fast_reader_agrees_with_yaml_on_every_line_after_every_kind_of_line() -> None:
    firsts = ["", "first: a\n", "parent:\n", "parent:\n  first: a\n", "parent:\n    first: a\n", "q: 'x\n"]
    answered = sum(_assert_readers_agree(f"{first}{line}\n") for first in firsts for line in _LINES)

    assert answered > 100


@settings(max_examples=300, deadline=None)
@given(_sources)
def test_the_fast_reader_agrees_with_yaml_wherever_it_answers(source: str) -> None:
    event(f"answered: {_assert_readers_agree(source)}")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(string.ascii_letters + string.digits + " ,.()/'+=@_\"-", max_size=20), max_size=4))
def test_plain_text_values_survive_either_reader(texts: list[str]) -> None:
    fields = {f"key-{number}": f"A{text}." for number, text in enumerate(["", *texts])}

    found = frontmatter.read("".join(f"{key}: {value}\n" for key, value in fields.items()), "SKILL.md")

    assert found.fields == fields


@settings(max_examples=100, deadline=None)
@given(st.one_of(_sources, st.text(st.characters(), max_size=60)))
def test_reading_any_text_gives_fields_or_a_typed_refusal(source: str) -> None:
    try:
        places = list(frontmatter.read(source, "SKILL.md").positions.values())
    except SkillSyntaxError as error:
        places = [(error.line, error.column)]

    lines = source.count("\n") + 1
    assert all(2 <= line <= lines + 1 and column >= 1 for line, column in places)


def test_plain_frontmatter_is_read_without_yaml_markdown_or_dataclasses() -> None:
    text = (
        "---\nname: x\ndescription: Does it. Use when asked, e.g. (now).\nlicense: MIT\n"
        'metadata:\n  airskills-version: "1.2.0"\n  airskills-tags: a b\n---\n\n# Title\n'
    )
    program = (
        "import sys; from airskills import parse\n"
        f"skill = parse({text!r}, 'x/SKILL.md'); assert not skill.findings\n"
        "print([m for m in ('yaml', 'markdown_it', 'dataclasses', 'typing', 'json') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
