"""How far the project is: the rows of its seeds as `ROADMAP.md` has them, counted by state."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from airskills.site.render import render

STATES = ("done", "building", "planned", "not planned", "other")
_ROW = re.compile(r"^\|(?P<cells>.*)\|\s*$")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a seed: the section it stands in, what it is, and its state."""

    section: str
    what: str
    state: str
    note: str


def page(roadmap: str, skills: Sequence[str]) -> str:
    """The page of coverage.

    Args:
        roadmap: text of `ROADMAP.md`.
        skills: names of the skills that are there.
    """
    found = list(rows(roadmap))
    wanted = planned(roadmap)
    sections = {row.section: Counter[str]() for row in found}
    for row in found:
        sections[row.section][row.state] += 1
    there = {category: [name for name in names if name in skills] for category, names in wanted.items()}
    return render("coverage.md", rows=found, sections=sections, states=STATES, wanted=wanted, there=there)


def rows(roadmap: str) -> Iterator[Row]:
    """Every row of a table whose last column is `state`."""
    section, stated = "", False
    for line in roadmap.splitlines():
        if line.startswith("## "):
            section, stated = line[3:], False
        found = _ROW.match(line)
        if found is None:
            stated = stated and bool(line.strip())
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", found["cells"])]
        if cells[-1] == "state":
            stated = True
        elif stated and not set(cells[-1]) <= set("-: "):
            state, note = _state(cells[-1])
            yield Row(section, ", ".join(cells[:-1]), state, note)


def planned(roadmap: str) -> dict[str, list[str]]:
    """Category to the names of its skills, done and planned, as the table of skills has them."""
    found = re.findall(r"(?m)^\| `([a-z-]+)` \|([^|]*)\|([^|]*)\|$", roadmap)
    return {
        category: re.findall(
            r"[a-z0-9][a-z0-9-]+(?=[ ,]|$)", re.sub(r"\([^)]*\)", "", f"{done},{open_}").strip()
        )
        for category, done, open_ in found
    }


def _state(text: str) -> tuple[str, str]:
    state = next((state for state in ("not planned", *STATES) if text.startswith(state)), "other")
    return state, text.removeprefix(state).lstrip(":;, ") if state != "other" else text
