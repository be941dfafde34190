"""Places where skills lie: named paths, the environment, the project, the home folder, the package.

Source: client guide of the Agent Skills specification, "Discover".
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from airskills.record import Record
from airskills.scan import FILE_NAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Kind = Literal["explicit", "env", "project", "user", "bundled"]
else:
    Kind = str

KINDS: tuple[Kind, ...] = ("env", "project", "user", "bundled")
FOLDERS = (".agents/skills", ".claude/skills")


class Scope(Record):
    """A root that is searched for skills, and the kind of place it is."""

    kind: Kind
    root: str


def scopes(paths: Iterable[str], kinds: Iterable[Kind], project: str) -> list[Scope]:
    """The named paths, then every root of the kinds in their order of precedence; a folder counts once, where it is highest.

    Raises:
        ValueError: one of `kinds` does not exist.
    """
    wanted = set(kinds)
    if not wanted <= set(KINDS):
        raise ValueError(f"No scope is called {min(wanted - set(KINDS))!r}; there are {', '.join(KINDS)}")
    found = [Scope("explicit", _root(path)) for path in paths]
    for kind in KINDS:
        if kind in wanted:
            found += [Scope(kind, root) for root in _ROOTS[kind](project)]
    highest: dict[str, Scope] = {}
    for scope in found:
        highest.setdefault(os.path.realpath(scope.root), scope)
    return list(highest.values())


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
    above = [os.path.abspath(project)]
    while (parent := os.path.dirname(above[-1])) != above[-1]:
        above.append(parent)
    git = next((number for number, folder in enumerate(above) if os.path.exists(f"{folder}/.git")), 0)
    home = _home()
    own = [
        folder
        for folder in above[: git + 1]
        if not (home and os.path.realpath(folder) == os.path.realpath(home))
    ]
    return [f"{folder.rstrip('/')}/{name}" for folder in own for name in FOLDERS]


def _home() -> str:
    """The user's home folder, or "" where there is none, as for a user that the system does not know."""
    home = os.path.expanduser("~")
    return home if os.path.isabs(home) else ""


def _user_roots(_project: str) -> list[str]:
    home = _home()
    return [f"{home.rstrip('/')}/{name}" for name in FOLDERS if home]


_ROOTS: dict[Kind, Callable[[str], list[str]]] = {
    "env": _env_roots,
    "project": _project_roots,
    "user": _user_roots,
    "bundled": lambda _project: [bundled_root()],
}
