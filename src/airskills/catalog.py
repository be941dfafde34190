"""Skills as an agent's prompt shows them: the catalogue within a budget (tier 1) and one wrapped skill (tier 2).

Source: client guide of the Agent Skills specification, "Disclose" and "Activate".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

from airskills.errors import AirskillsError
from airskills.skill import Skill

Format = Literal["xml", "json", "markdown"]
CHARACTERS_PER_TOKEN = (
    3.6  # prose and code of our skills, measured low so that the estimate errs on the long side
)
MAX_LISTED_FILES = 40

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


def estimate_tokens(text: str) -> int:
    """Tokens of `text`, estimated from its length; no tokenizer is loaded."""
    return round(len(text) / CHARACTERS_PER_TOKEN)


def clients() -> dict[str, dict[str, str | int | None]]:
    """Budgets of known clients, with source and date."""
    found: dict[str, dict[str, str | int | None]] = json.loads(
        files("airskills").joinpath("data/clients.json").read_text(encoding="utf-8")
    )
    return found


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
    longest = max(len(skill.description) for skill in ordered)
    longest = min(longest, budget.skill_characters or longest)
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
    texts = {skill.name: shorten(skill.description, width) for skill in shown}
    shortened = tuple(skill.name for skill in shown if texts[skill.name] != skill.description)
    note = _note(len(shortened), [skill.name for skill in dropped])
    return Catalog(
        _RENDERERS[form](shown, texts, note), tuple(texts), shortened, tuple(skill.name for skill in dropped)
    )


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


def _note(shortened: int, dropped: list[str]) -> str:
    said = []
    if shortened:
        said.append(f"{shortened} descriptions are shortened")
    if dropped:
        said.append(f"{len(dropped)} skills are left out ({dropped[0]} to {dropped[-1]})")
    return f"To fit the budget, {' and '.join(said)}; `airskills search` finds them all." if said else ""


def _xml(skills: Sequence[Skill], texts: dict[str, str], note: str) -> str:
    lines = [INSTRUCTIONS + "<available_skills>"]
    for skill in skills:
        lines.append("  <skill>")
        lines.append(f"    <name>{escape(skill.name)}</name>")
        if texts[skill.name]:
            lines.append(f"    <description>{escape(texts[skill.name])}</description>")
        lines.append(f"    <location>{escape(skill.path)}</location>")
        lines.append("  </skill>")
    lines.append("</available_skills>")
    return "\n".join([*lines, *([note] if note else [])]) + "\n"


def _json(skills: Sequence[Skill], texts: dict[str, str], note: str) -> str:
    listed = [{"name": s.name, "description": texts[s.name], "location": s.path} for s in skills]
    return json.dumps({"skills": listed, **({"note": note} if note else {})}, ensure_ascii=False) + "\n"


def _markdown(skills: Sequence[Skill], texts: dict[str, str], note: str) -> str:
    lines = [f"- **{s.name}**{': ' if texts[s.name] else ''}{texts[s.name]} ({s.path})" for s in skills]
    return "\n".join([INSTRUCTIONS, *lines, *(["", note] if note else [])]) + "\n"


_RENDERERS: dict[Format, Callable[[Sequence[Skill], dict[str, str], str], str]] = {
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


def wrap(skill: Skill, listed: Sequence[str], *, cut: bool = False) -> str:
    """The skill as an activation answers with it: body, folder, and names of its other files.

    Args:
        skill: the skill.
        listed: its files, relative; SKILL.md is left out, and at most 40 are named.
        cut: the list given is itself incomplete.
    """
    others = [name for name in listed if name != "SKILL.md"]
    named = [f"  <file>{escape(name)}</file>" for name in others[:MAX_LISTED_FILES]]
    if cut or len(others) > MAX_LISTED_FILES:
        named.append("  <!-- more files exist; list the folder to see them -->")
    resources = ["", "<skill_resources>", *named, "</skill_resources>"] if named else []
    return "\n".join(
        [
            f"<skill_content name={quoteattr(skill.name)}>",
            skill.body.rstrip("\n"),
            "",
            f"Skill directory: {skill.directory}",
            "Relative paths in this skill are relative to the skill directory.",
            *resources,
            "</skill_content>",
            "",
        ]
    )
