"""`skills/<name>/proof.json`: what was proven of a skill, with what, when, and of which content.

    proof.read(folder).static      written by `airskills verify --write`
    proof.read(folder).ran         written by `airskills test --write`

Each part carries a hash of the skill as it was then. A part whose hash differs from the skill's is stale, and what is
stale is unproven. The hash leaves out the file itself and the line `airskills-verified-on`, which the proof writes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from airskills.draft import write_whole
from airskills.folder import Folder, open_folder

FILE = "proof.json"
VERSION = 1
DATE_KEY = "airskills-verified-on"
_DATE_LINE = re.compile(rf"(?m)^(?P<indent>[ ]+){DATE_KEY}:[^\n]*\n")


@dataclass(frozen=True, slots=True)
class Part:
    """One half of a proof.

    Attributes:
        content: `content_hash` of the skill when it was proven.
        date: ISO day, UTC.
        pins: distribution to version.
        tools: what proved it: the tool, the back end, Python, the platform.
        counts: how many uses, blocks, facts in which state.
        hashes: distribution to the SHA-256 of its wheel, where one was unpacked.
        units: what ran to its end, as `SKILL.md:55`: file, and line of the fence or key it stands under.
        ran: expressions that came to their end: file to `12:4-30 13:0-8`, see `place`.
    """

    content: str
    date: str
    pins: Mapping[str, str]
    tools: Mapping[str, str]
    counts: Mapping[str, Any]
    hashes: Mapping[str, str] = field(default_factory=dict)
    units: tuple[str, ...] = ()
    ran: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proof:
    """What `proof.json` holds; empty where there is none or it cannot be read."""

    static: Part | None = None
    ran: Part | None = None

    def fresh(self, content: str) -> Proof:
        """Only the parts that are of this content."""
        return Proof(
            self.static if self.static and self.static.content == content else None,
            self.ran if self.ran and self.ran.content == content else None,
        )


def read(folder: Path) -> Proof:
    """The proof of the skill in `folder`; a file that cannot be read, or is of another version, proves nothing."""
    try:
        stored = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if stored["version"] != VERSION:
            return Proof()
        return Proof(_part(stored.get("static")), _part(stored.get("ran")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Proof()


def write(folder: Path, *, static: Part | None = None, ran: Part | None = None) -> Proof:
    """Put new parts into the proof, keep the other, and date the skill; whole or not at all.

    The frontmatter gets `airskills-verified-on` when both halves are of this content: the earlier of their days.

    Returns:
        What is written.
    """
    with _locked(folder):
        known = read(folder)
        made = Proof(static or known.static, ran or known.ran)
        write_whole(folder / FILE, _text(made))
        day = verified_on(folder, made)
        if day is not None:
            _stamp(folder / "SKILL.md", day)
    return made


def verified_on(folder: Path, proof: Proof | None = None) -> date | None:
    """Day on which all of the skill as it stands was proven; None where a half is missing or stale."""
    fresh = (proof or read(folder)).fresh(content_hash(open_folder(str(folder))))
    if fresh.static is None or fresh.ran is None:
        return None
    return min(date.fromisoformat(fresh.static.date), date.fromisoformat(fresh.ran.date))


def place(first: int, start: int, last: int, end: int) -> str:
    """Where an expression begins and ends in a file, `12:4-30` or `12:4-13:8`: lines from 1, columns in bytes of the code from 0."""
    return f"{first}:{start}-{end}" if first == last else f"{first}:{start}-{last}:{end}"


def today() -> str:
    """The day of a part that is made now, UTC."""
    return datetime.now(tz=UTC).date().isoformat()


def content_hash(folder: Folder) -> str:
    """SHA-256 over every file of a skill that is not hidden: its name and its bytes, with line feeds only."""
    total = hashlib.sha256()
    for file in sorted(folder.files, key=lambda file: file.path):
        if file.path == FILE or file.path.startswith(".") or "/." in file.path:
            continue
        content = folder.read(file.path).replace(b"\r\n", b"\n")
        if file.path == "SKILL.md":
            content = _DATE_LINE.sub("", content.decode("utf-8", "surrogateescape"), count=1).encode(
                "utf-8", "surrogateescape"
            )
        total.update(f"{file.path}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
        total.update(content)
    return f"sha256:{total.hexdigest()}"


def _part(stored: Mapping[str, Any] | None) -> Part | None:
    if stored is None:
        return None
    date.fromisoformat(stored["date"])
    return Part(
        str(stored["content"]),
        stored["date"],
        dict(stored["pins"]),
        dict(stored["tools"]),
        dict(stored["counts"]),
        dict(stored.get("hashes", {})),
        tuple(map(str, stored.get("units", ()))),
        {str(path): str(places) for path, places in stored.get("ran", {}).items()},
    )


def _text(proof: Proof) -> str:
    stored: dict[str, Any] = {"version": VERSION}
    stored |= {name: part for name, part in asdict(proof).items() if part is not None}
    return json.dumps(stored, indent=2, ensure_ascii=False) + "\n"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer at a time: `verify --write` and `test --write` may run side by side."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _stamp(path: Path, day: date) -> None:
    """Write the date into the metadata of the frontmatter, if there is any metadata."""
    text = path.read_text(encoding="utf-8")
    line = f'{DATE_KEY}: "{day.isoformat()}"\n'
    if _DATE_LINE.search(text):
        stamped = _DATE_LINE.sub(lambda found: found["indent"] + line, text, count=1)
    else:
        stamped = re.sub(
            r"(?m)^(metadata:[ ]*\n)([ ]+)",
            lambda found: f"{found[1]}{found[2]}{line}{found[2]}",
            text,
            count=1,
        )
    if stamped != text:
        write_whole(path, stamped)
