"""Putting a skill where agents look: whole or not at all, however the process ends.

A skill is written beside its place and then changes places with what was there, in one call of the system; so a reader, or
whoever comes after a crash, sees the old skill or the new one. Leftovers begin with `.airskills-` and go with the next run.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airskills.install.content import Content

DRAFT = ".airskills-"
_AT_FDCWD = -100
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux 3.15


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other runs of ours out of `folder`, and clear what one that was killed left there."""
    folder.mkdir(parents=True, exist_ok=True)
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        for left in folder.glob(f"{DRAFT}*"):
            discard(left)
        yield
    finally:
        os.close(number)


def put(content: Content, target: Path) -> None:
    """Make `target` a folder with just these files."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=target.parent))
    draft.chmod(0o755)
    for path, data in content.files.items():
        out = draft / path
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(data)
        out.chmod(0o755 if path in content.executable else 0o644)
    _swap(draft, target)


def link(target: Path, place: Path) -> None:
    """Make `place` a relative link to the folder `target`."""
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=place.parent)) / "link"
    draft.symlink_to(os.path.relpath(target, os.path.realpath(place.parent)))
    _swap(draft, place)
    discard(draft.parent)


def remove(target: Path) -> None:
    """Take a folder or link away in one step."""
    draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=target.parent))
    target.rename(draft / "old")
    discard(draft)


def discard(path: Path) -> None:
    """Delete a file, a link, or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _swap(draft: Path, target: Path) -> None:
    if not os.path.lexists(target):
        draft.rename(target)
        return
    _exchange(draft, target)
    discard(draft)


def _exchange(one: Path, other: Path) -> None:
    """Let two paths change places at once; where the file system cannot, one after the other."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename and rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE) == 0:
        return
    aside = one.with_name(f"{one.name}-old")
    other.rename(aside)
    one.rename(other)
    aside.rename(one)
