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

from airskills.errors import AirskillsError

FILE = "skills-lock.json"
VERSION = 1

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
        fields = ("source", "sourceType", "computedHash")
        if not isinstance(entry, dict) or not all(isinstance(entry.get(field), str) for field in fields):
            raise _malformed(path, f"the entry {name!r} lacks one of {', '.join(fields)}")
    return {name: _absolute(entry, path.parent) for name, entry in held["skills"].items()}


def save(path: Path, entries: Mapping[str, Entry]) -> None:
    """Write the lock, sorted and without times, whole or not at all."""
    skills = {name: _portable(entries[name], path.parent) for name in sorted(entries)}
    text = json.dumps({"version": VERSION, "skills": skills}, indent=2, ensure_ascii=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    number, draft = tempfile.mkstemp(prefix=".airskills-", dir=path.parent)
    with os.fdopen(number, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    Path(draft).chmod(0o644)
    Path(draft).replace(path)


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
