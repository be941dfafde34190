"""Bringing a source into a folder: nothing of it is run, and what it was is noted."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin, urlsplit
from urllib.request import Request, urlopen

from airskills import scan, scopes
from airskills.access import safe_parts
from airskills.errors import AirskillsError, SkillSyntaxError, UnsafePathError
from airskills.install.archive import MAX_DOWNLOAD, unpack
from airskills.install.content import MAX_BYTES, MAX_FILES, Content, content_hash, read
from airskills.install.source import Source, check_address
from airskills.skill import FILE_NAME, Skill
from airskills.skill import parse as parse_skill

SECONDS = 60
SCHEMA = "https://schemas.agentskills.io/discovery/0.2.0/schema.json"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SHA = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Found:
    """A skill of a source.

    Attributes:
        skill: its SKILL.md, read.
        content: its files.
        place: what the lock says of where it came from.
    """

    skill: Skill
    content: Content
    place: Mapping[str, Any]


def fetch(source: Source, folder: Path) -> list[Found]:
    """Every skill of a source, sorted by name; `folder` is empty and may be used.

    Raises:
        AirskillsError: the source cannot be had, holds no skill, or two different ones of one name.
    """
    found = _FETCHERS[source.kind](source, folder)
    if not found:
        raise AirskillsError(
            f"{source.place or 'The package'} holds no skill", help="Look for a SKILL.md there"
        )
    return sorted(found, key=lambda one: one.skill.name)


def _bundled(_source: Source, _folder: Path) -> list[Found]:
    from airskills import __version__

    place = {"source": "airskills", "sourceType": "bundled", "ref": __version__}
    return _skills(scopes.bundled_root(), lambda path: place | {"skillPath": path})


def _local(source: Source, _folder: Path) -> list[Found]:
    if not os.path.isdir(source.place):
        raise AirskillsError(f"No folder {source.place!r}", help="Give a folder that holds a SKILL.md")
    return _skills(source.place, lambda _path: {"source": source.place, "sourceType": "local"})


def _archive(source: Source, folder: Path) -> list[Found]:
    remote = "://" in source.place
    if not remote and os.path.getsize(source.place) > MAX_DOWNLOAD:
        raise AirskillsError(
            f"{source.place} has more than {MAX_DOWNLOAD:,} bytes", help="Install a smaller skill"
        )
    data = download(source.place) if remote else Path(source.place).read_bytes()
    unpack(data, source.place, folder)
    place = {"source": source.place, "sourceType": "download" if remote else "local"}
    return _skills(str(folder), lambda _path: place)


def _git(source: Source, folder: Path) -> list[Found]:
    """The skills of a commit. Neither hooks nor filters nor helpers of the repository run."""
    steps = (
        ["init", "--quiet"],
        ["fetch", "--quiet", "--depth=1", "--no-tags", "--", source.place, source.ref or "HEAD"],
        ["checkout", "--quiet", "--detach", "FETCH_HEAD"],
    )
    for step in steps:
        _run_git(step, folder)
    commit = _run_git(["rev-parse", "HEAD"], folder).strip()
    owner = re.search(r"(github|gitlab)\.com[/:]([^/]+/[^/]+?)(?:\.git)?$", source.place)
    place = {
        "source": owner[2] if owner else source.place,
        "sourceType": owner[1] if owner else "git",
        **({} if owner else {"sourceUrl": source.place}),
        **({"ref": source.ref} if source.ref else {}),
        "commit": commit,
    }
    return _skills(str(folder), lambda path: {**place, "skillPath": path})


def _run_git(arguments: list[str], folder: Path) -> str:
    settings = (
        "core.hooksPath=/dev/null",
        "core.fsmonitor=false",
        "core.symlinks=true",
        "protocol.ext.allow=never",
    )
    quiet = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_ASKPASS": "true",
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    command = ["git", *(part for setting in settings for part in ("-c", setting)), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - git itself, with an address and a ref that were parsed
            command,
            cwd=folder,
            env={**os.environ, **quiet},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    except FileNotFoundError as error:
        raise AirskillsError("git is not installed", help="Install git, or give an archive") from error
    except subprocess.TimeoutExpired as error:
        raise AirskillsError("git took longer than 600 s", help="Try again, or give an archive") from error
    if done.returncode:
        said = " ".join(done.stderr.split())[-300:]
        raise AirskillsError(f"git {arguments[0]} failed: {said}", help="Check the address and the ref")
    return done.stdout


def _well_known(source: Source, folder: Path) -> list[Found]:
    """The skills of a site: discovery 0.2 with digests, else 0.1."""
    for kind, read_index in (("agent-skills", _index_2), ("skills", _index_1)):
        address = f"{source.place}/.well-known/{kind}/index.json"
        data = download(address, missing_ok=True)
        if data is not None:
            return list(read_index(_json(data, address), address, source, folder))
    raise AirskillsError(
        f"{source.place} has no index of skills", help="Look for /.well-known/agent-skills/index.json"
    )


def _index_2(index: Any, address: str, source: Source, folder: Path) -> Iterator[Found]:
    if index.get("$schema") != SCHEMA:
        raise AirskillsError(f"{address} follows a schema that is not known", help=f"Only {SCHEMA} is")
    for number, entry in enumerate(index.get("skills", [])):
        if not isinstance(entry, dict) or entry.get("type") not in {"archive", "skill-md"}:
            continue  # the specification: skip what is not known
        target = folder / str(number)
        target.mkdir()
        place = urljoin(address, str(entry.get("url")))
        data, digest = download(place), str(entry.get("digest"))
        if not _DIGEST.fullmatch(digest) or f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
            raise AirskillsError(
                f"{place} does not have the digest of the index", help="Tell whoever runs the site"
            )
        if entry["type"] == "archive":
            unpack(data, place, target)
        else:
            (target / FILE_NAME).write_bytes(data)
        yield from _of_site(target, source, {"wellKnownDigest": digest})


def _index_1(index: Any, address: str, source: Source, folder: Path) -> Iterator[Found]:
    for number, entry in enumerate(index.get("skills", [])):
        if not isinstance(entry, dict) or not isinstance(entry.get("files"), list):
            raise AirskillsError(f"{address}: entry {number} is malformed", help="Tell whoever runs the site")
        if len(entry["files"]) > MAX_FILES:
            raise AirskillsError(
                f"{address}: entry {number} has more than {MAX_FILES:,} files", help="Install a smaller skill"
            )
        target = folder / str(number)
        total = 0
        for path in entry["files"]:
            parts = safe_parts(str(path))
            data = download(urljoin(address, "/".join([*safe_parts(str(entry.get("name"))), *parts])))
            total += len(data)
            if total > MAX_BYTES:
                raise AirskillsError(
                    f"{address}: entry {number} has more than {MAX_BYTES:,} bytes",
                    help="Install a smaller skill",
                )
            out = target.joinpath(*parts)
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_bytes(data)
        yield from _of_site(target, source, {})


def _of_site(target: Path, source: Source, more: Mapping[str, str]) -> list[Found]:
    host = urlsplit(source.place).netloc
    place = {"source": host, "sourceUrl": source.place, "sourceType": "well-known", **more}
    return _skills(str(target), lambda _path: place)


_FETCHERS: Mapping[str, Callable[[Source, Path], list[Found]]] = {
    "bundled": _bundled,
    "local": _local,
    "git": _git,
    "archive": _archive,
    "well-known": _well_known,
}


def download(address: str, *, missing_ok: bool = False) -> Any:
    """Bytes at an address, at most 10 MiB; None for what is not there, where that is allowed.

    Raises:
        AirskillsError: it cannot be had, is too large, or leads to an address that is not safe.
    """
    check_address(address)
    try:
        with urlopen(Request(address, headers={"User-Agent": "airskills"}), timeout=SECONDS) as answer:  # noqa: S310 - checked above
            check_address(answer.geturl())
            data = answer.read(MAX_DOWNLOAD + 1)
    except HTTPError as error:
        if missing_ok and error.code in {404, 410}:
            return None
        raise AirskillsError(f"{address} answers {error.code}", help="Check the address") from error
    except (URLError, TimeoutError, OSError) as error:
        raise AirskillsError(
            f"{address} cannot be had: {error}", help="Check the address and the network"
        ) from error
    if len(data) > MAX_DOWNLOAD:
        raise AirskillsError(
            f"{address} has more than {MAX_DOWNLOAD:,} bytes", help="Install a smaller skill"
        )
    return data


def _json(data: bytes, address: str) -> Any:
    try:
        index = json.loads(data)
    except ValueError as error:
        raise AirskillsError(f"{address} is no JSON: {error}", help="Tell whoever runs the site") from error
    if not isinstance(index, dict) or not isinstance(index.get("skills"), list):
        raise AirskillsError(f"{address} is no index of skills", help="Tell whoever runs the site")
    return index


def _skills(root: str, place: Callable[[str], Mapping[str, Any]]) -> list[Found]:
    """The skills below a folder; of the same skill in several places the first counts."""
    found: dict[str, Found] = {}
    for folder in scan.scan(root, hidden=True).folders:
        try:
            skill = parse_skill(Path(folder.file).read_bytes(), folder.file)
        except SkillSyntaxError:
            continue  # one that no agent could load
        if not _is_name(skill.name):
            raise AirskillsError(
                f"{folder.file}: the name {skill.name[:80]!r} cannot be a folder's", help="Rename it"
            )
        content = read(folder.path)
        relative = os.path.relpath(folder.file, root)
        first = found.setdefault(skill.name, Found(skill, content, place(relative)))
        if first.content != content and content_hash(first.content) != content_hash(content):
            raise AirskillsError(
                f"{first.skill.path} and {folder.file} are two skills of one name",
                help="Give the folder of one",
            )
    return list(found.values())


def _is_name(name: str) -> bool:
    try:
        return (
            len(name) <= 64 and safe_parts(name) == [name] and re.fullmatch(r"[a-z0-9-]+", name) is not None
        )
    except UnsafePathError:
        return False
