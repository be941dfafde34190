"""The navigation as a list of links, in the form of literate-nav."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from airskills.site import api_pages, by_hand
from airskills.site.catalogue import Entry
from airskills.site.rule_pages import families, listed

FILE = "SUMMARY.md"
WRITTEN = {
    "rag": "RAG",
    "mlops-observability": "MLOps and observability",
}  # categories that are no plain words
# Pages written by hand that have a place of their own; a folder's other pages follow in the order of their names.
FIRST = ("start.md",)
PROJECT = ("project/roadmap.md", "project/coverage.md", "project/contributing.md", "project/changelog.md")


def summary(pages: Mapping[str, str], entries: Sequence[Entry]) -> str:
    """The whole navigation.

    Args:
        pages: every page by its path.
        entries: the skills.
    """
    lines = ["* [Home](index.md)"]
    lines += _section("Start", [*_titled(pages, FIRST), *_folder(pages, "tutorials")])
    lines += ["* Skills", "    * [Catalogue](skills/index.md)", *_skills(pages, entries)]
    lines += _section("Guides", _folder(pages, "guides"))
    lines += ["* Reference", *_reference(pages)]
    lines += _section("Explanation", [*_folder(pages, "explanation"), *_folder(pages, "decisions")])
    lines += [
        "* Experiments",
        *_links([*_folder(pages, "experiments"), *_folder(pages, "project/benchmarks")], 1),
    ]
    lines += _section("Project", _titled(pages, PROJECT))
    return "\n".join(lines) + "\n"


def _section(title: str, entries: Sequence[tuple[str, str]]) -> list[str]:
    return [f"* {title}", *_links(entries, 1)] if entries else []


def _links(entries: Sequence[tuple[str, str]], depth: int) -> list[str]:
    return [f"{'    ' * depth}* [{title}]({path})" for title, path in entries]


def _titled(pages: Mapping[str, str], paths: Sequence[str]) -> list[tuple[str, str]]:
    return [(by_hand.title(pages[path], path), path) for path in paths if path in pages]


def _folder(pages: Mapping[str, str], folder: str) -> list[tuple[str, str]]:
    """The pages below a folder, its own front page first."""
    inside = [path for path in pages if path.startswith(f"{folder}/")]
    return _titled(
        pages, sorted(inside, key=lambda path: (path.count("/"), not path.endswith("/index.md"), path))
    )


def _skills(pages: Mapping[str, str], entries: Sequence[Entry]) -> Iterator[str]:
    ordered = sorted(entries, key=lambda e: (e.category, e.name))
    for category, members in groupby(ordered, key=lambda e: e.category):
        yield f"    * {WRITTEN.get(category) or category.replace('-', ' ').capitalize() or 'Other'}"
        for entry in members:
            yield from _skill(pages, entry.name)


def _skill(pages: Mapping[str, str], name: str) -> Iterator[str]:
    folder = f"skills/{name}"
    yield f"        * {name}"
    yield f"            * [{name}]({folder}/index.md)"
    own = [path for path in pages if path.startswith(f"{folder}/") and path != f"{folder}/index.md"]
    last = {f"{folder}/code.md": "Examples and scripts", f"{folder}/proof.md": "Proof"}
    entries = _titled(pages, [path for path in sorted(own) if path not in last])
    entries += [(title, path) for path, title in last.items() if path in pages]
    yield from _links(entries, 3)


def _reference(pages: Mapping[str, str]) -> Iterator[str]:
    by_itself = [path for path in sorted(pages) if path.startswith("reference/") and path.count("/") == 1]
    yield from _links(_titled(pages, by_itself), 1)
    yield from ["    * Commands", "        * [Commands](reference/commands/index.md)"]
    commands = [(t.removeprefix("airskills "), p) for t, p in _folder(pages, "reference/commands")[1:]]
    yield from _links(commands, 2)
    yield from ["    * Rules", "        * [Rules and codes](reference/rules/index.md)"]
    for family, items in listed().items():
        if items:
            yield f"        * {family} {families()[family]}"
            yield from _links(
                [
                    (
                        f"{i.code} {i.title}".replace("[", "(").replace("]", ")"),
                        f"reference/rules/{i.code}.md",
                    )
                    for i in items
                ],
                3,
            )
    yield from ["    * Python API", "        * [Python API](reference/python/index.md)"]
    yield from _links(
        [(part.title, f"reference/python/{name}.md") for name, part in api_pages.PARTS.items()], 2
    )
