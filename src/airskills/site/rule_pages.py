"""One page for each rule and code, and the page that lists them; the text is that of `airskills rule`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from textwrap import dedent

from airskills import codes
from airskills.rules import FAMILIES, RULES, fixable, page, title
from airskills.site.render import render

_INDENTED = re.compile(r"\n(?:\n`(?P<file>[^`\n]+)`\n)?\n(?P<code>    .*\n(?:(?:    .*)?\n)*)")
_LANGUAGES = {
    "md": "markdown",
    "py": "python",
    "sh": "sh",
    "toml": "toml",
    "yaml": "yaml",
    "json": "json",
    "js": "js",
}
_SPOKEN = re.compile(r"^Severity: .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Listed:
    """A rule or code as the list shows it."""

    code: str
    title: str
    severity: str
    fixable: bool


def families() -> dict[str, str]:
    """The first three characters of codes, and what such codes are about."""
    _load()
    found = {**FAMILIES, **codes.FAMILIES}
    return {key: found[key][:1].upper() + found[key][1:] for key in sorted(found)}


def listed() -> dict[str, list[Listed]]:
    """Every rule and code by its family."""
    _load()
    found = [Listed(code, title(rule), rule.severity, fixable(rule)) for code, rule in RULES.items()]
    found += [Listed(name, code.title, code.severity, fixable=False) for name, code in codes.CODES.items()]
    return {
        key: sorted((item for item in found if item.code[:3] == key), key=lambda item: item.code)
        for key in families()
    }


def pages() -> dict[str, str]:
    """The pages by path below the folder of rules."""
    said, rows = families(), listed()
    made = {"index.md": render("rules.md", families=said, rows=rows)}
    for item in _all(rows):
        text = page(RULES[item.code]) if item.code in RULES else codes.page(item.code)
        made[f"{item.code}.md"] = _framed(item, text)
    return made


def _framed(item: Listed, text: str) -> str:
    """A page with its title for the navigation, its severity as a badge, and the code of its examples colored as Markdown."""
    heading, _, rest = text.partition("\n")
    spoken = _SPOKEN.search(rest)
    facts = spoken[0] if spoken else ""
    return render(
        "rule.md",
        item=item,
        heading=heading,
        facts=facts.removeprefix(f"Severity: {item.severity}. "),
        rest=_fenced(rest.replace(facts, "", 1).strip("\n")),
    )


def _fenced(text: str) -> str:
    """The text with its indented code in fences, colored by the suffix of the file whose name stands above it."""

    def fence(match: re.Match[str]) -> str:
        code = dedent(match["code"]).rstrip("\n")
        marks = max([2, *(len(run) for run in re.findall(r"`+", code))]) * "`" + "`"
        suffix = (match["file"] or "").rpartition(".")[2]
        title = f' title="{match["file"]}"' if match["file"] else ""
        return f"\n\n{marks}{_LANGUAGES.get(suffix, 'text')}{title}\n{code}\n{marks}\n\n"

    return _INDENTED.sub(fence, text)


def _all(rows: dict[str, list[Listed]]) -> Iterator[Listed]:
    return (item for items in rows.values() for item in items)


def _load() -> None:
    """Codes are described where they are given."""
    for module in ("airskills.run.codes", "airskills.verify.codes"):
        import_module(module)
