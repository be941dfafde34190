"""What a web site needs so that clients find the skills on it: both well-known indexes, reproducible archives, `llms.txt`."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from airskills import scan
from airskills.export.manifests import purpose
from airskills.export.project import Project
from airskills.skill import Skill

SCHEMA = "https://schemas.agentskills.io/discovery/0.2.0/schema.json"
NEW, OLD = ".well-known/agent-skills", ".well-known/skills"


def site(project: Project) -> dict[str, bytes]:
    """Every file by its path below the site; the same skills give the same bytes."""
    files: dict[str, bytes] = {
        ".nojekyll": b"",
        "llms.txt": _llms(project),
        "llms-full.txt": _llms_full(project),
    }
    entries, older = [], []
    for skill in project.skills:
        contents = _contents(skill)
        packed = archive(contents)
        files[f"{NEW}/{skill.name}.tar.gz"] = packed
        files |= {f"{OLD}/{skill.name}/{path}": data for path, data in contents.items()}
        entries.append(_entry(skill, packed))
        older.append({"name": skill.name, "description": skill.description, "files": list(contents)})
    files[f"{NEW}/index.json"] = _json({"$schema": SCHEMA, "skills": entries})
    files[f"{OLD}/index.json"] = _json({"skills": older})
    return files


def archive(contents: dict[str, bytes]) -> bytes:
    """A tar.gz of these files with the SKILL.md at its root: sorted names, no times, no owners."""
    held = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=held, mode="wb", mtime=0, filename="") as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for path in sorted(contents):
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(contents[path]), 0o755 if contents[path].startswith(b"#!") else 0o644
            tar.addfile(info, io.BytesIO(contents[path]))
    return held.getvalue()


def _contents(skill: Skill) -> dict[str, bytes]:
    return {path: Path(skill.directory, path).read_bytes() for path in scan.files(skill.directory)[0]}


def _entry(skill: Skill, packed: bytes) -> dict[str, str]:
    return {
        "name": skill.name,
        "type": "archive",
        "description": skill.description,
        "url": f"{skill.name}.tar.gz",
        "digest": f"sha256:{hashlib.sha256(packed).hexdigest()}",
    }


def _llms(project: Project) -> bytes:
    """The site for language models: https://llmstxt.org."""
    lines = [f"# {project.name}", "", f"> {project.description}", "", "## Skills", ""]
    lines += [f"- [{s.name}]({OLD}/{s.name}/SKILL.md): {purpose(s)}" for s in project.skills]
    return ("\n".join(lines) + "\n").encode()


def _llms_full(project: Project) -> bytes:
    """The instructions of every skill in one file; their references stay where `llms.txt` leads."""
    parts = [f"# {project.name}\n\n> {project.description}\n"]
    parts += [f"<!-- {OLD}/{s.name}/SKILL.md -->\n\n{s.body}" for s in project.skills]
    return "\n".join(parts).encode()


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
