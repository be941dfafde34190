"""When two skill folders hold the same skill, and what of a folder belongs to it.

Two hashes: `content_hash` is ours and leaves out what `gh skill` writes into an installed SKILL.md; `computed_hash` is that of
`npx skills` 1.7, whose lock we share.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass

from airskills import disk
from airskills.errors import AirskillsError, SkillSyntaxError
from airskills.skill import FILE_NAME, parse

MAX_FILES = 1_000
MAX_BYTES = 25 * 1024 * 1024
SKIPPED = frozenset({".git", ".hg", "node_modules", "__pycache__"})
# `localeCompare` of JavaScript orders ASCII so, whatever the case; of two equal names the lower-case one goes first.
_ORDER = {
    sign: place
    for place, sign in enumerate(" _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz")
}


@dataclass(frozen=True)
class Content:
    """The files of a skill.

    Attributes:
        files: bytes by path.
        executable: paths of those that can be run.
        linked: paths of those that are links to another file of the skill.
    """

    files: dict[str, bytes]
    executable: frozenset[str] = frozenset()
    linked: frozenset[str] = frozenset()


def read(folder: str) -> Content:
    """Everything that belongs to the skill in `folder`.

    Raises:
        AirskillsError: a file is a link out, a link to nowhere, no regular file, unreadable, or there is too much.
    """
    listed, truncated = disk.list_files(os.path.abspath(folder))
    kept = [file for file in listed if not SKIPPED.intersection(file.path.split("/"))]
    wrong = next((file for file in kept if file.problem), None)
    if wrong is not None:
        raise AirskillsError(f"{folder}/{wrong.path}: {wrong.problem}", help="Remove it from the skill")
    total = sum(file.size for file in kept)
    if truncated or len(kept) > MAX_FILES or total > MAX_BYTES:
        raise AirskillsError(
            f"{folder} has {len(kept):,} files and {total:,} bytes; {MAX_FILES:,} and {MAX_BYTES:,} are the limits",
            help="Install a smaller skill",
        )
    files = {file.path: disk.read_file(f"{folder}/{file.path}", file, MAX_BYTES) for file in kept}
    executable = frozenset(file.path for file in kept if file.executable)
    return Content(files, executable, frozenset(file.path for file in kept if file.link))


def content_hash(content: Content) -> str:
    """`sha256:` and the hash of every path, mode and byte; a SKILL.md counts as what it says without `metadata.github-*`."""
    total = hashlib.sha256()
    for path in sorted(content.files):
        data = _said(content.files[path]) if path == FILE_NAME else content.files[path]
        mode = b"x" if path in content.executable else b"-"
        total.update(b"%s\0%s\0%s\0" % (os.fsencode(path), mode, hashlib.sha256(data).hexdigest().encode()))
    return f"sha256:{total.hexdigest()}"


def computed_hash(content: Content) -> str:
    """What `npx skills` writes as `computedHash`: paths and bytes in the order of JavaScript's `localeCompare`."""
    total = hashlib.sha256()
    for path in sorted(content.files.keys() - content.linked, key=_as_javascript):
        total.update(os.fsencode(path) + content.files[path])
    return total.hexdigest()


def _said(data: bytes) -> bytes:
    try:
        skill = parse(data, FILE_NAME)
    except SkillSyntaxError:
        return data
    fields = dict(skill.fields)
    if isinstance(fields.get("metadata"), dict):
        kept = {key: value for key, value in fields["metadata"].items() if not key.startswith("github-")}
        fields = (
            {**fields, "metadata": kept} if kept else {k: v for k, v in fields.items() if k != "metadata"}
        )
    return f"{json.dumps(fields, sort_keys=True, default=str)}\0{skill.body}".encode(errors="surrogatepass")


def _as_javascript(path: str) -> tuple[list[int], str]:
    weights = [_ORDER.get(sign.lower(), len(_ORDER) + ord(sign)) for sign in path]
    return weights, path.swapcase()
