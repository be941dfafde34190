"""Finding skill folders under a root: bounded, deterministic, never outside it.

Source: client guide of the Agent Skills specification, "Discover".
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from airskills.finding import Finding
from airskills.record import Record

FILE_NAME = "SKILL.md"
SKIPPED = frozenset(
    {"node_modules", "__pycache__", ".git", ".hg", ".venv", ".tox", ".mypy_cache", ".ruff_cache"}
)
MAX_DEPTH = 5
MAX_FOLDERS = 20_000
MAX_FILES = 512  # files of one skill that are listed


class Folder(Record):
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


class Scan:
    """What lies under one root: skill `folders` in path order, and `findings` on what was passed over."""

    def __init__(self) -> None:
        self.folders: list[Folder] = []
        self.findings: list[Finding] = []


def scan(
    root: str, *, max_depth: int = MAX_DEPTH, max_folders: int = MAX_FOLDERS, hidden: bool = False
) -> Scan:
    """Find every skill folder under `root`; a root that is missing holds none.

    A folder with a SKILL.md is a skill and is not searched further. `node_modules` and, unless `hidden` is set,
    hidden folders are skipped; version control and virtual environments always are.
    A link to a folder is followed only where it stays inside `root`.
    """
    found = Scan()
    if not os.path.isdir(root):
        return found
    real_root = os.path.realpath(root)
    pending: list[tuple[str, int]] = [(root, 0)]
    seen = 0
    too_deep = ""
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
            continue
        below = list(_children(path, real_root, visited, found.findings, hidden=hidden))
        if depth < max_depth:
            pending.extend((child, depth + 1) for child in reversed(below))
        elif below:
            too_deep = too_deep or below[0]
    if too_deep:
        message = f"Folders more than {max_depth} levels below {root} are not searched"
        found.findings.append(Finding(too_deep, 1, 1, "AS402", message, "Move the skill up"))
    if visited:
        found.folders = _each_once(found.folders, root, real_root)
    found.folders.sort(key=lambda folder: folder.path)
    return found


def _each_once(folders: list[Folder], root: str, real_root: str) -> list[Folder]:
    """Of the paths that lead to one folder, its own where that was met, else the first in order."""
    chosen: dict[str, tuple[bool, str, Folder]] = {}
    for folder in folders:
        real = os.path.realpath(folder.path)
        linked = real != real_root + folder.path.removeprefix(root)
        found = (linked, folder.path, folder)
        chosen[real] = min(chosen.get(real, found), found, key=lambda one: one[:2])
    return [folder for _, _, folder in chosen.values()]


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
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no name that a file can have
        return None
    except OSError as error:
        findings.append(_unreadable(file, "file", error))
        return None
    if stat.S_ISREG(status.st_mode):
        return Folder(path, (status.st_mtime_ns, status.st_size))
    if not stat.S_ISDIR(status.st_mode):
        findings.append(Finding(file, 1, 1, "AS403", "It is no regular file", "Replace it by one"))
    return None


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


def _unreadable(path: str, what: str, error: OSError) -> Finding:
    return Finding(
        path, 1, 1, "AS403", f"The {what} cannot be read: {error.strerror}", "Check its permissions"
    )


def _children(
    path: str, real_root: str, visited: set[str], findings: list[Finding], *, hidden: bool
) -> Iterator[str]:
    try:
        with os.scandir(path) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        findings.append(_unreadable(path, "folder", error))
        return
    for entry in listed:
        if entry.name in SKIPPED or (entry.name.startswith(".") and not hidden):
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
        if not _is_folder(entry):
            continue
        if not entry.is_symlink():
            yield entry.path
        elif not inside(entry.path, real_root):
            findings.append(_escape(entry.path))
        elif _first_visit(entry.path, visited):
            yield entry.path


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one; a link to itself is neither."""
    try:
        return entry.is_dir()
    except OSError:
        return False


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
            if _is_folder(entry):
                if not entry.is_symlink() or _first_visit(entry.path, visited):
                    pending.append(relative)
            elif os.path.isfile(entry.path):
                found.append(relative)
    found.sort(key=lambda path: (path != FILE_NAME, path))
    return found[:limit], len(found) > limit


def _first_visit(path: str, visited: set[str]) -> bool:
    """Whether the link `path` leads to a folder that no link led to before, and that does not hold the link."""
    real = os.path.realpath(path)
    if real in visited or inside(os.path.dirname(path), real):
        return False
    visited.add(real)
    return True
