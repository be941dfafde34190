"""What the commands do: install, update, remove, restore and check. Everything is looked at before anything is written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from airskills import scan
from airskills.errors import AirskillsError
from airskills.finding import Finding
from airskills.install import lock, place
from airskills.install.agents import CANONICAL, Agent, agents, expand
from airskills.install.content import Content, computed_hash, content_hash, read
from airskills.install.fetch import Found, fetch
from airskills.install.source import Source

HOME = "~/.agents/skills"


@dataclass(frozen=True, slots=True)
class Target:
    """Where skills are installed: a project, or a user's home.

    Attributes:
        root: the project; the home where `home` is set.
        home: whether the folders of the user are meant.
    """

    root: Path
    home: bool = False

    @property
    def folder(self) -> Path:
        """The folder that holds the skills themselves."""
        return expand(HOME) if self.home else self.root / CANONICAL

    @property
    def lock(self) -> Path:
        """The lock file."""
        return self.folder.parent / lock.FILE if self.home else self.root / lock.FILE

    def of(self, agent: Agent) -> Path | None:
        """The folder of an agent, where it is another than `folder`."""
        found = (
            expand(agent.home)
            if self.home and agent.home
            else None
            if self.home
            else self.root / agent.project
        )
        return None if found is None or os.path.realpath(found) == os.path.realpath(self.folder) else found


@dataclass(frozen=True, slots=True)
class Change:
    """What was done, or would be: `install`, `update`, `keep`, `remove` or `restore`, and to which paths."""

    name: str
    action: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class How:
    """How to install.

    Attributes:
        agents: agents besides those that read `.agents/skills`.
        copy: give each its own copy instead of a link.
        force: install in spite of security findings, and over what is not ours or was changed.
        dry_run: only say what would be done.
    """

    agents: Sequence[Agent] = ()
    copy: bool = False
    force: bool = False
    dry_run: bool = False


def install(
    target: Target, source: Source, how: How, *, globs: Sequence[str] = (), category: str = ""
) -> list[Change]:
    """Install the skills of a source.

    Args:
        target: where.
        source: where from.
        how: agents and permissions.
        globs: only skills whose names match one.
        category: only skills of this bundle.

    Raises:
        AirskillsError: nothing matches, a security rule finds something, or a place is taken; then nothing was written.
    """
    with _fetched(source) as found:
        wanted = [one for one in found if _is_meant(one, source, globs, category)]
        if not wanted:
            raise AirskillsError(
                "No skill of the source matches", help=f"It has {', '.join(o.skill.name for o in found)}"
            )
        return _write(target, wanted, how)


def update(target: Target, names: Sequence[str], how: How) -> list[Change]:
    """Bring installed skills to what their sources hold now; all of them without names.

    Raises:
        AirskillsError: a name is not in the lock, or as for `install`.
    """
    entries = _entries(target, names)
    changes: list[Change] = []
    for source, group in _by_source(entries, pinned=False):
        with _fetched(source) as found:
            wanted = _of_names(found, group, source)
            for name, one in wanted.items():
                changes += _write(target, [one], _as_before(entries[name], how))
    return changes


def restore(target: Target, how: How, *, frozen: bool) -> list[Change]:
    """Bring the folders to what the lock says.

    Args:
        target: where.
        how: permissions.
        frozen: what a source holds must have the hashes of the lock; else the lock follows it.

    Raises:
        AirskillsError: there is no lock, or the source differs from it; nothing was written then.
    """
    entries = _entries(target, ())
    found: dict[str, Found] = {}
    for source, group in _by_source(entries, pinned=True):
        with _fetched(source) as held:
            found.update(_of_names(held, group, source))
    if frozen:
        _compare(entries, found)
    return [
        change
        for name, one in found.items()
        for change in _write(target, [one], _as_before(entries[name], how))
    ]


def remove(target: Target, names: Sequence[str], how: How) -> list[Change]:
    """Take installed skills away, with their links and copies.

    Raises:
        AirskillsError: a name is not in the lock, or a folder was changed since; nothing was removed then.
    """
    if not names:
        raise AirskillsError(
            "No skill is named", help="Name what to remove; `airskills list --installed` shows it"
        )
    entries = _entries(target, names)
    gone = {
        name: [p for p in _places(target, name, entry) if os.path.lexists(p)]
        for name, entry in entries.items()
    }
    for name, paths in gone.items():
        for path in paths:
            _must_be_ours(path, target.folder / name, entries[name], force=how.force)
    if not how.dry_run:
        with _alone([target.folder, *(path.parent for paths in gone.values() for path in paths)]):
            left = lock.load(target.lock)
            for name, paths in gone.items():
                for path in reversed(paths):  # links before what they lead to
                    place.remove(path)
                left.pop(name)
                lock.save(target.lock, left)
    return [Change(name, "remove", _shown(paths)) for name, paths in gone.items()]


def installed(target: Target) -> list[dict[str, object]]:
    """Every skill of the lock, with its state: `ok`, `changed` or `missing`."""
    return [
        {
            "name": name,
            "state": _state(_places(target, name, entry)[0], entry),
            "path": str(_places(target, name, entry)[0]),
            "source": entry["source"],
            "ref": entry.get("ref", ""),
            "commit": entry.get("commit", ""),
            "agents": list(entry.get("agents", [])),
        }
        for name, entry in lock.load(target.lock).items()
    ]


def verify(target: Target) -> list[Finding]:
    """Every way in which the folders differ from the lock."""
    entries = lock.load(target.lock)
    findings: list[Finding] = []
    for name, entry in entries.items():
        folder, *others = _places(target, name, entry)
        state = _state(folder, entry)
        if state == "missing":
            findings.append(
                _drift(folder, "AS821", f"The locked skill {name!r} is not there", "Run `airskills sync`")
            )
        elif state == "changed":
            message = f"The skill {name!r} differs from the lock"
            findings.append(
                _drift(
                    folder,
                    "AS822",
                    message,
                    "Run `airskills sync`, or `airskills update` to accept a new one",
                )
            )
        for path in others:
            if _state_of_place(path, folder, entry) != "ok":
                message = f"The skill {name!r} is not as the lock says at this place"
                findings.append(_drift(path, "AS823", message, "Run `airskills sync`"))
    for path in sorted(target.folder.glob("*/SKILL.md")):
        if path.parent.name not in entries:
            message = f"The skill {path.parent.name!r} is not in the lock"
            findings.append(
                _drift(path.parent, "AS824", message, "Install it with `airskills install`, or remove it")
            )
    return findings


# -- inside ------------------------------------------------------------------------------------------------------------


@contextmanager
def _fetched(source: Source) -> Iterator[list[Found]]:
    """The skills of a source, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="airskills-") as folder:
        yield fetch(source, Path(folder))


def _is_meant(one: Found, source: Source, globs: Sequence[str], category: str) -> bool:
    name = one.skill.name
    patterns = [source.skill] if source.skill else globs
    matches = not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
    return matches and (not category or one.skill.category == category)


def _write(target: Target, found: Iterable[Found], how: How) -> list[Change]:
    """Check every skill, then put every skill in its places and note it in the lock."""
    entries = lock.load(target.lock)
    planned = [
        (one, _entry(one, target, how), _places(target, one.skill.name, _entry(one, target, how)))
        for one in found
    ]
    for one, _, paths in planned:
        if not how.force:
            _must_be_safe(one)
        for path in paths:
            _must_stay_inside(path.parent, target)
            if os.path.lexists(path):
                held = entries.get(one.skill.name)
                _must_be_ours(path, target.folder / one.skill.name, held, one.content, force=how.force)
    changes = [
        _change(entries.get(one.skill.name), entry, one, paths, target) for one, entry, paths in planned
    ]
    if how.dry_run:
        return changes
    with _alone(path.parent for _, _, paths in planned for path in paths):
        for (one, entry, paths), change in zip(planned, changes, strict=True):
            if change.action != "keep":
                _put(one, paths, copy=how.copy)
            entries[one.skill.name] = {**entries.get(one.skill.name, {}), **entry}
            lock.save(target.lock, entries)
    return changes


@contextmanager
def _alone(folders: Iterable[Path]) -> Iterator[None]:
    """Keep other runs out of these folders; always in one order, so that two never wait for each other."""
    with ExitStack() as held:
        for folder in sorted(set(folders)):
            held.enter_context(place.alone(folder))
        yield


def _put(one: Found, paths: Sequence[Path], *, copy: bool) -> None:
    folder, *others = paths
    place.put(one.content, folder)
    for path in others:
        if copy:
            place.put(one.content, path)
        else:
            place.link(folder, path)


def _entry(one: Found, target: Target, how: How) -> lock.Entry:
    """What the lock says of a skill."""
    names = sorted(agent.name for agent in how.agents if target.of(agent) is not None)
    return {
        **one.place,
        "computedHash": computed_hash(one.content),
        "contentHash": content_hash(one.content),
        **({"agents": names} if names else {}),
        **({"copy": True} if names and how.copy else {}),
    }


def _change(
    before: Mapping[str, object] | None, entry: lock.Entry, one: Found, paths: Sequence[Path], target: Target
) -> Change:
    name = one.skill.name
    folder = target.folder / name
    current = all(_state_of_place(path, folder, entry) == "ok" for path in paths)
    action = "keep" if current else "install" if before is None else "update"
    return Change(name, action, _shown(paths))


def _places(target: Target, name: str, entry: Mapping[str, object]) -> list[Path]:
    """The folder of a skill, and where the agents of its entry find it.

    `npx skills` does not note the agents, and puts a skill for one agent alone into the folder of this agent only.
    """
    if "contentHash" not in entry and not (target.folder / name).exists():
        theirs = (folder / name for agent in agents().values() if (folder := target.of(agent)))
        return [next((place for place in theirs if place.is_dir()), target.folder / name)]
    listed = entry.get("agents")
    known = [agents()[agent] for agent in listed if agent in agents()] if isinstance(listed, list) else []
    others = [folder / name for agent in known if (folder := target.of(agent)) is not None]
    return list(dict.fromkeys([target.folder / name, *others]))


def _state(folder: Path, entry: Mapping[str, object]) -> str:
    """Whether a folder is what the lock says."""
    if not folder.is_dir():
        return "missing"
    try:
        content = read(str(folder))
    except AirskillsError:
        return "changed"
    ours = entry.get("contentHash")
    same = content_hash(content) == ours if ours else computed_hash(content) == entry["computedHash"]
    return "ok" if same else "changed"


def _state_of_place(path: Path, folder: Path, entry: Mapping[str, object]) -> str:
    """As `_state`, of a place that may be a link to the folder."""
    if path.is_symlink():
        return "ok" if path != folder and os.path.realpath(path) == os.path.realpath(folder) else "changed"
    return _state(path, entry)


def _must_stay_inside(folder: Path, target: Target) -> None:
    """Refuse a folder of the project that a link leads out of it."""
    if not target.home and not scan.inside(str(folder), os.path.realpath(target.root)):
        raise AirskillsError(
            f"{folder} leads out of {target.root} through a link", help="Replace the link by a folder"
        )


def _must_be_ours(
    path: Path, folder: Path, entry: Mapping[str, object] | None, new: Content | None = None, *, force: bool
) -> None:
    """Refuse to touch what we did not write, or what was changed since."""
    if force or (entry is not None and _state_of_place(path, folder, entry) == "ok"):
        return
    if path.is_symlink() and os.path.realpath(path) == os.path.realpath(folder):
        return
    with suppress(AirskillsError):
        if new is not None and path.is_dir() and content_hash(read(str(path))) == content_hash(new):
            return
    why = "was not installed by this lock" if entry is None else "was changed since it was installed"
    raise AirskillsError(f"{path} {why}", help="Move it away, or repeat with --force to lose it")


def _must_be_safe(one: Found) -> None:
    """Refuse a skill in which a security rule finds something; what the skill itself says to ignore counts too."""
    from airskills import check
    from airskills.folder import folder_from
    from airskills.settings import Settings

    settings = Settings(select=("AS7",))
    folder = folder_from(one.skill.name, one.content.files)
    found = check.check_folder(folder, check.active_rules(settings), settings).findings
    if found:
        listed = "\n".join(f"  {finding}" for finding in found[:10])
        raise AirskillsError(
            f"The security rules find {len(found)} in {one.skill.name!r}:\n{listed}",
            help="Read it first; --force installs it all the same",
        )


def _entries(target: Target, names: Sequence[str]) -> dict[str, lock.Entry]:
    entries = lock.load(target.lock)
    unknown = [name for name in names if name not in entries]
    if unknown:
        raise AirskillsError(
            f"{target.lock} has no skill {unknown[0]!r}", help=f"It has {', '.join(entries) or 'none'}"
        )
    if not entries:
        raise AirskillsError(f"{target.lock} locks no skill", help="Install one with `airskills install`")
    return {name: entry for name, entry in entries.items() if not names or name in names}


def _by_source(entries: Mapping[str, lock.Entry], *, pinned: bool) -> list[tuple[Source, list[str]]]:
    """Names by the source that they come from; at their commit where `pinned`."""
    groups: dict[Source, list[str]] = {}
    for name, entry in entries.items():
        groups.setdefault(_source(name, entry, pinned=pinned), []).append(name)
    return list(groups.items())


def _source(name: str, entry: lock.Entry, *, pinned: bool) -> Source:
    kind, origin = entry["sourceType"], entry["source"]
    ref = (entry.get("commit") if pinned else None) or entry.get("ref") or ""
    if kind == "bundled":
        return Source("bundled")
    if kind == "local":
        return Source("archive" if os.path.isfile(origin) else "local", origin)
    if kind in {"github", "gitlab"}:
        address = entry.get("sourceUrl") or f"https://{kind}.com/{origin}.git"
        return Source("git", address, ref)
    if kind == "git":
        return Source("git", entry.get("sourceUrl") or origin, ref)
    if kind == "well-known" and entry.get("sourceUrl"):
        return Source("well-known", entry["sourceUrl"])
    if kind == "download":
        return Source("archive", origin)
    raise AirskillsError(
        f"The skill {name!r} comes from {kind!r}, which cannot be fetched again",
        help="Install it with the tool that did",
    )


def _of_names(found: Iterable[Found], names: Iterable[str], source: Source) -> dict[str, Found]:
    held = {one.skill.name: one for one in found}
    gone = [name for name in names if name not in held]
    if gone:
        raise AirskillsError(
            f"{source.place or 'The package'} has no skill {gone[0]!r} any more",
            help="Remove it, or install it from elsewhere",
        )
    return {name: held[name] for name in names}


def _as_before(entry: lock.Entry, how: How) -> How:
    known = [agents()[name] for name in entry.get("agents", []) if name in agents()]
    return How(known, copy=bool(entry.get("copy")), force=how.force, dry_run=how.dry_run)


def _compare(entries: Mapping[str, lock.Entry], found: Mapping[str, Found]) -> None:
    """Refuse what does not have the hashes of the lock."""
    for name, one in found.items():
        ours = entries[name].get("contentHash")
        same = (
            content_hash(one.content) == ours
            if ours
            else computed_hash(one.content) == entries[name]["computedHash"]
        )
        if not same:
            raise AirskillsError(
                f"The source of {name!r} differs from the lock",
                help="Run `airskills update` where the change is meant, and commit the lock",
            )


def _drift(path: Path, code: str, message: str, help_: str) -> Finding:
    return Finding(str(path), 1, 1, code, message, help_)


def _shown(paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(str(path) for path in paths)
