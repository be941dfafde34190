"""Unpacking an archive that a stranger made: only plain files below the target, and not too much of them."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from airskills.access import MAX_PATH
from airskills.errors import AirskillsError
from airskills.install.content import MAX_BYTES, MAX_FILES

MAX_DOWNLOAD = 10 * 1024 * 1024
MAX_MEMBERS = 4 * MAX_FILES  # folders counted
_CHUNK = 64 * 1024


def unpack(data: bytes, name: str, target: Path) -> None:
    """Unpack a zip or tar archive into the folder `target`, which is empty.

    Raises:
        AirskillsError: it is no such archive, holds anything but plain files and folders, a path that is absolute, climbs or
            occurs twice, or more than 1,000 files or 25 MiB.
    """
    seen: set[str] = set()
    total = 0
    try:
        for path, executable, stream in _members(data):
            place = _checked(path, name, seen)
            out = target.joinpath(*place)
            out.parent.mkdir(parents=True, exist_ok=True)
            with out.open("xb") as written:
                while chunk := stream.read(_CHUNK):
                    total += len(chunk)
                    if total > MAX_BYTES:
                        raise _refused(name, f"it holds more than {MAX_BYTES:,} bytes")
                    written.write(chunk)
            out.chmod(0o755 if executable else 0o644)
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        EOFError,
        NotImplementedError,
        RuntimeError,
        OSError,
        ValueError,
    ) as error:
        raise _refused(name, f"it cannot be read ({type(error).__name__}: {error})") from error


def _members(data: bytes) -> Iterator[tuple[str, bool, IO[bytes]]]:
    """(Path, whether it can be run, bytes) of each file; folders are passed over."""
    if zipfile.is_zipfile(io.BytesIO(data)):
        yield from _zip_members(data)
    else:
        yield from _tar_members(data)


def _zip_members(data: bytes) -> Iterator[tuple[str, bool, IO[bytes]]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for number, member in enumerate(archive.infolist()):
            _count(number)
            mode = member.external_attr >> 16
            if member.is_dir():
                continue
            if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
                raise AirskillsError(
                    f"{member.filename[:200]!r} is no plain file", help="Leave links out of archives"
                )
            with archive.open(member) as stream:
                yield member.orig_filename, bool(mode & 0o111), stream


def _tar_members(data: bytes) -> Iterator[tuple[str, bool, IO[bytes]]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for number, member in enumerate(archive):
            _count(number)
            if member.isdir():
                continue
            stream = archive.extractfile(member) if member.isreg() else None
            if stream is None:
                raise AirskillsError(
                    f"{member.name[:200]!r} is no plain file", help="Leave links out of archives"
                )
            yield member.name, bool(member.mode & 0o111), stream


def _count(number: int) -> None:
    if number >= MAX_MEMBERS:
        raise AirskillsError(
            f"The archive has more than {MAX_MEMBERS:,} members", help="Install a smaller skill"
        )


def _checked(path: str, name: str, seen: set[str]) -> list[str]:
    """The parts of a path that stays below the target and was not written before."""
    parts = [part for part in path.split("/") if part not in {"", "."}]
    bad = (
        path.startswith("/")
        or ".." in parts
        or not parts
        or "\\" in path
        or "\0" in path
        or path[1:2] == ":"
        or len(path) > MAX_PATH
    )
    if bad:
        raise _refused(name, f"its member {path[:200]!r} leads out of it")
    key = "/".join(parts).casefold()
    if key in seen:
        raise _refused(name, f"its member {path[:200]!r} occurs twice")
    seen.add(key)
    if len(seen) > MAX_FILES:
        raise _refused(name, f"it holds more than {MAX_FILES:,} files")
    return parts


def _refused(name: str, why: str) -> AirskillsError:
    return AirskillsError(f"The archive {name} is refused: {why}", help="Ask whoever made it for a plain one")
