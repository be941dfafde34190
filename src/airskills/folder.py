"""A skill folder as a rule sees it: the parsed SKILL.md, its other files, and the Markdown and Python among them.

Rules never touch the disk; whatever they may ask for is here, read at most once.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from heapq import nsmallest

from airskills import scan
from airskills.errors import SkillSyntaxError
from airskills.finding import Finding
from airskills.markdown import Markdown
from airskills.program import Program
from airskills.skill import FILE_NAME, MAX_BYTES, Skill, parse

MAX_FILES = 2_000  # entries of one skill, folders counted, that are looked at
MAX_READ = 4 * 1024 * 1024  # bytes of one file
MAX_TOTAL = 64 * 1024 * 1024  # bytes of one skill
TEXT = (
    ".md",
    ".py",
    ".txt",
    ".json",
    ".yaml",
    ".yml",
    ".toml",
    ".csv",
    ".tsv",
    ".sh",
    ".bash",
    ".jsonl",
    ".cfg",
    ".ini",
    ".j2",
    ".html",
    ".css",
    ".js",
    ".mjs",
    ".ts",
    ".xml",
    ".svg",
    ".env",
    ".ipynb",
    ".rb",
    ".go",
    ".rs",
)
PYTHON = frozenset({"python", "py", "python3", "ipython"})


@dataclass(frozen=True, slots=True)
class File:
    """One file of a skill, or an entry that takes the place of one.

    Attributes:
        path: relative to the skill, forward slashes.
        size: bytes.
        executable: whether any execute bit is set.
        link: target text of a symbolic link, or "".
        escapes: whether the link leads out of the skill.
        problem: why it is not read, or "".
    """

    path: str
    size: int
    executable: bool = False
    link: str = ""
    escapes: bool = False
    problem: str = ""


@dataclass(frozen=True)
class Folder:
    """A skill and everything beside its SKILL.md.

    Attributes:
        path: the folder.
        skill: the parsed SKILL.md, or None where it cannot be read.
        problem: what kept it from being read.
        files: every file, SKILL.md first, hidden ones included.
        contents: bytes by relative path.
        truncated: what was left out because there is too much of it, or "".
    """

    path: str
    skill: Skill | None
    problem: Finding | None
    files: tuple[File, ...]
    contents: Mapping[str, bytes] = field(default_factory=dict)
    truncated: str = ""

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

    def has_folder(self, relative: str) -> bool:
        """Whether the skill has a file in this folder or below it."""
        return relative in self._folders

    def spelled(self, relative: str) -> str:
        """The path that differs from `relative` in case only, or ""."""
        return self._spellings.get(relative.casefold(), "")

    def read(self, relative: str) -> bytes:
        """Bytes of a file, at most 4 MiB; empty where it cannot be read or leads out of the skill."""
        return self.contents.get(relative, b"")

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

    @cached_property
    def programs(self) -> tuple[Program, ...]:
        """Python of every block of the documents and of every Python file."""
        blocks = [
            Program(document.path, block.first_line, block.text, block)
            for document in self.documents
            for block in document.blocks
            if block.language in PYTHON
        ]
        return (*blocks, *(Program(self.at(f.path), 1, self.text(f.path)) for f in self.matching(".py")))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that a rule can see: names, modes, links, contents."""
        return _digest(self.files, self.truncated, self.contents)

    def matching(self, *suffixes: str, under: str = "") -> Iterator[File]:
        """Files whose name ends in one of `suffixes`, below the folder `under`."""
        prefix = f"{under}/" if under else ""
        return (file for file in self.files if file.path.startswith(prefix) and file.path.endswith(suffixes))

    def replacing(self, relative: str, text: str) -> Folder:
        """The same folder with another text in one file; nothing is written."""
        contents = {file.path: self.read(file.path) for file in self.files} | {relative: text.encode()}
        skill, problem = _parse(contents.get(FILE_NAME, b""), f"{self.path}/{FILE_NAME}")
        return replace(self, skill=skill, problem=problem, contents=contents)

    @cached_property
    def _paths(self) -> frozenset[str]:
        return frozenset(file.path for file in self.files)

    @cached_property
    def _folders(self) -> frozenset[str]:
        found = {"."}
        for path in self._paths:
            while (path := path.rpartition("/")[0]) and path not in found:
                found.add(path)
        return frozenset(found)

    @cached_property
    def _spellings(self) -> dict[str, str]:
        return {path.casefold(): path for path in sorted(self._paths, reverse=True)}

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
    contents = _OnDisk(root, files)
    main = files[0] if files and files[0].path == FILE_NAME else File(FILE_NAME, 0, problem="It is not there")
    problem: Finding | None
    if main.problem:
        problem = Finding(
            f"{root}/{FILE_NAME}", 1, 1, "AS403", main.problem, "Check its kind and permissions"
        )
        return Folder(root, None, problem, tuple(files), contents, truncated)
    skill, problem = _parse(_read_file(f"{root}/{FILE_NAME}", main, MAX_BYTES + 1), f"{root}/{FILE_NAME}")
    return Folder(root, skill, problem, tuple(files), contents, truncated)


def digest_of(path: str) -> str:
    """`Folder.digest` of the folder at `path`, without parsing anything."""
    root = os.path.abspath(path)
    files, truncated = _list(root)
    return _digest(files, truncated, _OnDisk(root, files))


def _digest(files: Iterable[File], truncated: str, contents: Mapping[str, bytes]) -> str:
    total = hashlib.sha256(truncated.encode())
    for file in files:
        content = contents.get(file.path, b"")
        total.update(f"{file!r} {len(content)}\n".encode(errors="surrogatepass"))
        total.update(content)
    return total.hexdigest()


def stamp_of(path: str) -> tuple[str, int]:
    """Hash of size, times, kind and number of every file that `digest_of` reads, and the newest of the times in ns.

    While it stays the same, so does the digest: no program can set the time of a change of status (`st_ctime`).
    """
    root = os.path.abspath(path)
    total, newest = hashlib.sha256(), 0
    for relative, entry in _entries(root):
        numbers = _numbers(entry)
        newest = max(newest, *numbers)
        total.update(f"{relative} {numbers}\n".encode(errors="surrogatepass"))
    return total.hexdigest(), newest


def _numbers(entry: os.DirEntry[str] | OSError) -> list[int]:
    """Mode, size, times and number of a file, and those of the file that a link leads to."""
    if isinstance(entry, OSError):
        return [entry.errno or 0]
    found: list[int] = []
    with suppress(OSError):
        for follow in (False, True) if entry.is_symlink() else (False,):
            status = entry.stat(follow_symlinks=follow)
            found += [status.st_mode, status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]
    return found or [0]


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

    def __init__(self, root: str, files: list[File]) -> None:
        super().__init__()
        self._root = root
        self._files = {file.path: file for file in files}

    def get(self, key: str, default: bytes = b"") -> bytes:  # type: ignore[override]  # no other default is asked for
        if key not in self:
            file = self._files.get(key)
            self[key] = default if file is None or file.problem else _read_file(f"{self._root}/{key}", file)
        return self[key]


def _parse(content: bytes, path: str) -> tuple[Skill | None, Finding | None]:
    try:
        return parse(content, path), None
    except SkillSyntaxError as error:
        return None, Finding(path, error.line, error.column, error.code, error.message, error.help)


def _read_file(path: str, file: File, limit: int = MAX_READ) -> bytes:
    """The first bytes of a file that was listed; it may have become something else since."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | (0 if file.link else getattr(os, "O_NOFOLLOW", 0))
    try:
        number = os.open(path, flags)
    except OSError:
        return b""
    try:
        status = os.fstat(number)
        return os.read(number, min(limit, status.st_size)) if stat.S_ISREG(status.st_mode) else b""
    except OSError:
        return b""
    finally:
        os.close(number)


def _list(root: str) -> tuple[list[File], str]:
    """Every file below `root`, hidden ones too, and what was left out; links are listed, never entered."""
    found: list[File] = []
    real_root = os.path.realpath(root)
    for number, (relative, entry) in enumerate(_entries(root)):
        if number == MAX_FILES:
            return _ordered(found), f"over {MAX_FILES:,} files and folders"
        if isinstance(entry, OSError):
            found.append(File(relative, 0, problem=f"The folder cannot be read: {entry.strerror}"))
        elif not entry.is_dir(follow_symlinks=False):
            found.append(_file(entry, relative, real_root))
    return _within_total(_ordered(found))


def _entries(root: str) -> Iterator[tuple[str, os.DirEntry[str] | OSError]]:
    """(Path below `root`, entry) of files and folders, at most one more than are looked at; an error for a closed folder."""
    pending = [""]
    seen = 0
    while pending and seen <= MAX_FILES:
        prefix = pending.pop()
        try:
            with os.scandir(f"{root}/{prefix}" if prefix else root) as entries:
                listed = nsmallest(
                    MAX_FILES + 1, entries, key=lambda entry: (entry.name != FILE_NAME, entry.name)
                )
        except OSError as error:
            yield prefix or ".", error
            continue
        for entry in listed[: MAX_FILES + 1 - seen]:
            seen += 1
            relative = f"{prefix}/{entry.name}" if prefix else entry.name
            if entry.is_dir(follow_symlinks=False) and entry.name not in scan.SKIPPED:
                pending.append(relative)
            yield relative, entry


def _ordered(files: list[File]) -> list[File]:
    return sorted(files, key=lambda file: (file.path != FILE_NAME, file.path))


def _within_total(files: list[File]) -> tuple[list[File], str]:
    """The files, those past the limit marked as not read."""
    total = 0
    for number, file in enumerate(files):
        total += min(file.size, MAX_READ)
        if total > MAX_TOTAL:
            files[number] = replace(file, problem=f"It lies past the first {MAX_TOTAL:,} bytes of the skill")
    return files, f"over {MAX_TOTAL:,} bytes" if total > MAX_TOTAL else ""


def _file(entry: os.DirEntry[str], relative: str, real_root: str) -> File:
    try:
        status = entry.stat(follow_symlinks=False)
        link = os.readlink(entry.path) if entry.is_symlink() else ""
        if link:
            escapes = not scan.inside(entry.path, real_root)
            return File(
                relative, status.st_size, False, link, escapes, _link_problem(entry.path, escapes=escapes)
            )
        readable = stat.S_ISREG(status.st_mode) and os.access(entry.path, os.R_OK, effective_ids=_EFFECTIVE)
    except OSError as error:
        return File(relative, 0, problem=f"It cannot be read: {error.strerror}")
    executable = stat.S_ISREG(status.st_mode) and bool(status.st_mode & 0o111)
    problem = (
        "" if readable else "It cannot be read" if stat.S_ISREG(status.st_mode) else "It is no regular file"
    )
    return File(relative, status.st_size, executable, problem=problem)


def _link_problem(path: str, *, escapes: bool) -> str:
    if escapes:
        return "It is a link that leads out of the skill"
    if not os.path.exists(path):
        return "It is a link that leads nowhere"
    return "" if os.path.isfile(path) else "It is a link to what is no regular file"


_EFFECTIVE = os.access in os.supports_effective_ids
