"""`skills-lock.json`, version 1: the file of `npx skills`, with a commit and a hash of ours besides.

What other tools wrote into an entry is kept. Unlike theirs, a file that cannot be read is an error and not an empty lock.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airskills.access import safe_parts
from airskills.errors import AirskillsError, UnsafePathError

FILE = "skills-lock.json"
VERSION = 1
_DRAFT = ".skills-lock.json-"

Entry = dict[str, Any]


def load(path: Path) -> dict[str, Entry]:
    """Entries by name of skill; none where there is no file. Local sources become absolute.

    Raises:
        AirskillsError: the file is no lock of version 1.
    """
    try:
        held = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise _malformed(path, f"it is no JSON ({error})") from error
    if (
        not isinstance(held, dict)
        or held.get("version") != VERSION
        or not isinstance(held.get("skills"), dict)
    ):
        raise _malformed(path, f"it is no lock of version {VERSION}")
    for name, entry in held["skills"].items():
        if not _names_a_folder(name):
            raise _malformed(path, f"{name[:80]!r} cannot be the name of a folder")
        fields = ("source", "sourceType", "computedHash")
        if not isinstance(entry, dict) or not all(isinstance(entry.get(field), str) for field in fields):
            raise _malformed(path, f"the entry {name!r} lacks one of {', '.join(fields)}")
    return {name: _absolute(entry, path.parent) for name, entry in held["skills"].items()}


def save(path: Path, entries: Mapping[str, Entry]) -> None:
    """Write the lock, sorted and without times, whole or not at all. The caller keeps other runs out."""
    skills = {name: _portable(entries[name], path.parent) for name in sorted(entries)}
    text = json.dumps({"version": VERSION, "skills": skills}, indent=2, ensure_ascii=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f"{_DRAFT}*"):  # by a run that was killed
        left.unlink()
    number, draft = tempfile.mkstemp(prefix=_DRAFT, dir=path.parent)
    with os.fdopen(number, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    Path(draft).chmod(0o644)
    Path(draft).replace(path)


def _names_a_folder(name: str) -> bool:
    """Whether a skill of this name lies below the folder of skills: a lock comes with a checkout, from anybody."""
    try:
        return safe_parts(name) == [name]
    except UnsafePathError:
        return False


def _absolute(entry: Entry, folder: Path) -> Entry:
    if entry["sourceType"] != "local" or "://" in entry["source"]:
        return entry
    return {**entry, "source": os.path.normpath(folder / entry["source"])}


def _portable(entry: Entry, folder: Path) -> Entry:
    """A local source relative to the lock, as `npx skills` writes it."""
    if entry["sourceType"] != "local":
        return entry
    relative = os.path.relpath(entry["source"], folder).replace(os.sep, "/")
    climbs = relative == ".." or relative.startswith("../")
    return {**entry, "source": relative if climbs or relative == "." else f"./{relative}"}


def _malformed(path: Path, why: str) -> AirskillsError:
    return AirskillsError(f"{path}: {why}", help="Repair it, or take it from version control")
