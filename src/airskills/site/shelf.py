"""The pages of each skill, made once for its content: a second run reads a skill, and makes only what changed.

    build/docs-kept/<skill>.json    what was made, and the key that it was made for

The key covers every file of the skill, what is said of its related skills, and the code and templates of this package.
A file that cannot be read is made anew; losing the folder costs a run.
"""

from __future__ import annotations

import hashlib
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from airskills.disk import bytes_of, digest_of
from airskills.draft import write_whole
from airskills.export.manifests import purpose
from airskills.scaffold import templates
from airskills.site import skill_pages
from airskills.site.catalogue import Entry, entry
from airskills.site.evidence import gather
from airskills.site.skill_pages import Named
from airskills.skill import FILE_NAME, Skill, parse

POOL_FROM = 16  # skills, whose pages take longer to make than processes to start
Job = tuple[
    str, Sequence[Named], str, Path
]  # folder of a skill, its related ones, the key and where it is kept


@dataclass(frozen=True, slots=True)
class Made:
    """What the site has of a skill: its row of the catalogue, its pages, and its other files, by path below its folder."""

    entry: Entry
    pages: dict[str, str]
    files: dict[str, bytes]


def made(skills: Sequence[Skill], kept: Path) -> list[Made]:
    """The pages of each skill, from the folder `kept` where they are there for this content.

    Args:
        skills: all of them.
        kept: folder of what was made before; it need not exist.
    """
    related = {
        skill.name: [(other.name, purpose(other)) for other in skill_pages.related_to(skill, skills)]
        for skill in skills
    }
    keys = {skill.name: _key(skill, related[skill.name]) for skill in skills}
    found = {skill.name: _read(_place(kept, skill), keys[skill.name]) for skill in skills}
    missing = [skill for skill in skills if found[skill.name] is None]
    jobs = [(s.directory, related[s.name], keys[s.name], _place(kept, s)) for s in missing]
    new = dict(zip((skill.name for skill in missing), _all(jobs), strict=True))
    return [found[skill.name] or new[skill.name] for skill in skills]


def _all(jobs: Sequence[Job]) -> Iterable[Made]:
    """What is made of each; by several processes where that is sooner."""
    if len(jobs) < POOL_FROM:
        return [_make(job) for job in jobs]
    with ProcessPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(_make, jobs, chunksize=4))


def _make(job: Job) -> Made:
    directory, related, key, place = job
    file = Path(directory, FILE_NAME)
    evidence = gather(parse(file.read_bytes(), str(file)))
    found = Made(entry(evidence), skill_pages.pages(evidence, related), skill_pages.files(evidence))
    _write(place, key, found)
    return found


def _place(kept: Path, skill: Skill) -> Path:
    return kept / f"{skill.name}.json"


def _key(skill: Skill, related: Sequence[Named]) -> str:
    return hashlib.sha256(f"{_code()} {digest_of(skill.directory)} {related}".encode()).hexdigest()


@cache
def _code() -> str:
    """Hash of everything besides the skill that its pages are made by."""
    package = Path(__file__).parents[1]
    return bytes_of(
        [*package.rglob("*.py"), *(templates() / "site").glob("*.j2"), package / "data" / "agents.json"]
    )


def _read(path: Path, key: str) -> Made | None:
    try:
        stored = json.loads(path.read_bytes())
        if stored["key"] != key:
            return None
        row = stored["entry"] | {name: tuple(stored["entry"][name]) for name in ("tags", "needs")}
        return Made(
            Entry(**row), stored["pages"], {name: b64decode(text) for name, text in stored["files"].items()}
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, key: str, found: Made) -> None:
    files = {name: b64encode(data).decode() for name, data in found.files.items()}
    stored = {"key": key, "entry": asdict(found.entry), "pages": found.pages, "files": files}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(stored))
