"""What the commands do: install, update, remove and restore. Everything is looked at before anything is written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from airskills.errors import AirskillsError
from airskills.install import lock, place
from airskills.install.agents import Agent, agents
from airskills.install.content import computed_hash, content_hash
from airskills.install.fetch import Found, fetch
from airskills.install.source import Source, of_lock
from airskills.install.state import Target, must_be_ours, must_stay_inside, places, state_at

_ORIGIN = ("source", "sourceType", "sourceUrl", "ref", "commit", "skillPath", "wellKnownDigest")


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
        return _write(target, [(one, how) for one in wanted], how)


def update(target: Target, names: Sequence[str], how: How) -> list[Change]:
    """Bring installed skills to what their sources hold now; all of them without names.

    Raises:
        AirskillsError: a name is not in the lock, or as for `install`.
    """
    entries = _entries(target, names)
    found = _found_again(entries, pinned=False)
    return _write(target, [(one, _as_before(entries[name], how)) for name, one in found.items()], how)


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
    found = _found_again(entries, pinned=True)
    if frozen:
        _compare(entries, found)
    return _write(target, [(one, _as_before(entries[name], how)) for name, one in found.items()], how)


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
    every = {name: places(target, name, entry) for name, entry in entries.items()}
    gone = {name: [path for path in paths if os.path.lexists(path)] for name, paths in every.items()}
    for name, paths in gone.items():
        for path in paths:
            must_be_ours(path, target.folder / name, entries[name], force=how.force)
    if not how.dry_run:
        folders = {path.parent for paths in every.values() for path in paths if path.parent.is_dir()}
        with _alone({target.folder, *folders}):
            left = lock.load(target.lock)
            for name, paths in gone.items():
                for path in reversed(paths):  # links before what they lead to
                    place.remove(path)
                left.pop(name)
                lock.save(target.lock, left)
    return [Change(name, "remove", _shown(paths)) for name, paths in gone.items()]


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


@dataclass(frozen=True, slots=True)
class _Plan:
    """A skill, what the lock will say of it, and where it goes: the folder first, then links or copies."""

    one: Found
    entry: lock.Entry
    paths: Sequence[Path]

    @property
    def name(self) -> str:
        return self.one.skill.name


def _write(target: Target, wanted: Sequence[tuple[Found, How]], how: How) -> list[Change]:
    """Check every skill, then put every skill in its places and note it in the lock."""
    entries = lock.load(target.lock)
    plans = [_plan(target, one, entries.get(one.skill.name, {}), its) for one, its in wanted]
    for plan in plans:
        _check(plan, target, entries.get(plan.name), force=how.force)
    changes = [_change(entries.get(plan.name), plan, target) for plan in plans]
    if how.dry_run:
        return changes
    with _alone([target.folder, *(path.parent for plan in plans for path in plan.paths)]):
        entries = lock.load(target.lock)  # another run may have written meanwhile
        for plan, change in zip(plans, changes, strict=True):
            if change.action != "keep":
                _put(plan)
            entries[plan.name] = plan.entry
            lock.save(target.lock, entries)
    return changes


def _plan(target: Target, one: Found, before: lock.Entry, how: How) -> _Plan:
    """Agents that had the skill keep it, and a copy stays one; what other tools noted of it is kept."""
    held = [agents()[name] for name in before.get("agents", []) if name in agents()]
    names = sorted({agent.name for agent in [*held, *how.agents] if target.of(agent) is not None})
    said = {
        **one.place,
        "computedHash": computed_hash(one.content),
        "contentHash": content_hash(one.content),
        **({"agents": names} if names else {}),
        **({"copy": True} if names and how.copy else {}),
    }
    kept = {key: value for key, value in before.items() if key not in said and key not in _ORIGIN}
    entry = {**said, **kept}
    return _Plan(one, entry, places(target, one.skill.name, entry))


def _check(plan: _Plan, target: Target, held: lock.Entry | None, *, force: bool) -> None:
    if not force:
        _must_be_safe(plan.one)
    for path in plan.paths:
        must_stay_inside(path.parent, target)
        if os.path.lexists(path):
            must_be_ours(path, target.folder / plan.name, held, plan.one.content, force=force)


@contextmanager
def _alone(folders: Iterable[Path]) -> Iterator[None]:
    """Keep other runs out of these folders; always in one order, so that two never wait for each other."""
    with ExitStack() as held:
        for folder in sorted(set(folders)):
            held.enter_context(place.alone(folder))
        yield


def _put(plan: _Plan) -> None:
    folder, *others = plan.paths
    place.put(plan.one.content, folder)
    for path in others:
        if plan.entry.get("copy"):
            place.put(plan.one.content, path)
        else:
            place.link(folder, path)


def _change(before: lock.Entry | None, plan: _Plan, target: Target) -> Change:
    folder = target.folder / plan.name
    current = all(state_at(path, folder, plan.entry) == "ok" for path in plan.paths)
    action = "keep" if current else "install" if before is None else "update"
    return Change(plan.name, action, _shown(plan.paths))


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


def _found_again(entries: Mapping[str, lock.Entry], *, pinned: bool) -> dict[str, Found]:
    """The locked skills as their sources hold them, each source fetched once; at their commit where `pinned`."""
    groups: dict[Source, list[str]] = {}
    for name, entry in entries.items():
        groups.setdefault(of_lock(name, entry, pinned=pinned), []).append(name)
    found: dict[str, Found] = {}
    for source, names in groups.items():
        with _fetched(source) as held:
            found.update(_of_names(held, names, source))
    return found


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


def _shown(paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(str(path) for path in paths)
