"""Python in color: every character stays, and the parts have the classes that Pygments gives them."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown import Markdown

from airskills.site.colors import accept, fence, python

REPOSITORY = Path(__file__).resolve().parents[2]
FENCES = [{"name": "*", "class": "highlight", "validator": accept, "format": fence}]
SETTINGS = {"anchor_linenums": False, "pygments_lang_class": True}


def bare(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html))


def spans(html: str) -> list[tuple[str, str]]:
    return [(kind, unescape(text)) for kind, text in re.findall(r'<span class="(\w+)">([^<]*)</span>', html)]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("if x: # not 'text'", [("k", "if"), ("o", ":"), ("c1", "# not 'text'")]),
        ("'# text' < 2.5e-3", [("s", "'# text'"), ("o", "<"), ("m", "2.5e-3")]),
        ("def f(self): pass", [("k", "def"), ("nf", "f"), ("o", "("), ("bp", "self"), ("o", "):"), ("k", "pass")]),
        ("class A(ValueError):", [("k", "class"), ("nc", "A"), ("o", "("), ("ne", "ValueError"), ("o", "):")]),
        ("    @a.b\n", [("nd", "    @a.b")]),
        ("a.print if_ not_in 0x1F", [("o", "."), ("m", "0x1F")]),
        ('    """Why."""\n', [("sd", '    """Why."""')]),
        ('x = """a\nb"""', [("o", "="), ("s", '"""a\nb"""')]),
        (r"'a\n' r'\n'", [("se", r"\n"), ("s", r"r'\n'")]),
        ("f'{len(x)} {{}}'", [("s", "f'"), ("si", "{"), ("nb", "len"), ("o", "("), ("o", ")"), ("si", "}"), ("s", " {{}}'")]),
        ("'{x}' 'b", [("s", "'{x}'")]),
    ],
)  # fmt: skip
def test_each_part_has_its_class(code: str, expected: list[tuple[str, str]]) -> None:
    assert spans(python(code)) == expected


@given(st.text(alphabet="ab0 \n\t.'\"#\\{}<>&;@=frdefclass()é", max_size=60))
def test_no_character_is_lost_or_added_and_every_span_ends(code: str) -> None:
    made = python(code)

    assert bare(made) == code
    assert made.count("<span") == made.count("</span>")


def test_the_code_of_this_repository_stays_as_it_is() -> None:
    for path in [*REPOSITORY.glob("skills/*/*/*.py"), *REPOSITORY.glob("src/airskills/*.py")]:
        assert bare(python(path.read_text(encoding="utf-8"))) == path.read_text(encoding="utf-8"), path


def page(fences: list[dict[str, object]], text: str) -> str:
    settings = {"pymdownx.highlight": SETTINGS, "pymdownx.superfences": {"custom_fences": fences}}
    extensions = ["attr_list", "pymdownx.highlight", "pymdownx.superfences"]
    return str(Markdown(extensions=extensions, extension_configs=settings).convert(text))


@pytest.mark.parametrize(
    "language", ["toml", "sh", "console", "json", "yaml", "markdown", "text", "", "no-such"]
)
def test_another_language_looks_as_the_builder_makes_it(language: str) -> None:
    text = f"```{language}\n\n# a < b && 'c' {{\"d\": 1}}\n\n$ e --f g\n\n```"

    assert page(FENCES, text) == page([], text)


@pytest.mark.parametrize("language", ["python", "py"])
def test_python_is_framed_as_the_builder_frames_it(language: str) -> None:
    text = f"```{language}\n\nx < y\n```"

    assert re.sub("<span.*?>", "<span>", page(FENCES, text)) == page([], text).replace(
        '<span class="n">x</span> <span class="o">&lt;</span> <span class="n">y</span>',
        "x <span>&lt;</span> y",
    )


def test_a_title_is_shown_as_the_builder_shows_it() -> None:
    text = '```toml title="a & b.toml"\nx\n```'

    assert page(FENCES, text) == page([], text)
