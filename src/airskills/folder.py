"""A skill folder as a rule sees it: the parsed SKILL.md, its other files, and the Markdown and Python among them.

Rules never touch the disk; whatever they may ask for is here, read at most once.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from airskills import scan
from airskills.errors import SkillSyntaxError
from airskills.finding import Finding
from airskills.markdown import Markdown
from airskills.skill import FILE_NAME, MAX_BYTES, Skill, parse

MAX_FILES = 2_000
MAX_READ = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class File:
    """One file of a skill.

    Attributes:
        path: relative to the skill, forward slashes.
        size: bytes.
        executable: whether any execute bit is set.
        link: target text of a symbolic link, or "".
        escapes: whether the link leads out of the skill.
    """

    path: str
    size: int
    executable: bool = False
    link: str = ""
    escapes: bool = False


@dataclass(frozen=True)
class Folder:
    """A skill and everything beside its SKILL.md.

    Attributes:
        path: the folder.
        skill: the parsed SKILL.md, or None where it cannot be read.
        problem: what kept it from being read.
        files: every file, SKILL.md first, hidden ones included.
        contents: bytes by relative path, for folders that exist in memory only.
    """

    path: str
    skill: Skill | None
    problem: Finding | None
    files: tuple[File, ...]
    contents: Mapping[str, bytes] = field(default_factory=dict)
    truncated: bool = False

    @property
    def name(self) -> str:
        """Name of the skill, or of the folder where the SKILL.md cannot be read."""
        return self.skill.name if self.skill else self.path.rpartition("/")[2]

    def at(self, relative: str) -> str:
        """`relative` as findings should print it."""
        return f"{self.path}/{relative}"

    def has(self, relative: str) -> bool:
        """Whether the skill has this file."""
        return relative in self._paths

    def read(self, relative: str) -> bytes:
        """Bytes of a file, at most 4 MiB; empty where it cannot be read or leads out of the skill."""
        try:
            return self.contents[relative]
        except KeyError:
            return b""

    def text(self, relative: str) -> str:
        """Text of a file; undecodable bytes become U+FFFD, line ends become line feeds, a byte order mark goes."""
        return self._text(relative)

    @cached_property
    def documents(self) -> tuple[Markdown, ...]:
        """The body of the SKILL.md and every other Markdown file, as parsed Markdown."""
        found = [self.skill.markdown] if self.skill else []
        others = (f.path for f in self.files if f.path.endswith(".md") and f.path != FILE_NAME)
        found += [Markdown(self.text(p), self.at(p), 1) for p in others if not p.startswith("evals/")]
        return tuple(found)

    def matching(self, *suffixes: str, under: str = "") -> Iterator[File]:
        """Files whose name ends in one of `suffixes`, below the folder `under`."""
        prefix = f"{under}/" if under else ""
        return (file for file in self.files if file.path.startswith(prefix) and file.path.endswith(suffixes))

    def replacing(self, relative: str, text: str) -> Folder:
        """The same folder with another text in one file; nothing is written."""
        contents = {file.path: self.read(file.path) for file in self.files} | {relative: text.encode()}
        path = f"{self.path}/{FILE_NAME}"
        skill, problem = _parse(contents.get(FILE_NAME, b""), path)
        return Folder(self.path, skill, problem, self.files, contents, self.truncated)

    @cached_property
    def _paths(self) -> frozenset[str]:
        return frozenset(file.path for file in self.files)

    @cached_property
    def _texts(self) -> dict[str, str]:
        return {}

    def _text(self, relative: str) -> str:
        if relative not in self._texts:
            decoded = self.read(relative).decode("utf-8-sig", errors="replace")
            self._texts[relative] = decoded.replace("\r\n", "\n").replace("\r", "\n")
        return self._texts[relative]


def open_folder(path: str) -> Folder:
    """Read the skill folder at `path`; findings name its absolute path."""
    root = os.path.abspath(path)
    files, truncated = _list(root)
    skill, problem = _parse(_read_file(root, FILE_NAME, limit=MAX_BYTES + 1), f"{root}/{FILE_NAME}")
    return Folder(root, skill, problem, tuple(files), _OnDisk(root), truncated)


def folder_from(name: str, contents: Mapping[str, str | bytes]) -> Folder:
    """A folder that exists in memory only: relative paths to text or bytes."""
    stored = {path: text.encode() if isinstance(text, str) else text for path, text in contents.items()}
    files = tuple(
        File(path, len(content))
        for path, content in sorted(stored.items(), key=lambda kv: (kv[0] != FILE_NAME, kv[0]))
    )
    skill, problem = _parse(stored.get(FILE_NAME, b""), f"{name}/{FILE_NAME}")
    return Folder(name, skill, problem, files, stored)


class _OnDisk(dict[str, bytes]):
    """Contents of a real folder, read when asked for."""

    def __init__(self, root: str) -> None:
        super().__init__()
        self._root = root

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> bytes:
        self[key] = _read_file(self._root, key)
        return self[key]


def _parse(content: bytes, path: str) -> tuple[Skill | None, Finding | None]:
    try:
        return parse(content, path), None
    except SkillSyntaxError as error:
        return None, Finding(path, error.line, error.column, error.code, error.message, error.help)


def _read_file(root: str, relative: str, *, limit: int = MAX_READ) -> bytes:
    path = f"{root}/{relative}"
    try:
        if not scan.inside(path, os.path.realpath(root)) or not stat.S_ISREG(os.stat(path).st_mode):
            return b""
        with Path(path).open("rb") as stream:
            return stream.read(limit)
    except (OSError, ValueError):
        return b""


def _list(root: str) -> tuple[list[File], bool]:
    """Every file below `root`, hidden ones too; links are listed, never entered."""
    found: list[File] = []
    real_root = os.path.realpath(root)
    pending = [""]
    while pending:
        prefix = pending.pop()
        try:
            with os.scandir(f"{root}/{prefix}" if prefix else root) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in listed:
            relative = f"{prefix}/{entry.name}" if prefix else entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in scan.SKIPPED:
                    pending.append(relative)
                continue
            found.append(_file(entry, relative, real_root))
            if len(found) >= MAX_FILES:
                return found, True
    return sorted(found, key=lambda file: (file.path != FILE_NAME, file.path)), False


def _file(entry: os.DirEntry[str], relative: str, real_root: str) -> File:
    try:
        status = entry.stat(follow_symlinks=False)
        link = os.readlink(entry.path) if entry.is_symlink() else ""
    except OSError:
        return File(relative, 0)
    escapes = bool(link) and not scan.inside(entry.path, real_root)
    executable = not link and bool(status.st_mode & 0o111)
    return File(relative, status.st_size, executable, link, escapes)
