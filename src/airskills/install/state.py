"""Where skills are installed, where each lies, and how that compares with the lock. Nothing is written here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from airskills import scan
from airskills.errors import AirskillsError
from airskills.finding import Finding
from airskills.install import lock
from airskills.install.agents import CANONICAL, Agent, agents, expand
from airskills.install.content import Content, computed_hash, content_hash, read

HOME = "~/.agents/skills"


@dataclass(frozen=True, slots=True)
class Target:
    """Where skills are installed: a project, or a user's home.

    Attributes:
        root: the project; the home where `home` is set.
        home: whether the folders of the user are meant.
    """

    root: Path
    home: bool = False

    @property
    def folder(self) -> Path:
        """The folder that holds the skills themselves."""
        return expand(HOME) if self.home else self.root / CANONICAL

    @property
    def lock(self) -> Path:
        """The lock file."""
        return self.folder.parent / lock.FILE if self.home else self.root / lock.FILE

    def of(self, agent: Agent) -> Path | None:
        """The folder of an agent, where it is another than `folder`."""
        if self.home and not agent.home:
            return None
        found = expand(agent.home) if self.home else self.root / agent.project
        return None if os.path.realpath(found) == os.path.realpath(self.folder) else found


def installed(target: Target) -> list[dict[str, object]]:
    """Every skill of the lock, with its state: `ok`, `changed` or `missing`."""
    rows: list[dict[str, object]] = []
    for name, entry in lock.load(target.lock).items():
        folder = places(target, name, entry)[0]
        rows.append(
            {
                "name": name,
                "state": state_of(folder, entry),
                "path": str(folder),
                "source": entry["source"],
                "ref": entry.get("ref", ""),
                "commit": entry.get("commit", ""),
                "agents": list(entry.get("agents", [])),
            }
        )
    return rows


def verify(target: Target) -> list[Finding]:
    """Every way in which the folders differ from the lock."""
    entries = lock.load(target.lock)
    findings: list[Finding] = []
    for name, entry in entries.items():
        folder, *others = places(target, name, entry)
        state = state_of(folder, entry)
        if state == "missing":
            findings.append(
                _drift(folder, "AS821", f"The locked skill {name!r} is not there", "Run `airskills sync`")
            )
        elif state == "changed":
            message = f"The skill {name!r} differs from the lock"
            findings.append(
                _drift(
                    folder,
                    "AS822",
                    message,
                    "Run `airskills sync`, or `airskills update` to accept a new one",
                )
            )
        for path in others:
            if state_at(path, folder, entry) != "ok":
                message = f"The skill {name!r} is not as the lock says at this place"
                findings.append(_drift(path, "AS823", message, "Run `airskills sync`"))
    for path in sorted(target.folder.glob("*/SKILL.md")):
        if path.parent.name not in entries:
            message = f"The skill {path.parent.name!r} is not in the lock"
            findings.append(
                _drift(path.parent, "AS824", message, "Install it with `airskills install`, or remove it")
            )
    return findings


def places(target: Target, name: str, entry: Mapping[str, object]) -> list[Path]:
    """The folder of a skill, and where the agents of its entry find it.

    `npx skills` does not note the agents, and puts a skill for one agent alone into the folder of this agent only.
    """
    if "contentHash" not in entry and not (target.folder / name).exists():
        theirs = (folder / name for agent in agents().values() if (folder := target.of(agent)))
        return [next((place for place in theirs if place.is_dir()), target.folder / name)]
    listed = entry.get("agents")
    known = [agents()[agent] for agent in listed if agent in agents()] if isinstance(listed, list) else []
    others = [folder / name for agent in known if (folder := target.of(agent)) is not None]
    return list(dict.fromkeys([target.folder / name, *others]))


def state_of(folder: Path, entry: Mapping[str, object]) -> str:
    """Whether a folder is what the lock says."""
    if not folder.is_dir():
        return "missing"
    try:
        content = read(str(folder))
    except AirskillsError:
        return "changed"
    ours = entry.get("contentHash")
    same = content_hash(content) == ours if ours else computed_hash(content) == entry["computedHash"]
    return "ok" if same else "changed"


def state_at(path: Path, folder: Path, entry: Mapping[str, object]) -> str:
    """As `state_of`, of a place that may be a link to the folder."""
    if path.is_symlink():
        return "ok" if path != folder and os.path.realpath(path) == os.path.realpath(folder) else "changed"
    return state_of(path, entry)


def must_stay_inside(folder: Path, target: Target) -> None:
    """Refuse a folder of the project that a link leads out of it."""
    if not target.home and not scan.inside(str(folder), os.path.realpath(target.root)):
        raise AirskillsError(
            f"{folder} leads out of {target.root} through a link", help="Replace the link by a folder"
        )


def must_be_ours(
    path: Path, folder: Path, entry: Mapping[str, object] | None, new: Content | None = None, *, force: bool
) -> None:
    """Refuse to touch what we did not write, or what was changed since."""
    if force or (entry is not None and state_at(path, folder, entry) == "ok"):
        return
    if path.is_symlink() and os.path.realpath(path) == os.path.realpath(folder):
        return
    with suppress(AirskillsError):
        if new is not None and path.is_dir() and content_hash(read(str(path))) == content_hash(new):
            return
    why = "was not installed by this lock" if entry is None else "was changed since it was installed"
    raise AirskillsError(f"{path} {why}", help="Move it away, or repeat with --force to lose it")


def _drift(path: Path, code: str, message: str, help_: str) -> Finding:
    return Finding(str(path), 1, 1, code, message, help_)
