"""The agents that read skills: their names, and where each looks. Data, in `data/agents.json`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from airskills.errors import AirskillsError

CANONICAL = ".agents/skills"


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent.

    Attributes:
        name: as `--agent` takes it.
        title: as it calls itself.
        project: its folder of skills below a project.
        home: its folder of skills of a user; "" where it has none.
        found: folders that are there where it is installed.
    """

    name: str
    title: str
    project: str
    home: str
    found: tuple[str, ...]


@cache
def agents() -> Mapping[str, Agent]:
    """Every agent by name."""
    rows = _data()["agents"]
    return {
        name: Agent(name, row["title"], row["project"], row["global"] or "", tuple(row["found"]))
        for name, row in rows.items()
    }


@cache
def aliases() -> Mapping[str, str]:
    """Other words for an agent: what people say, and its title as a name (`IBM Bob` is `ibm-bob`)."""
    titles = {re.sub(r"[^a-z0-9]+", "-", agent.title.lower()): name for name, agent in agents().items()}
    return {said: name for said, name in {**titles, **_data()["aliases"]}.items() if said not in agents()}


def chosen(names: Iterable[str]) -> list[Agent]:
    """The agents of these names or aliases; `auto` means those that are installed here, `*` all.

    Raises:
        AirskillsError: one of the names is no agent's.
    """
    found: dict[str, Agent] = {}
    for name in names:
        if name == "*":
            found.update(agents())
        elif name == "auto":
            found.update((agent.name, agent) for agent in installed())
        elif (known := aliases().get(name, name)) in agents():
            found[known] = agents()[known]
        else:
            near = get_close_matches(name, [*agents(), *aliases()], n=3)
            raise AirskillsError(
                f"No agent is called {name!r}", help=f"Choose of {', '.join(near or agents())}"
            )
    return list(found.values())


def installed() -> list[Agent]:
    """The agents whose own folders are in the user's home."""
    return [agent for agent in agents().values() if any(expand(folder).exists() for folder in agent.found)]


def expand(folder: str) -> Path:
    """A folder of the user, where the environment says it lies."""
    for prefix, variable in _data()["variables"].items():
        given = os.environ.get(variable, "").strip()
        if given and (folder == prefix or folder.startswith(f"{prefix}/")):
            return Path(given + folder.removeprefix(prefix))
    return Path(folder).expanduser()


@cache
def _data() -> Mapping[str, Any]:
    path = Path(__file__).parents[1] / "data" / "agents.json"
    loaded: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded
