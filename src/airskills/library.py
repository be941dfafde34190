"""All skills an agent may see: found in their scopes, ordered by precedence, loaded by name.

Scopes, highest first: explicit paths, `AIRSKILLS_PATH`, the project (`.agents/skills` and `.claude/skills` from the
working folder up to the git root), the user's home, the skills that come with this package. The first skill of a
name wins and the others are reported. Source: client guide of the Agent Skills specification.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cached_property

from airskills import access, scan
from airskills.errors import SkillFileNotFoundError, SkillSyntaxError, UnknownSkillError
from airskills.finding import Finding
from airskills.record import Record
from airskills.scopes import KINDS, Scope
from airskills.scopes import scopes as scopes_of
from airskills.skill import MAX_BYTES, Skill, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airskills.index import Hit, Index
    from airskills.scopes import Kind


class Entry(Record):
    """A skill folder the library may show, before its file is read; of one name the lowest `rank` wins."""

    folder: scan.Folder
    scope: Scope
    rank: int


class Library:
    """The visible skills of some scopes. Opening is free; folders are scanned when something needs them.

    Iterating, `names()`, `search()` and `findings` see the folders as they were at the first use; `refresh()`
    looks again. `load()` and `read()` always read the file as it is now.
    """

    def __init__(
        self,
        scopes: Iterable[Scope],
        *,
        trust: bool | None = None,
        disabled: Iterable[str] = (),
        max_depth: int = scan.MAX_DEPTH,
        max_folders: int = scan.MAX_FOLDERS,
        cache: str | os.PathLike[str] | None = None,
    ) -> None:
        self.scopes = tuple(scopes)
        self._trust = trust
        self._disabled = tuple(disabled)
        self._limits = (max_depth, max_folders)
        self._cache = cache
        self._trusted: dict[str, bool] = {}

    @classmethod
    def open(
        cls,
        *paths: str | os.PathLike[str],
        scopes: Iterable[Kind] | None = None,
        project: str | os.PathLike[str] | None = None,
        trust: bool | None = None,
        disabled: Iterable[str] | None = None,
        max_depth: int = scan.MAX_DEPTH,
        max_folders: int = scan.MAX_FOLDERS,
        cache: str | os.PathLike[str] | None = None,
    ) -> Library:
        """Open a library.

        Args:
            *paths: folders to use (a skill, or a folder of skills). With paths and no `scopes`, nothing else is
                searched; with both, the paths come first.
            scopes: kinds of place to search besides `paths`; all four when there are no paths.
            project: folder whose project skills are meant; the working folder when None.
            trust: True shows project skills, False hides them, None shows those whose content was trusted before
                (`airskills trust`). Paths given here, the user's and the bundled skills need no trust.
            disabled: names or patterns (`llama*`) to hide; `AIRSKILLS_DISABLED`, comma separated, when None.
            max_depth: how many folders deep a root is searched.
            max_folders: how many folders of a root are looked at before the scan stops with a finding.
            cache: folder of the search index; the platform's cache folder when None.

        Raises:
            FileNotFoundError: one of `paths` is no folder and no SKILL.md.
            ValueError: one of `scopes` is no kind of place.
        """
        kinds = tuple(scopes) if scopes is not None else () if paths else KINDS
        found = scopes_of([os.fspath(path) for path in paths], kinds, os.fspath(project or ""))
        for scope in found:
            if scope.kind == "explicit" and not os.path.isdir(scope.root):
                raise FileNotFoundError(f"No folder {scope.root!r}")
        hidden = os.environ.get("AIRSKILLS_DISABLED", "").split(",") if disabled is None else disabled
        return cls(
            found,
            trust=trust,
            disabled=[pattern.strip() for pattern in hidden if pattern.strip()],
            max_depth=max_depth,
            max_folders=max_folders,
            cache=cache,
        )

    # -- reading ---------------------------------------------------------------------------------------------------

    def load(self, name: str) -> Skill:
        """Read the skill called `name` as it is on disk now.

        Raises:
            UnknownSkillError: no visible skill has that name; it carries names that look alike.
        """
        for rank, scope in enumerate(self.scopes):
            skill = self._load_direct(scope, name) or self._load_scanned(rank, name)
            if skill is not None:
                return skill
        raise UnknownSkillError(name, self._alike(name), note=self._why_missing(name))

    def read(self, name: str, path: str) -> bytes:
        """Read one file of the skill called `name`.

        Args:
            name: the skill.
            path: relative to the skill's folder, with forward slashes, such as `references/x.md`.

        Raises:
            UnknownSkillError: no visible skill has that name.
            UnsafePathError: the path is absolute, climbs, is hidden, or leads out of the skill through a link.
            SkillFileNotFoundError: the path is sound but no regular file is there.
        """
        content = access.read_inside(self.load(name).directory, path)
        if content is None:
            raise SkillFileNotFoundError(name, path, _close(path, self.files(name)))
        return content

    def files(self, name: str) -> list[str]:
        """Relative paths of the files of a skill, SKILL.md first, at most 512.

        Raises:
            UnknownSkillError: no visible skill has that name.
        """
        return scan.files(self.load(name).directory)[0]

    def search(
        self, query: str, limit: int = 5, *, category: str | None = None, tag: str | None = None
    ) -> list[Hit]:
        """The skills that answer `query`, best first; an empty list when nothing matches well.

        Args:
            query: a request in the user's words, or keywords.
            limit: how many hits at most.
            category: only skills of this `airskills-category`.
            tag: only skills with this tag.
        """
        return self._index.search(query, limit=limit, category=category, tag=tag)

    # -- the whole -------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Skill]:
        return iter(self._read_all[0].values())

    def __len__(self) -> int:
        return len(self._read_all[0])

    def __contains__(self, name: object) -> bool:
        return name in self._read_all[0]

    def names(self) -> list[str]:
        """Names of the visible skills, sorted."""
        return list(self._read_all[0])

    @property
    def findings(self) -> list[Finding]:
        """What was skipped, shadowed, hidden, untrusted or malformed, in path order; then what the index says."""
        index = self.__dict__.get("_index")
        return [*self._read_all[1], *(index.findings if index else ())]

    def counts(self) -> list[tuple[Scope, int]]:
        """Every scope with the number of skill folders found there, untrusted ones included."""
        return [(scope, len(found.folders)) for scope, found in zip(self.scopes, self._scans, strict=True)]

    @property
    def index_state(self) -> dict[str, str | int]:
        """Where the search index lies and what it holds, for `airskills doctor`."""
        return self._index.state

    def refresh(self) -> None:
        """Look at the folders again."""
        if "_index" in self.__dict__:
            self._index.close()
        for cached in ("_scans", "_read_all", "_index"):
            self.__dict__.pop(cached, None)
        self._trusted.clear()

    # -- inside ----------------------------------------------------------------------------------------------------

    @cached_property
    def _scans(self) -> list[scan.Scan]:
        depth, folders = self._limits
        return [scan.scan(scope.root, max_depth=depth, max_folders=folders) for scope in self.scopes]

    def _entries(self) -> Iterator[Entry]:
        """Every folder that may be shown, highest precedence first; untrusted ones are left out."""
        for number, (scope, found) in enumerate(zip(self.scopes, self._scans, strict=True)):
            for folder in found.folders:
                if self._allowed(scope, folder.path):
                    yield Entry(folder, scope, 2 * number + _is_nested(folder, scope))

    @cached_property
    def _read_all(self) -> tuple[dict[str, Skill], list[Finding]]:
        """Visible skills by name, sorted, and everything worth saying about the others."""
        skills: dict[str, Skill] = {}
        places: dict[str, tuple[int, bool]] = {}
        findings = [finding for found in self._scans for finding in found.findings]
        findings += self._untrusted()
        for entry in self._entries():
            try:
                skill = _parse_file(entry.folder.file, entry.scope.kind)
            except (SkillSyntaxError, OSError) as error:
                findings.append(_unreadable(error, entry.folder.file))
                continue
            findings += skill.findings
            first = skills.get(skill.name)
            place = (entry.rank, not _bears_name(entry.folder, skill.name))
            if self._is_hidden(skill):
                findings.append(Finding(skill.path, 1, 1, "AS803", f"The skill {skill.name!r} is hidden"))
            elif first is None or place < places[skill.name]:
                skills[skill.name] = skill
                places[skill.name] = place
                findings += [_shadowed(first, skill)] if first else []
            elif skill.path != first.path:  # else one root lies inside another
                findings.append(_shadowed(skill, first))
        return dict(sorted(skills.items())), sorted(findings, key=lambda f: (f.path, f.line, f.column))

    @cached_property
    def _index(self) -> Index:
        from airskills.index import Index
        from airskills.store import Source

        sources = (Source(entry.folder.file, entry.folder.stamp, entry.rank) for entry in self._entries())
        # Libraries that show different skills of the same roots must not share one index.
        shown = [
            f"trust={self._trust}",
            f"limits={self._limits}",
            *(f"not {name}" for name in self._disabled),
        ]
        return Index.open(
            [*(scope.root for scope in self.scopes), *shown],
            sources,
            hidden=self._is_hidden,
            cache=self._cache,
        )

    def _load_direct(self, scope: Scope, name: str) -> Skill | None:
        """The skill in the folder of that name, without scanning; None when it has to be looked for."""
        if not name or name.startswith(".") or name in scan.SKIPPED or set(name) & set("/\\\0"):
            return None
        real_root = os.path.realpath(scope.root)
        path = scope.root if scan.skill_folder(scope.root, real_root, []) else f"{scope.root}/{name}"
        folder = scan.skill_folder(path, real_root, [])
        if folder is None or not scan.inside(path, real_root):
            return None
        return self._read_if(folder, scope, name)

    def _load_scanned(self, number: int, name: str) -> Skill | None:
        """The skill of that name in a folder of another name, or deeper in the root."""
        depth, folders = self._limits
        scope = self.scopes[number]
        found = (
            self._scans[number]
            if "_scans" in self.__dict__
            else scan.scan(scope.root, max_depth=depth, max_folders=folders)
        )
        ordered = sorted(found.folders, key=lambda f: (_is_nested(f, scope), not _bears_name(f, name)))
        return next((skill for folder in ordered if (skill := self._read_if(folder, scope, name))), None)

    def _read_if(self, folder: scan.Folder, scope: Scope, name: str) -> Skill | None:
        """The skill in `folder` as it is now, if it has that name and may be shown as it is now."""
        try:
            skill = _parse_file(folder.file, scope.kind)
        except (SkillSyntaxError, OSError):
            return None
        if skill.name != name or self._is_hidden(skill) or not self._is_trusted(scope, folder.path):
            return None
        return skill

    def _allowed(self, scope: Scope, path: str) -> bool:
        """Whether a folder may be shown, as it was when it was first looked at."""
        if path not in self._trusted:
            self._trusted[path] = self._is_trusted(scope, path)
        return self._trusted[path]

    def _is_trusted(self, scope: Scope, path: str) -> bool:
        if scope.kind != "project":
            return True
        if self._trust is not None:
            return self._trust
        from airskills import trust

        return trust.is_trusted(path)

    def _untrusted(self) -> Iterator[Finding]:
        for scope, found in zip(self.scopes, self._scans, strict=True):
            for folder in found.folders:
                if not self._allowed(scope, folder.path):
                    yield Finding(
                        folder.file,
                        1,
                        1,
                        "AS802",
                        "The project's skill is not trusted",
                        "Read it, then run `airskills trust`",
                    )

    def _is_hidden(self, skill: Skill) -> bool:
        return skill.hidden or any(fnmatchcase(skill.name, pattern) for pattern in self._disabled)

    def _alike(self, name: str) -> list[str]:
        return _close(name, self.names())

    def _why_missing(self, name: str) -> str:
        waiting = any(f.code == "AS802" and f.path.split("/")[-2] == name for f in self.findings)
        return "; the project has one that is not trusted" if waiting else ""


def _parse_file(file: str, kind: Kind) -> Skill:
    with open(file, "rb") as stream:
        content = stream.read(MAX_BYTES + 1)
    return parse(content, file).replace(scope=kind)


def _unreadable(error: SkillSyntaxError | OSError, file: str) -> Finding:
    if isinstance(error, SkillSyntaxError):
        return Finding(error.path, error.line, error.column, error.code, error.message, error.help)
    return Finding(file, 1, 1, "AS403", f"The file cannot be read: {error.strerror}", "Check its permissions")


def _is_nested(folder: scan.Folder, scope: Scope) -> bool:
    """Within one root a skill right under it goes before those deeper down."""
    return os.path.dirname(folder.path) != scope.root.rstrip("/") and folder.path != scope.root


def _bears_name(folder: scan.Folder, name: str) -> bool:
    """Then the skill whose folder has its name goes before others; else the first in path order stays."""
    return folder.path.rpartition("/")[2] == name


def _shadowed(loser: Skill, winner: Skill) -> Finding:
    return Finding(
        loser.path,
        1,
        1,
        "AS801",
        f"The skill {loser.name!r} is hidden by {winner.path}",
        "Rename one of the two",
    )


def _close(name: str, known: Iterable[str]) -> list[str]:
    from difflib import get_close_matches

    wanted = name[:200].casefold()
    pool = list(known)
    inside = [k for k in pool if len(wanted) > 2 and (wanted in k or k in wanted)]
    return list(dict.fromkeys([*inside, *get_close_matches(wanted, pool, n=3, cutoff=0.6)]))[:3]
