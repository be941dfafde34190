"""Finding skill folders under a root: bounded, deterministic, never outside it.

Source: client guide of the Agent Skills specification, "Discover".
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

from airskills.finding import Finding

FILE_NAME = "SKILL.md"
SKIPPED = frozenset({"node_modules", "__pycache__"})
MAX_DEPTH = 5
MAX_FOLDERS = 20_000
MAX_FILES = 512  # files of one skill that are listed


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that holds a SKILL.md.

    Attributes:
        path: the folder.
        stamp: (modification time in ns, size in bytes) of its SKILL.md; it changes whenever the file does.
    """

    path: str
    stamp: tuple[int, int]

    @property
    def file(self) -> str:
        """Path of the SKILL.md."""
        return f"{self.path}/{FILE_NAME}"


@dataclass(slots=True)
class Scan:
    """What lies under one root: skill folders in path order, and what was passed over and why."""

    folders: list[Folder] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def scan(root: str, *, max_depth: int = MAX_DEPTH, max_folders: int = MAX_FOLDERS) -> Scan:
    """Find every skill folder under `root`; a root that is missing holds none.

    A folder with a SKILL.md is a skill and is not searched further. Hidden folders and `node_modules` are skipped.
    A link to a folder is followed only where it stays inside `root`.
    """
    found = Scan()
    if not os.path.isdir(root):
        return found
    real_root = os.path.realpath(root)
    pending: list[tuple[str, int]] = [(root, 0)]
    seen = 0
    visited: set[str] = set()
    while pending:
        path, depth = pending.pop()
        seen += 1
        if seen > max_folders:
            found.findings.append(
                Finding(
                    root, 1, 1, "AS402", f"Stopped after {max_folders:,} folders", "Point at a smaller folder"
                )
            )
            break
        folder = skill_folder(path, real_root, found.findings)
        if folder is not None:
            found.folders.append(folder)
        elif depth < max_depth:
            below = [(child, depth + 1) for child in _children(path, real_root, visited, found.findings)]
            pending.extend(reversed(below))
    found.folders.sort(key=lambda folder: folder.path)
    return found


def skill_folder(path: str, real_root: str, findings: list[Finding]) -> Folder | None:
    """The skill in the folder `path`, or None where there is none that may be read."""
    file = f"{path}/{FILE_NAME}"
    try:
        status = os.lstat(file)
        if stat.S_ISLNK(status.st_mode):
            if not inside(file, real_root):
                findings.append(_escape(file))
                return None
            status = os.stat(file)
    except OSError:
        return None
    return Folder(path, (status.st_mtime_ns, status.st_size)) if stat.S_ISREG(status.st_mode) else None


def inside(path: str, real_root: str) -> bool:
    """Whether `path`, links resolved, is `real_root` (itself resolved) or lies under it."""
    real = os.path.realpath(path)
    return real == real_root or real.startswith(real_root.rstrip("/") + "/")


def _escape(path: str) -> Finding:
    target = os.path.realpath(path)
    return Finding(
        path,
        1,
        1,
        "AS401",
        f"The link leaves its root (to {target})",
        "Copy the skill, or open its real folder",
    )


def _children(path: str, real_root: str, visited: set[str], findings: list[Finding]) -> Iterator[str]:
    try:
        with os.scandir(path) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        findings.append(
            Finding(
                path, 1, 1, "AS403", f"The folder cannot be read: {error.strerror}", "Check its permissions"
            )
        )
        return
    for entry in listed:
        if entry.name.startswith(".") or entry.name in SKIPPED:
            continue
        if entry.name.lower() == FILE_NAME.lower() and entry.name != FILE_NAME:
            findings.append(
                Finding(
                    entry.path,
                    1,
                    1,
                    "AS120",
                    f"The file is called {entry.name!r}",
                    f"Rename it to {FILE_NAME}",
                )
            )
        if not entry.is_symlink():
            if entry.is_dir():
                yield entry.path
        elif entry.is_dir():
            real = os.path.realpath(entry.path)
            if not inside(real, real_root):
                findings.append(_escape(entry.path))
            elif real not in visited:
                visited.add(real)
                yield entry.path


def files(folder: str, *, limit: int = MAX_FILES) -> tuple[list[str], bool]:
    """Relative paths of the regular files of a skill, sorted, SKILL.md first; hidden ones and links out are left out.

    Returns:
        The paths with forward slashes, and whether the list was cut at `limit`.
    """
    real_root = os.path.realpath(folder)
    found: list[str] = []
    pending = [""]
    visited: set[str] = set()
    while pending and len(found) <= limit:
        prefix = pending.pop()
        try:
            with os.scandir(f"{folder}/{prefix}" if prefix else folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in listed:
            if entry.name.startswith(".") or entry.name in SKIPPED:
                continue
            if entry.is_symlink() and not inside(entry.path, real_root):
                continue
            relative = f"{prefix}/{entry.name}" if prefix else entry.name
            if entry.is_file():
                found.append(relative)
            elif entry.is_dir() and (not entry.is_symlink() or _first_visit(entry.path, visited)):
                pending.append(relative)
    found.sort(key=lambda path: (path != FILE_NAME, path))
    return found[:limit], len(found) > limit


def _first_visit(path: str, visited: set[str]) -> bool:
    real = os.path.realpath(path)
    if real in visited:
        return False
    visited.add(real)
    return True
