"""The pages that people write: those below `docs/` and a few of the repository's own, with their links led to pages."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from airskills.site.dialect import convert

# Pages of the repository that the site shows too, by where it shows them.
ROOT_PAGES = {
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "ROADMAP.md": "project/roadmap.md",
    "benchmarks/README.md": "project/benchmarks/about.md",
}
_HOME = {"README.md": "index.md", "docs": "index.md", "skills": "skills/index.md"}
_SKILL = re.compile(r"\A(skills/[^/]+)/SKILL\.md\Z")
_OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:|#", re.IGNORECASE)


def pages(root: Path) -> dict[str, str]:
    """Every page by its path on the site."""
    found = {path: f"docs/{path}" for path in _below(root / "docs", ".md")}
    found |= {shown: path for path, shown in ROOT_PAGES.items() if (root / path).is_file()}
    homes = {source: shown for shown, source in found.items()} | _HOME
    return {
        shown: convert(
            (root / source).read_text(encoding="utf-8"),
            resolve=_resolver(source, shown, homes),
            mark=lambda _: "",
        )
        for shown, source in found.items()
    }


def assets(root: Path) -> dict[str, bytes]:
    """What pages show besides text: styles, scripts, images."""
    paths = _below(root / "docs", ".css", ".js", ".svg", ".png", ".ico")
    return {path: (root / "docs" / path).read_bytes() for path in paths}


def title(text: str, path: str) -> str:
    """The title of a page: its first heading, or its name."""
    found = re.search(r"(?m)^# (.+)$", text)
    return (
        found[1].strip()
        if found
        else posixpath.basename(path).removesuffix(".md").replace("-", " ").capitalize()
    )


def _below(folder: Path, *suffixes: str) -> Iterator[str]:
    return (
        p.relative_to(folder).as_posix()
        for p in sorted(folder.rglob("*"))
        if p.suffix in suffixes and p.is_file()
    )


def _resolver(source: str, shown: str, homes: Mapping[str, str]) -> Callable[[str], str]:
    """Where the links of a page lead on the site; what the site does not show stays as it is, and the build objects."""

    def resolve(target: str) -> str:
        if _OUTSIDE.match(target):
            return target
        path, mark, fragment = target.partition("#")
        there = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        page = homes.get(there) or _SKILL.sub(r"\1/index.md", there).removeprefix("docs/")
        return posixpath.relpath(page, posixpath.dirname(shown) or ".") + mark + fragment

    return resolve
