"""Writing what was rendered, or saying what differs from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from airskills.errors import AirskillsError
from airskills.evals import trials
from airskills.export.manifests import TABLE, manifests, table
from airskills.export.project import Project
from airskills.export.site import site
from airskills.folder import open_folder

README = "README.md"
EVALS = "docs/experiments/evals.md"
TRIALS = ("<!-- evals: written by `airskills export` -->", "<!-- end of evals -->")


def of_repository(project: Project) -> dict[str, bytes]:
    """Every file that the repository holds; a page gets its tables where it has the two marks."""
    files = {path: text.encode() for path, text in manifests(project).items()}
    for path, marks, written in ((README, TABLE, table), (EVALS, TRIALS, _trials)):
        page = project.root / path
        text = page.read_text(encoding="utf-8") if page.is_file() else ""
        if marks[0] in text:
            files[path] = _marked(page, text, marks, written(project)).encode()
    return files


def _marked(page: Path, text: str, marks: tuple[str, str], written: str) -> str:
    """The page with `written`, which holds the marks, in the place of what stood between them."""
    before, _, rest = text.partition(marks[0])
    if marks[1] not in rest:
        raise AirskillsError(f"{page} has no line {marks[1]!r}", help="Put it after the table")
    return before + written + rest.partition(marks[1])[2]


def _trials(project: Project) -> str:
    found = [trial for skill in project.skills for trial in trials.read_trials(open_folder(skill.directory))]
    return "\n".join([TRIALS[0], "", *trials.table(found), "", TRIALS[1]])


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
