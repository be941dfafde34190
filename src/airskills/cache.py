"""What the tool keeps in its cache folder, and what of it has not been used for long.

Environments, unpacked wheels, stand-ins and remembered results are named by hashes of what they depend on, so nothing in
the cache is ever wrong, and what no longer fits is never looked at again: it only takes room. Using an entry touches one
file of it; its age is the age of that file.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# Kind -> (pattern of the entries, the file in each that is touched when it is used).
KINDS = {
    "environments": ("environments/*/", "airskills.json"),
    "wheels": ("wheels/*/wheel.json", ""),
    "stand-ins": ("run/*/*/", ""),
    "results": ("results/*/*.json", ""),
}
IN_USE = (
    3600.0  # seconds after its last use for which an entry stays, whatever is asked: a test may be running
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can go by itself.

    Attributes:
        kind: one of `KINDS`.
        path: the file or folder.
        size: bytes that would be free without it; a file that has other names elsewhere counts nothing.
        used: when it was used last, in seconds since the epoch.
    """

    kind: str
    path: Path
    size: int
    used: float


def touch(path: Path) -> None:
    """Note that the entry of which this is the file was used; a cache that cannot be written is used all the same."""
    with suppress(OSError):
        os.utime(path)


def entries(folder: Path) -> Iterator[Entry]:
    """Everything in the cache folder that can go by itself, half-made things that a dead process left included."""
    for kind, (pattern, mark) in KINDS.items():
        for found in sorted(folder.glob(pattern)):
            path = found.parent if found.name == "wheel.json" else found
            with suppress(FileNotFoundError):  # another process removes it
                used = (found / mark if mark and (found / mark).exists() else found).stat().st_mtime
                yield Entry(kind, path, _size(path), used)


def stale(
    found: Iterable[Entry], *, seconds: float | None = None, size: int | None = None, now: float | None = None
) -> list[Entry]:
    """Entries to remove, longest unused first.

    Args:
        found: all entries.
        seconds: those that were not used for so long.
        size: as many more as leave at most so many bytes.
        now: the present, in seconds since the epoch.
    """
    present = time.time() if now is None else now
    order = sorted(found, key=lambda entry: entry.used)
    left = sum(entry.size for entry in order)
    gone = []
    for entry in order:
        idle = present - entry.used
        is_old = seconds is not None and idle > seconds
        is_much = size is not None and left > size and entry.size
        if idle > IN_USE and (is_old or is_much):
            gone.append(entry)
            left -= entry.size
    return gone


def remove(gone: Iterable[Entry]) -> None:
    """Remove entries, each under another name first, so that nobody finds half of one."""
    for entry in gone:
        doomed = entry.path.with_name(f".draft-{entry.path.name}-{os.getpid()}")
        with suppress(FileNotFoundError):  # another process was faster
            entry.path.rename(doomed)
            shutil.rmtree(doomed) if doomed.is_dir() else doomed.unlink()


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    total = 0
    for base, _, names in os.walk(path):
        for name in names:
            with suppress(FileNotFoundError):
                stat = os.lstat(os.path.join(base, name))
                total += stat.st_size if stat.st_nlink == 1 else 0
    return total
