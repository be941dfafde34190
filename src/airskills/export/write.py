"""Writing what was rendered, or saying what differs from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from airskills.errors import AirskillsError
from airskills.export.manifests import TABLE, manifests, table
from airskills.export.project import Project
from airskills.export.site import site


def of_repository(project: Project) -> dict[str, bytes]:
    """Every file that the repository holds, the README with its table where it has the two marks."""
    files = {path: text.encode() for path, text in manifests(project).items()}
    readme = project.root / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    if TABLE[0] in text:
        before, _, rest = text.partition(TABLE[0])
        if TABLE[1] not in rest:
            raise AirskillsError(f"{readme} has no line {TABLE[1]!r}", help="Put it after the table")
        files["README.md"] = (before + table(project) + rest.partition(TABLE[1])[2]).encode()
    return files


def of_site(project: Project) -> dict[str, bytes]:
    """Every file of the site."""
    return site(project)


def differing(files: Mapping[str, bytes], root: Path) -> list[str]:
    """Paths of the files that are missing below `root`, or hold something else."""
    return [path for path, data in files.items() if not _holds(root / path, data)]


def write(files: Mapping[str, bytes], root: Path) -> list[str]:
    """Write the files that differ; their paths."""
    changed = differing(files, root)
    for path in changed:
        out = root / path
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(files[path])
    return changed


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data
