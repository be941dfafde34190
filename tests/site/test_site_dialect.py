"""What CommonMark says is what Python-Markdown makes of the converted text."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from pathlib import Path

import pytest
from markdown import Markdown
from markdown_it import MarkdownIt

from airskills.site.dialect import convert, without_title

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    [
        *REPOSITORY.glob("skills/*/SKILL.md"),
        *REPOSITORY.glob("skills/*/references/*.md"),
        *REPOSITORY.glob("docs/**/*.md"),
    ]
)
TAGS = frozenset(
    [
        "h1",
        "h2",
        "h3",
        "h4",
        "ul",
        "ol",
        "li",
        "table",
        "tr",
        "td",
        "th",
        "pre",
        "blockquote",
        "a",
        "strong",
        "em",
    ]
)


def built(text: str) -> str:
    text = convert(text, resolve=lambda target: target, mark=lambda _: "")
    extensions = ["attr_list", "md_in_html", "tables", "pymdownx.superfences"]
    return str(Markdown(extensions=extensions).convert(text))


def tags(html: str) -> Counter[str]:
    return Counter(tag for tag in re.findall(r"<([a-z0-9]+)[\s>]", html) if tag in TAGS)


def words(html: str) -> list[str]:
    return unescape(re.sub(r"<[^>]*>", "", html)).split()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_a_page_has_the_structure_and_the_words_that_commonmark_gives_it(path: Path) -> None:
    text = re.sub(r"\A---\n.*?\n---\n", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    expected = MarkdownIt("commonmark").enable("table").render(text)
    made = built(text)

    assert tags(made) == tags(expected)
    assert words(made) == words(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Text\n- a\n- b\n", "Text\n\n-   a\n-   b\n"),
        ("- a\n  - b\n    more\n", "-   a\n    -   b\n        more\n"),
        ('1. a\n   ```python {proof="x"}\n   x\n   ```\n', "1.  a\n\n    ```python\n    x\n    ```\n\n"),
        ("- a\n\n1. b\n", "-   a\n\n\n<!-- another list -->\n\n1.  b\n"),
        ("- a\n# H\n", "-   a\n# H\n"),
        ("Text\n| a |\n|---|\n", "Text\n\n| a |\n|---|\n"),
        ("In 1990\n2. was not an item\n", "In 1990\n2. was not an item\n"),
    ],
)
def test_what_differs_between_the_dialects_is_rewritten(text: str, expected: str) -> None:
    assert convert(text, resolve=lambda target: target, mark=lambda _: "") == expected


def test_links_are_resolved_outside_of_code_only() -> None:
    text = '[a](x.md) `[b](x.md)` ![c](x.md "t")\n\n```text\n[d](x.md)\n```\n\n[e]: x.md\n'
    made = convert(text, resolve=lambda target: f"../{target}", mark=lambda _: "")

    assert made.count("(../x.md") == 2
    assert "`[b](x.md)`" in made
    assert "[d](x.md)" in made
    assert "[e]: ../x.md" in made


def test_a_mark_stands_above_the_fence_of_its_line_in_the_file() -> None:
    made = convert(
        "Text\n\n```python\n1\n```\n", resolve=str, mark=lambda line: f"<p>{line}</p>", first_line=10
    )

    assert made == "Text\n\n<p>12</p>\n\n```python\n1\n```\n\n"


def test_the_title_is_taken_off_and_the_lines_are_counted() -> None:
    assert without_title("# A\n\nB\n") == ("A", "B\n", 2)
    assert without_title("B\n") == ("", "B\n", 0)
