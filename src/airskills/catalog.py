"""Skills as an agent's prompt shows them: the catalogue within a budget (tier 1) and one wrapped skill (tier 2).

Source: client guide of the Agent Skills specification, "Disclose" and "Activate".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from airskills.errors import AirskillsError
from airskills.skill import Skill

Format = Literal["xml", "json", "markdown"]
CHARACTERS_PER_TOKEN = (
    3.6  # prose and code of our skills, measured low so that the estimate errs on the long side
)
MAX_LISTED_FILES = 40

# What XML 1.0 cannot hold (section 2.2), and lone surrogates, which no encoding can.
_UNPRINTABLE = r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]"  # takes 10 ms to compile

INSTRUCTIONS = (
    "These skills hold tested instructions for particular tools and tasks.\n"
    "When a task matches a description, read that skill's SKILL.md at its location first.\n"
    "Paths inside a skill are relative to the folder of its SKILL.md.\n"
)


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of a prompt: characters in all and for each description; None means no limit."""

    characters: int | None = None
    skill_characters: int | None = None


@dataclass(frozen=True, slots=True)
class Catalog:
    """A rendered catalogue.

    Attributes:
        text: what goes into the prompt; empty when there are no skills.
        shown: names in it.
        shortened: names whose description was cut.
        dropped: names that found no room.
    """

    text: str
    shown: tuple[str, ...] = ()
    shortened: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A skill as the catalogue shows it, each text on one line."""

    name: str
    description: str
    location: str


def estimate_tokens(text: str) -> int:
    """Tokens of `text`, estimated from its words, digits, marks and lines; no tokenizer is loaded.

    Against o200k_base on 401 Markdown files of two public libraries and ours: 6 % too few to 5 % too many in nine files of
    ten, 12 % and 15 % at the worst. (Characters alone: 13 % and 27 %, 40 % and 46 %.)
    """
    words = list(map(len, re.findall(r"[A-Za-z]+", text)))
    marks = re.findall(r"[!-/:-@\[-`{-~]+", text)
    counted = (
        (0.88, len(words)),
        (0.22, sum(length - 6 for length in words if length > 6)),
        (2.0, len(re.findall(r"[0-9]{1,3}", text))),
        (0.55, len(marks)),
        (0.2, sum(map(len, marks))),
        (0.75, len(re.findall(r"\n\s*", text))),
        (0.9, 0 if text.isascii() else len(re.findall(r"[^\x00-\x7f]", text))),
    )
    return round(sum(weight * count for weight, count in counted))


@cache
def clients() -> Mapping[str, Mapping[str, Any]]:
    """What is known of each client, with source and date.

    `listing_characters` and `skill_characters` limit its list of skills (None: no limit is known), in which each skill costs
    `overhead_characters` besides its name, its description and the `listed_fields`; `fields` are those of the
    frontmatter that it reads besides the specification's; `reserved` words may not stand in a name.
    """
    path = Path(__file__).with_name("data").joinpath("clients.json")
    return MappingProxyType(json.loads(path.read_text(encoding="utf-8")))


def client_budget(name: str) -> Budget:
    """The budget of a client.

    Raises:
        AirskillsError: the client is not among `clients()`.
    """
    known = clients()
    if name not in known:
        raise AirskillsError(
            f"No budget is known for the client {name!r}", help=f"Choose one of {', '.join(known)}"
        )
    found = known[name]
    characters, each = found["listing_characters"], found["skill_characters"]
    return Budget(int(characters) if characters else None, int(each) if each else None)


def render(skills: Iterable[Skill], form: Format = "xml", budget: Budget | None = None) -> Catalog:
    """Write the catalogue of `skills` so that it fits `budget`.

    Over budget, descriptions are cut to one common length first, then skills are left out from the end of the
    alphabet; what was cut is said in the text. No skills give an empty text: no heading, no instructions.

    Raises:
        AirskillsError: not even one name fits.
    """
    ordered = sorted(skills, key=lambda skill: skill.name)
    if not ordered:
        return Catalog("")
    budget = budget or Budget()
    longest = max(len(one_line(skill.description)) for skill in ordered)
    if budget.skill_characters is not None:
        longest = min(longest, budget.skill_characters)
    limit = budget.characters
    full = _catalog(ordered, (), form, longest)
    if limit is None or len(full.text) <= limit:
        return full
    width = _largest(0, longest, lambda width: len(_catalog(ordered, (), form, width).text) <= limit)
    if width is not None:
        return _catalog(ordered, (), form, width)
    count = _largest(
        1, len(ordered), lambda n: len(_catalog(ordered[:n], ordered[n:], form, 0).text) <= limit
    )
    if count is None:
        raise AirskillsError(f"No skill fits into {limit:,} characters", help="Raise the budget")
    return _catalog(ordered[:count], ordered[count:], form, 0)


def _catalog(shown: Sequence[Skill], dropped: Sequence[Skill], form: Format, width: int) -> Catalog:
    entries = [
        Entry(one_line(s.name), shorten(one_line(s.description), width), one_line(s.path)) for s in shown
    ]
    shortened = tuple(
        skill.name
        for skill, entry in zip(shown, entries, strict=True)
        if entry.description != one_line(skill.description)
    )
    left_out = tuple(skill.name for skill in dropped)
    text = _RENDERERS[form](entries, _note(len(shortened), left_out))
    return Catalog(text, tuple(skill.name for skill in shown), shortened, left_out)


def one_line(text: str) -> str:
    """`text` on one line, without the characters that XML cannot hold."""
    return " ".join(re.sub(_UNPRINTABLE, "\ufffd", text).split())


def shorten(text: str, width: int) -> str:
    """`text` cut at a word, at most `width` characters with the three dots; "" below four."""
    if len(text) <= width:
        return text
    if width < 4:
        return ""
    return (
        text[: width - 3].rpartition(" ")[0].rstrip(" ,;:.") + "..."
        if " " in text[: width - 3]
        else text[: width - 3] + "..."
    )


def _note(shortened: int, dropped: Sequence[str]) -> str:
    said = []
    if shortened:
        said.append(
            "1 description is shortened" if shortened == 1 else f"{shortened} descriptions are shortened"
        )
    if len(dropped) == 1:
        said.append(f"1 skill is left out ({one_line(dropped[0])})")
    elif dropped:
        said.append(f"{len(dropped)} skills are left out ({one_line(dropped[0])} to {one_line(dropped[-1])})")
    return f"To fit the budget, {' and '.join(said)}; `airskills search` finds them all." if said else ""


def _xml(entries: Sequence[Entry], note: str) -> str:
    lines = [INSTRUCTIONS + "<available_skills>"]
    for entry in entries:
        lines.append("  <skill>")
        lines.append(f"    <name>{_escape(entry.name)}</name>")
        if entry.description:
            lines.append(f"    <description>{_escape(entry.description)}</description>")
        lines.append(f"    <location>{_escape(entry.location)}</location>")
        lines.append("  </skill>")
    lines.append("</available_skills>")
    return "\n".join([*lines, *([note] if note else [])]) + "\n"


def _json(entries: Sequence[Entry], note: str) -> str:
    listed = [asdict(entry) for entry in entries]
    return json.dumps({"skills": listed, **({"note": note} if note else {})}, ensure_ascii=False) + "\n"


def _markdown(entries: Sequence[Entry], note: str) -> str:
    lines = [f"- **{e.name}**{': ' if e.description else ''}{e.description} ({e.location})" for e in entries]
    return "\n".join([INSTRUCTIONS, *lines, *(["", note] if note else [])]) + "\n"


_RENDERERS: dict[Format, Callable[[Sequence[Entry], str], str]] = {
    "xml": _xml,
    "json": _json,
    "markdown": _markdown,
}


def _largest(low: int, high: int, fits: Callable[[int], bool]) -> int | None:
    """The largest number from `low` to `high` that fits, by bisection; None where not even `low` does."""
    if not fits(low):
        return None
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def wrap(skill: Skill, listed: Sequence[str], *, cut: bool = False, place: str | None = None) -> str:
    """The skill as an activation answers with it: body, folder, and names of its other files.

    Args:
        skill: the skill.
        listed: its files, relative; SKILL.md is left out, and at most 40 are named.
        cut: the list given is itself incomplete.
        place: what to call its folder where the agent cannot read the real one.
    """
    name = _escape(one_line(skill.name)).replace('"', "&quot;")
    others = [path for path in listed if path != "SKILL.md"]
    named = [f"  <file>{_escape(one_line(path))}</file>" for path in others[:MAX_LISTED_FILES]]
    if cut or len(others) > MAX_LISTED_FILES:
        named.append("  <!-- more files exist; list the folder to see them -->")
    resources = ["", "<skill_resources>", *named, "</skill_resources>"] if named else []
    return "\n".join(
        [
            f'<skill_content name="{name}">',
            skill.body.rstrip("\n").replace(
                "</skill_content", "&lt;/skill_content"
            ),  # the body cannot end it
            "",
            f"Skill directory: {place or one_line(skill.directory)}",
            "Relative paths in this skill are relative to the skill directory.",
            *resources,
            "</skill_content>",
            "",
        ]
    )


def _escape(text: str) -> str:
    """Text for XML; the standard library's function imports `urllib.request`."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
