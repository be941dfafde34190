"""What a server serves: the visible skills as they lie on disk, each file with its address, digest and size.

A skill that breaks the specification, or a limit of the Skills extension, is still loaded by the tools; it is left out of
the extension and of the resources, with a finding. Source: MCP Skills extension (SEP-2640), "Skill Entries", "Limits".
"""

from __future__ import annotations

import hashlib
import mimetypes
import os
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote

from airskills import access, disk, scan
from airskills.errors import AirskillsError, UnknownSkillError, UnsafePathError
from airskills.finding import Finding
from airskills.frontmatter import is_string
from airskills.library import Library
from airskills.skill import FILE_NAME, Skill

MAX_FILES = 512
MAX_BYTES = 16 * 1024 * 1024
INDEX = "skill://index.json"
INDEX_SCHEMA = "https://schemas.agentskills.io/discovery/0.2.0/schema.json"
DIRECTORY = "inode/directory"
# Deviations that leave an entry true: the address bears the name, and fields nobody knows are passed on.
_HARMLESS = frozenset({"AS114", "AS117"})
_TYPES = mimetypes.MimeTypes(filenames=())  # the same on every machine
for _suffix, _type in (
    (".md", "text/markdown"),
    (".yaml", "application/yaml"),
    (".yml", "application/yaml"),
    (".toml", "application/toml"),
    (".jsonl", "application/jsonl"),
    (".j2", "text/plain"),
):
    _TYPES.add_type(_type, _suffix)


@dataclass(frozen=True, slots=True)
class File:
    """One file of a skill as a resource.

    Attributes:
        path: relative to the skill, forward slashes.
        uri: its address.
        size: bytes.
        digest: `sha256:` and 64 hexadecimal digits of its bytes.
    """

    path: str
    uri: str
    size: int
    digest: str

    @property
    def mime_type(self) -> str:
        """Type by its name; a name that says nothing is plain text, for that is what skills hold."""
        return _TYPES.guess_type(self.path)[0] or "text/plain"


@dataclass(frozen=True)
class Entry:
    """A skill with its files, as the extension lists it.

    Attributes:
        skill: the skill.
        files: every file, SKILL.md first; empty where `problem` says why the extension leaves it out.
        problem: what keeps it out, or None.
        stamp: hash that changes whenever a file does.
    """

    skill: Skill
    files: tuple[File, ...]
    problem: Finding | None
    stamp: str

    @property
    def uri(self) -> str:
        """Address of its SKILL.md."""
        return address(self.skill.name, FILE_NAME)

    @cached_property
    def by_uri(self) -> Mapping[str, File]:
        """Its files by address."""
        return {file.uri: file for file in self.files}

    @cached_property
    def wire(self) -> dict[str, Any]:
        """The entry as `skills/list` and `skills/get` give it."""
        resources = [{"uri": f.uri, "digest": f.digest, "size": f.size} for f in self.files]
        return {"uri": self.uri, "frontmatter": dict(self.skill.fields), "resources": resources}

    @cached_property
    def folders(self) -> Mapping[str, tuple[File | str, ...]]:
        """Direct children of each folder by its address: files, and addresses of folders."""
        found: dict[str, dict[str, File | str]] = {}
        for file in self.files:
            parts = file.uri.split("/")
            for depth in range(3, len(parts)):  # `skill:`, ``, name
                child = "/".join(parts[: depth + 1])
                held = found.setdefault("/".join(parts[:depth]), {})
                held[child] = file if child == file.uri else child
        return {uri: tuple(children.values()) for uri, children in found.items()}


def address(name: str, path: str) -> str:
    """Address of a file of a skill; a name that is no UTF-8 keeps its bytes."""
    return f"skill://{name}/{quote(os.fsencode(path), safe='/')}"


def entry_of(skill: Skill) -> Entry:
    """Read every file of `skill` once."""
    stamp = disk.stamp_of(skill.directory)[0]
    broken = next(
        (f for f in skill.findings if f.severity == "error" and f.code not in _HARMLESS),
        None,
    )
    if broken is not None:
        return Entry(skill, (), _left_out(skill, f"{broken.code} {broken.message}", broken.help), stamp)
    if not _is_json(dict(skill.fields)):
        return Entry(skill, (), _left_out(skill, "a field holds what JSON cannot say", "Quote dates"), stamp)
    try:
        files = tuple(_files(skill))
    except _LimitError as error:
        return Entry(skill, (), _left_out(skill, str(error), "Make it smaller, or split it"), stamp)
    return Entry(skill, files, None, stamp)


class _LimitError(Exception):
    """A skill is larger than every host must accept."""


def _files(skill: Skill) -> Iterator[File]:
    paths, cut = scan.files(skill.directory, limit=MAX_FILES)
    if cut:
        raise _LimitError(f"it has more than {MAX_FILES} files")
    total = 0
    for path in paths:
        content = _content(skill, path)
        total += len(content)
        if total > MAX_BYTES:
            raise _LimitError(f"it has more than {MAX_BYTES:,} bytes")
        digest = hashlib.sha256(content).hexdigest()
        yield File(path, address(skill.name, path), len(content), f"sha256:{digest}")


def _content(skill: Skill, path: str) -> bytes:
    try:
        content = access.read_inside(skill.directory, path)
    except UnsafePathError as error:
        raise _LimitError(f"{path!r} cannot be read: {error.reason}") from error
    if content is None:
        raise _LimitError(f"{path!r} cannot be read")
    return content


def _left_out(skill: Skill, why: str, help_: str) -> Finding:
    message = f"The skill {skill.name!r} is left out of the MCP resources: {why}"
    return Finding(skill.path, 1, 1, "AS820", message, help_)


def _is_json(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, str):
        return is_string(value)  # a date is one thing to one YAML and another to the next
    return value is None or isinstance(value, int | float)


@dataclass
class Catalogue:
    """The visible skills at one moment. Files are read when something asks for them, and then kept.

    Attributes:
        library: an open library, used by nothing else.
        skills: by name, sorted.
        entries: what was read so far, by name.
    """

    library: Library
    skills: dict[str, Skill]
    entries: dict[str, Entry] = field(default_factory=dict)

    @cached_property
    def names(self) -> list[str]:
        """Names of the visible skills, sorted."""
        return sorted(self.skills)

    def entry(self, name: str) -> Entry:
        """The entry of a visible skill as it was when it was first asked for."""
        found = self.entries.get(name)
        if found is None:
            found = self.entries[name] = entry_of(self.skills[name])
        return found

    def fresh(self, name: str) -> Entry | None:
        """The entry of a skill as it is now; None where there is none that may be shown."""
        if name not in self.skills:
            return None
        entry = self.entry(name)
        try:
            skill = self.library.load(name)
        except UnknownSkillError:
            return None
        if skill != entry.skill or disk.stamp_of(skill.directory)[0] != entry.stamp:
            self.skills[name] = skill
            entry = self.entries[name] = entry_of(skill)
        return None if entry.problem else entry

    def served(self) -> list[Entry]:
        """Every entry of the extension, sorted by name."""
        return [entry for name in self.skills if not (entry := self.entry(name)).problem]

    def page(self, after: str, count: int) -> tuple[list[Entry], str | None]:
        """At most `count` entries that follow the name `after`, and the name to continue with."""
        found: list[Entry] = []
        for name in self.names[bisect_right(self.names, after) :]:
            if self.entry(name).problem:
                continue
            if len(found) == count:
                return found, found[-1].skill.name
            found.append(self.entry(name))
        return found, None

    def locate(self, uri: str) -> tuple[Entry, File] | None:
        """The file at an address, exactly as it was given out."""
        entry = self.at(uri)
        file = entry.by_uri.get(uri) if entry else None
        if entry is not None and file is None:  # it may have come since
            entry = self.fresh(entry.skill.name)
            file = entry.by_uri.get(uri) if entry else None
        return (entry, file) if entry and file else None

    def at(self, uri: str) -> Entry | None:
        """The entry whose files have addresses like this."""
        scheme, _, rest = uri.partition("://")
        name = rest.partition("/")[0]
        if scheme != "skill" or name not in self.skills:
            return None
        entry = self.entry(name)
        return None if entry.problem else entry

    def read(self, uri: str) -> bytes | None:
        """Bytes of the file at an address as they are now; None where nothing is served."""
        found = self.locate(uri)
        if found is None:
            return None
        try:
            return self.library.read(found[0].skill.name, found[1].path)
        except AirskillsError:  # trust was lost, or the file
            return None

    def index(self) -> dict[str, Any]:
        """The index of the drafts before SEP-2640, which some hosts still read."""
        skills = [
            {
                "name": entry.skill.name,
                "type": "skill-md",
                "description": str(entry.skill.fields["description"]),
                "url": entry.uri,
                "digest": entry.files[0].digest,
            }
            for entry in self.served()
        ]
        return {"$schema": INDEX_SCHEMA, "skills": skills}

    def findings(self) -> list[Finding]:
        """What the library and the server say about skills that are not served."""
        left_out = [e.problem for name in self.skills if (e := self.entry(name)).problem]
        return [*self.library.findings, *(finding for finding in left_out if finding)]


def open_catalogue(opened: Callable[[], Library], before: Catalogue | None = None) -> Catalogue:
    """Look at the folders now; entries of skills that did not change are taken over."""
    library = opened()
    skills = {skill.name: skill for skill in library}
    kept = {
        name: entry
        for name, entry in (before.entries.items() if before else ())
        if skills.get(name) == entry.skill and disk.stamp_of(entry.skill.directory)[0] == entry.stamp
    }
    return Catalogue(library, skills, kept)
