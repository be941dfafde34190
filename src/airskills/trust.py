"""Which project folders the user has said may speak to an agent, remembered by the hash of what they hold.

A skill that arrives with a checkout is text from a stranger: it is not loaded until its folder is trusted, and
trust ends with the first changed byte. Source: client guide of the Agent Skills specification, "Trust".
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from airskills.draft import write_whole
from airskills.scan import FILE_NAME


def store() -> Path:
    """Folder of the records; `AIRSKILLS_STATE_DIR` overrides the platform's own place."""
    override = os.environ.get("AIRSKILLS_STATE_DIR")
    if override:
        return Path(override) / "trust"
    import platformdirs

    return platformdirs.user_state_path("airskills") / "trust"


def digest(folder: str) -> str:
    """SHA-256 over the paths and bytes of everything in `folder`, hidden files too, as 64 hex digits.

    A link counts as the text it points to, for reading does not follow one out of the folder; only a SKILL.md may be
    a link to elsewhere in its root, so there the text that would be loaded counts too.
    """
    total = hashlib.sha256()
    for base, folders, names in os.walk(folder):
        folders.sort()
        links = [name for name in folders if Path(base, name).is_symlink()]
        for path in sorted(Path(base, name) for name in names + links):
            total.update(b"%s\0%s\0" % (os.fsencode(path.relative_to(folder)), _content(path)))
    return total.hexdigest()


def _content(path: Path) -> bytes:
    """Kind of a file and SHA-256 of what it holds, in a form that no other file shares."""
    if path.is_symlink():
        link = b"link " + hashlib.sha256(os.fsencode(path.readlink())).hexdigest().encode()
        return link + _bytes_of(path) if path.name == FILE_NAME else link
    return _bytes_of(path)


def _bytes_of(path: Path) -> bytes:
    if not path.is_file():
        return b" other"
    with path.open("rb") as stream:
        return b" file " + hashlib.file_digest(stream, "sha256").hexdigest().encode()


def is_trusted(folder: str) -> bool:
    """Whether this very content of `folder` has been trusted before."""
    try:
        return _record(folder).read_text(encoding="ascii") == digest(folder)
    except (OSError, ValueError):
        return False


def remember(folder: str) -> None:
    """Trust `folder` as it is now."""
    record = _record(folder)
    record.parent.mkdir(parents=True, exist_ok=True)
    write_whole(record, digest(folder))


def forget(folder: str) -> None:
    """Take trust in `folder` back; no error when there was none."""
    _record(folder).unlink(missing_ok=True)


def _record(folder: str) -> Path:
    return store() / hashlib.sha256(os.path.realpath(folder).encode(errors="surrogateescape")).hexdigest()
