"""Reading one file of a skill and nothing else: no climbing, no links out, no devices, no endless pipes."""

from __future__ import annotations

import os
import stat

from airskills import scan
from airskills.errors import UnsafePathError

MAX_FILE_BYTES = 16 * 1024 * 1024
MAX_PATH = 4096  # PATH_MAX of Linux


def read_inside(folder: str, path: str) -> bytes | None:
    """Bytes of the file `path` of the skill in `folder`, or None where there is no such regular file.

    Raises:
        UnsafePathError: the path is absolute, climbs, is hidden, leads out through a link, or is over 16 MiB.
    """
    real = os.path.realpath("/".join([folder, *safe_parts(path)]))
    if not scan.inside(real, os.path.realpath(folder)):
        raise UnsafePathError(path, "it leads out of the skill through a link")
    return _read_regular(real, path)


def safe_parts(path: str) -> list[str]:
    """The parts of a plain relative path.

    Raises:
        UnsafePathError: it is anything else.
    """
    reasons = (
        (not path, "it is empty"),
        (len(path) > MAX_PATH, f"it is longer than {MAX_PATH:,} characters"),
        (not _is_unicode(path), "it holds half of a surrogate pair"),
        ("\0" in path, "it holds a NUL byte"),
        ("\\" in path, "it holds a backslash; separators are forward slashes"),
        (path.startswith("/") or path[1:2] == ":", "it is absolute"),
        (path.startswith("~"), "it begins with ~"),
    )
    for bad, reason in reasons:
        if bad:
            raise UnsafePathError(path, reason)
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise UnsafePathError(path, "it climbs out with ..")
    if any(part.startswith(".") for part in parts):
        raise UnsafePathError(path, "hidden files are not part of a skill")
    if not parts:
        raise UnsafePathError(path, "it names no file")
    return parts


def _is_unicode(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def _read_regular(real: str, path: str) -> bytes | None:
    """Bytes of a regular file, or None where there is none; never waits on a pipe or device."""
    try:
        handle = os.open(real, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
    except (OSError, ValueError):
        return None
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        return None
    with os.fdopen(handle, "rb") as stream:
        if status.st_size > MAX_FILE_BYTES:
            raise UnsafePathError(path, f"it has {status.st_size:,} bytes; the limit is {MAX_FILE_BYTES:,}")
        return stream.read()
