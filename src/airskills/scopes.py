"""Places where skills lie: named paths, the environment, the project, the home folder, the package.

Source: client guide of the Agent Skills specification, "Discover".
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from airskills.scan import FILE_NAME

Kind = Literal["explicit", "env", "project", "user", "bundled"]
KINDS: tuple[Kind, ...] = ("env", "project", "user", "bundled")
FOLDERS = (".agents/skills", ".claude/skills")


@dataclass(frozen=True, slots=True)
class Scope:
    """A root that is searched for skills, and the kind of place it is."""

    kind: Kind
    root: str


def scopes(paths: Iterable[str], kinds: Iterable[Kind], project: str) -> list[Scope]:
    """The named paths, then every root of the kinds in their order of precedence, each once."""
    wanted = set(kinds)
    found = [Scope("explicit", _root(path)) for path in paths]
    for kind in KINDS:
        if kind in wanted:
            found += [Scope(kind, root) for root in _ROOTS[kind](project)]
    return list(dict.fromkeys(found))


def bundled_root() -> str:
    """Folder of the skills that come with the package: in the wheel, or beside `src/` in a checkout."""
    package = os.path.dirname(os.path.abspath(__file__))
    shipped = f"{package}/.agents/skills"
    return shipped if os.path.isdir(shipped) else os.path.normpath(f"{package}/../../skills")


def _root(path: str) -> str:
    """Absolute path of an explicit root; a path to a SKILL.md means its folder."""
    absolute = os.path.abspath(path)
    return os.path.dirname(absolute) if os.path.basename(absolute) == FILE_NAME else absolute


def _env_roots(_project: str) -> list[str]:
    return [_root(path) for path in os.environ.get("AIRSKILLS_PATH", "").split(os.pathsep) if path]


def _project_roots(project: str) -> list[str]:
    """Skill folders from the project folder up to its git root, nearest first; only the folder itself without git."""
    start = Path(project).absolute()
    above = [start, *start.parents]
    git = next((number for number, folder in enumerate(above) if (folder / ".git").exists()), 0)
    home = Path.home()
    return [f"{folder}/{name}" for folder in above[: git + 1] if folder != home for name in FOLDERS]


def _user_roots(_project: str) -> list[str]:
    return [f"{Path.home()}/{name}" for name in FOLDERS]


_ROOTS: dict[Kind, Callable[[str], list[str]]] = {
    "env": _env_roots,
    "project": _project_roots,
    "user": _user_roots,
    "bundled": lambda _project: [bundled_root()],
}
