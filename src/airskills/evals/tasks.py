"""Tasks of `evals/evals.json`, in both dialects: `assertions` (the specification's) and `expectations`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from airskills.errors import AirskillsError
from airskills.folder import Folder

FILE = "evals/evals.json"


@dataclass(frozen=True, slots=True)
class Task:
    """What an agent is asked to do.

    Attributes:
        id: as the file says it.
        slug: its folder below `evals/`, and part of the name of its results.
        prompt: what the agent reads.
        expected: what a person would call a success.
        files: paths below the skill, put into the agent's folder under their own names.
        assertions: sentences that must hold of the answer.
        ceiling: whether models pass it without the skill, so that it does not count.
        checker: path of the program that judges an answer, below the skill; "" where there is none.
    """

    id: int | str
    slug: str
    prompt: str
    expected: str
    files: tuple[str, ...]
    assertions: tuple[str, ...]
    ceiling: bool
    checker: str


def read_tasks(folder: Folder) -> list[Task]:
    """The tasks of a skill.

    Raises:
        AirskillsError: there are none, or the file has another shape.
    """
    where = folder.at(FILE)
    if not folder.has(FILE):
        raise AirskillsError(f"{where} is missing", help="Write tasks, or run `airskills eval --triggers`")
    try:
        rows = json.loads(folder.text(FILE))["evals"]
        tasks = [_task(row, folder) for row in rows]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        said = f"{type(error).__name__}: {error}"
        raise AirskillsError(
            f"{where} cannot be read: {said}", help="`airskills check` says where"
        ) from error
    slugs = [task.slug for task in tasks]
    twice = next((slug for slug in slugs if slugs.count(slug) > 1), None)
    if not tasks or twice:
        what = f"two tasks are called {twice!r}" if twice else "it holds no task"
        raise AirskillsError(f"{where}: {what}", help="Give each task its own slug")
    return tasks


def _task(row: dict[str, Any], folder: Folder) -> Task:
    slug = str(row.get("slug") or f"{row['id']}")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", slug):
        raise ValueError(f"the slug {slug[:80]!r} is no name of a folder")
    checker = f"evals/{slug}/check.py"
    files = tuple(path if folder.has(path) else f"evals/{path}" for path in map(str, row.get("files", ())))
    missing = next((path for path in files if not folder.has(path)), None)
    if missing:
        raise ValueError(f"the file {missing[:80]!r} does not exist")
    return Task(
        row["id"],
        slug,
        str(row["prompt"]),
        str(row.get("expected_output", "")),
        files,
        tuple(map(str, row.get("assertions", row.get("expectations", ())))),
        row.get("ceiling") is True,
        checker if folder.has(checker) else "",
    )
