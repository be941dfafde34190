"""How a skill folder lies on a disk: what is listed, what is read, what is left out, and when it is the same as before.

Nothing outside the folder is read, nothing that is no regular file is opened, and neither is read without limit.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from heapq import nsmallest
from itertools import chain, islice
from pathlib import Path

from airskills import scan
from airskills.skill import FILE_NAME

MAX_FILES = 2_000  # entries of one skill, folders counted, that are looked at
MAX_READ = 4 * 1024 * 1024  # bytes of one file
MAX_TOTAL = 64 * 1024 * 1024  # bytes of one skill


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


class Contents(dict[str, bytes]):
    """Contents of a real folder, read when asked for."""

    def __init__(self, root: str, files: list[File]) -> None:
        super().__init__()
        self._root = root
        self._files = {file.path: file for file in files}

    def get(self, key: str, default: bytes = b"") -> bytes:  # type: ignore[override]  # no other default is asked for
        """Bytes of a file that was listed; `default` of any other."""
        if key not in self:
            file = self._files.get(key)
            self[key] = default if file is None or file.problem else read_file(f"{self._root}/{key}", file)
        return self[key]


def digest_of(path: str) -> str:
    """`Folder.digest` of the folder at `path`, without parsing anything."""
    root = os.path.abspath(path)
    files, truncated = list_files(root)
    return digest(files, truncated, Contents(root, files))


def digest(files: Iterable[File], truncated: str, contents: Mapping[str, bytes]) -> str:
    """SHA-256 of everything that a rule can see: names, modes, links, contents."""
    total = hashlib.sha256(truncated.encode())
    for file in files:
        content = contents.get(file.path, b"")
        total.update(f"{file!r} {len(content)}\n".encode(errors="surrogatepass"))
        total.update(content)
    return total.hexdigest()


def bytes_of(paths: Iterable[Path]) -> str:
    """SHA-256 of the contents of files, in the order of their paths: of code and data that kept results depend on."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(path.read_bytes())
    return total.hexdigest()


def stamp_of(path: str) -> tuple[str, int]:
    """Hash of size, times, kind and number of every file that `digest_of` reads, and the newest of the times in ns.

    While it stays the same, so does the digest: no program can set the time of a change of status (`st_ctime`).
    """
    root = os.path.abspath(path)
    stamps = [(relative, _numbers(entry)) for relative, entry in _entries(root)]
    newest = max((time for _, numbers in stamps for time in (*numbers[3::5], *numbers[4::5])), default=0)
    return hashlib.sha256(repr(stamps).encode(errors="surrogatepass")).hexdigest(), newest


def _numbers(entry: os.DirEntry[str] | OSError) -> tuple[int, ...]:
    """Mode, size, number and times of a file, and those of the file that a link leads to."""
    if isinstance(entry, OSError):
        return (entry.errno or 0,)
    try:
        own = _of_status(entry.stat(follow_symlinks=False))
    except OSError:
        return (0,)
    if not entry.is_symlink():
        return own
    try:
        return own + _of_status(entry.stat())
    except OSError:
        return own


def _of_status(status: os.stat_result) -> tuple[int, ...]:
    return status.st_mode, status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def read_file(path: str, file: File, limit: int = MAX_READ) -> bytes:
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


def list_files(root: str) -> tuple[list[File], str]:
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
                listed = _first(entries)
        except OSError as error:
            yield prefix or ".", error
            continue
        for entry in listed[: MAX_FILES + 1 - seen]:
            seen += 1
            relative = f"{prefix}/{entry.name}" if prefix else entry.name
            if entry.is_dir(follow_symlinks=False) and entry.name not in scan.SKIPPED:
                pending.append(relative)
            yield relative, entry


def _first(entries: Iterator[os.DirEntry[str]]) -> list[os.DirEntry[str]]:
    """The first of a folder's entries by name, at most one more than are looked at."""
    some = list(islice(entries, MAX_FILES + 1))
    if len(some) > MAX_FILES:
        return nsmallest(MAX_FILES + 1, chain(some, entries), key=_by_name)
    return sorted(some, key=_by_name)


def _by_name(entry: os.DirEntry[str]) -> tuple[bool, str]:
    return entry.name != FILE_NAME, entry.name


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
