"""Whether search finds a skill for the requests that need it, and leaves it alone for those that do not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from airskills.errors import AirskillsError
from airskills.evals.stats import wilson
from airskills.folder import Folder
from airskills.library import Library

FILE = "evals/eval_queries.json"
SPLITS = ("train", "validation")


@dataclass(frozen=True, slots=True)
class Request:
    """One request and what search made of it.

    Attributes:
        query: what a user says.
        wanted: whether the skill should be found.
        split: `train` or `validation`.
        rank: place of the skill among the hits from 1; None where it is none of them.
        first: the skill that came first, or "".
    """

    query: str
    wanted: bool
    split: str
    rank: int | None
    first: str

    def found(self, top: int) -> bool:
        """Whether the skill is among the first `top`."""
        return self.rank is not None and self.rank <= top

    def right(self, top: int) -> bool:
        """Whether search did as it should."""
        return self.found(top) == self.wanted


def measure(folder: Folder, library: Library, top: int) -> list[Request]:
    """Ask for every request of `evals/eval_queries.json`.

    Args:
        folder: the skill.
        library: the skills among which it has to be found; it must hold the skill.
        top: how many hits count.

    Raises:
        AirskillsError: the file is missing or has another shape, or the library lacks the skill.
    """
    if folder.name not in library:
        raise AirskillsError(f"The library has no skill {folder.name!r}", help="Name the folder of the skill")
    found = []
    for row in _rows(folder):
        names = [hit.name for hit in library.search(row["query"], limit=max(top, 5))]
        rank = names.index(folder.name) + 1 if folder.name in names else None
        split = row.get("split", "train")
        found.append(Request(row["query"], row["should_trigger"], split, rank, names[0] if names else ""))
    return found


def _rows(folder: Folder) -> list[dict[str, Any]]:
    where = folder.at(FILE)
    if not folder.has(FILE):
        raise AirskillsError(
            f"{where} is missing", help="Write requests that should find the skill, and near misses"
        )
    try:
        rows = json.loads(folder.text(FILE))
        sound = all(isinstance(r["query"], str) and isinstance(r["should_trigger"], bool) for r in rows)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise AirskillsError(
            f"{where} cannot be read: {error}", help="`airskills check` says where"
        ) from error
    if not sound or not rows:
        raise AirskillsError(
            f"{where} holds no requests", help='Write [{"query": ..., "should_trigger": true}]'
        )
    return list(rows)


def summary(requests: Sequence[Request], top: int) -> list[dict[str, Any]]:
    """For each split and kind of request: how many, how many search got right, and the 95 % interval of that rate."""
    rows = []
    for split in SPLITS:
        for wanted in (True, False):
            chosen = [r for r in requests if r.split == split and r.wanted is wanted]
            right = sum(request.right(top) for request in chosen)
            low, high = wilson(right, len(chosen))
            rows.append(
                {
                    "split": split,
                    "should_trigger": wanted,
                    "requests": len(chosen),
                    "right": right,
                    "interval": [round(low, 3), round(high, 3)],
                }
            )
    return rows
