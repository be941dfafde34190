"""What a user means by a source of skills: the bundled ones, a folder, a git repository, an archive, a site."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from airskills.errors import AirskillsError

Kind = Literal["bundled", "local", "git", "archive", "well-known"]
ARCHIVES = (".zip", ".skill", ".tar.gz", ".tgz", ".tar")
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
_AT_HOST = re.compile(r"git@[\w.-]+:")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Source:
    """Where skills come from.

    Attributes:
        kind: what it is.
        place: a path, or an address that git or HTTP understands; "" for the bundled skills.
        ref: branch, tag or commit of a git repository; "" for its default branch.
        skill: the only skill that is meant, where the source itself says so.
    """

    kind: Kind
    place: str = ""
    ref: str = ""
    skill: str = ""


def parse(text: str) -> Source:
    """Read a source as the command line takes it.

    `NAME` (a bundled skill), a path (`./x`, `/x`, `~/x`, or one that exists), `OWNER/REPOSITORY` of GitHub, an address that git
    understands, an archive, or a site that has a `.well-known` index; a git source may end in `#REF`.

    Raises:
        AirskillsError: it is none of them, or its address is not safe.
    """
    if text in {"", "airskills"}:
        return Source("bundled")
    place = os.path.expanduser(text)
    if text.startswith((".", "/", "~")) or os.path.exists(place):
        return Source("archive" if text.endswith(ARCHIVES) else "local", os.path.abspath(place))
    if _NAME.fullmatch(text):
        return Source("bundled", skill=text)
    return _remote(text)


def _remote(text: str) -> Source:
    address, _, ref = text.partition("#")
    if ref.startswith("-"):
        raise AirskillsError(f"The ref {ref!r} begins with a hyphen", help="Give a branch, tag or commit")
    if _REPOSITORY.fullmatch(address):
        return Source("git", f"https://github.com/{address.removesuffix('.git')}.git", ref)
    if _AT_HOST.match(address):
        return Source("git", address, ref)
    parts = urlsplit(address.removeprefix("git+"))
    check_address(parts.geturl())
    if address.startswith("git+") or parts.scheme in {"ssh", "file"} or parts.path.endswith(".git"):
        return Source("git", parts.geturl(), ref)
    if parts.hostname in {"github.com", "gitlab.com"} and parts.path.count("/") == 2:
        return Source("git", f"{parts.geturl()}.git", ref)
    if parts.path.endswith(ARCHIVES):
        return Source("archive", parts.geturl())
    return Source("well-known", parts.geturl().rstrip("/"))


def check_address(address: str) -> None:
    """Accept what nobody on the way can change.

    Raises:
        AirskillsError: it is no address, or one without encryption.
    """
    parts = urlsplit(address)
    safe = parts.scheme in {"https", "ssh", "file"} or (
        parts.scheme == "http" and parts.hostname in _LOOPBACK
    )
    if not safe:
        raise AirskillsError(
            f"{address[:200]!r} is no source of skills",
            help="Give a bundled skill, a path, OWNER/REPOSITORY, or an https address",
        )


def of_lock(name: str, entry: Mapping[str, Any], *, pinned: bool) -> Source:
    """The source of a locked skill; of a git repository the commit where `pinned`.

    Raises:
        AirskillsError: it cannot be fetched again, or its address is not safe: a lock comes with a checkout, from anybody.
    """
    kind, origin = entry["sourceType"], entry["source"]
    ref = (entry.get("commit") if pinned else None) or entry.get("ref") or ""
    if kind == "bundled":
        return Source("bundled")
    if kind == "local":
        return Source("archive" if os.path.isfile(origin) else "local", origin)
    if kind in {"github", "gitlab"}:
        address = entry.get("sourceUrl") or f"https://{kind}.com/{origin}.git"
        return Source("git", _git_address(address), ref)
    if kind == "git":
        return Source("git", _git_address(entry.get("sourceUrl") or origin), ref)
    if kind == "well-known" and entry.get("sourceUrl"):
        return Source("well-known", entry["sourceUrl"])
    if kind == "download":
        return Source("archive", origin)
    raise AirskillsError(
        f"The skill {name!r} comes from {kind!r}, which cannot be fetched again",
        help="Install it with the tool that did",
    )


def _git_address(address: str) -> str:
    if not _AT_HOST.match(address):
        check_address(address)
    return address
