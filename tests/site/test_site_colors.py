"""Python in color: every character stays, and the parts have the classes that Pygments gives them."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown import Markdown

from airskills.site.colors import fence, plain, python

REPOSITORY = Path(__file__).resolve().parents[2]
FENCES = [
    {"name": name, "class": "highlight", "validator": plain, "format": fence} for name in ("python", "py")
]


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


def test_a_fence_is_shaped_as_the_builder_shapes_those_of_other_languages() -> None:
    extensions = ["attr_list", "pymdownx.highlight", "pymdownx.superfences"]
    settings = {
        "pymdownx.highlight": {"anchor_linenums": False, "pygments_lang_class": True},
        "pymdownx.superfences": {"custom_fences": FENCES},
    }
    page = Markdown(extensions=extensions, extension_configs=settings)
    theirs = page.convert("```toml\nx\n```")
    ours = page.convert("```py\nx\n```")

    assert re.sub(r"<span class=.*?>|(?<=x)</span>", "", theirs).replace("toml", "python") == ours
    assert 'class="filename">a.py<' in page.convert('```python title="a.py"\nx\n```')
