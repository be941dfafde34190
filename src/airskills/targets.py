"""What the user means by a name or a path: skill folders, and whether their code may run."""

from __future__ import annotations

import os
from collections.abc import Iterable

from airskills import scan, trust
from airskills.check import collect
from airskills.errors import AirskillsError
from airskills.library import Library
from airskills.report import flat, relative
from airskills.scopes import bundled_root
from airskills.settings import Settings


def folders(targets: Iterable[str]) -> list[str]:
    """Skill folders of names and paths, each once and absolute; a path that holds several means all of them.

    Raises:
        AirskillsError: a target names no skill.
    """
    found: dict[str, None] = {}
    for target in targets:
        if os.path.exists(target):
            below = collect([os.path.abspath(target)], Settings())[0]
            if not below:
                message = f"There is no {scan.FILE_NAME} in {target!r}"
                raise AirskillsError(message, help="Give a skill or a folder of them")
            found.update(dict.fromkeys(below))
        else:
            found[os.path.abspath(Library.open(trust=True).load(target).directory)] = None
    return list(found)


def wanted(targets: Iterable[str]) -> tuple[list[str], dict[str, frozenset[str]]]:
    """The folders of these targets; and of those of which only files were named, these files by their relative paths.

    Raises:
        AirskillsError: a target names no skill, or a file that belongs to none.
    """
    whole: dict[str, None] = {}
    parts: dict[str, set[str]] = {}
    for target in targets:
        if os.path.isfile(target):
            folder = _skill_of(target)
            parts.setdefault(folder, set()).add(os.path.relpath(target, folder))
        else:
            whole.update(dict.fromkeys(folders([target])))
    only = {folder: frozenset(files) for folder, files in parts.items() if folder not in whole}
    return [*whole, *only], only


def _skill_of(file: str) -> str:
    """The nearest folder above a file that holds a SKILL.md."""
    folder = os.path.dirname(os.path.abspath(file))
    while not os.path.isfile(os.path.join(folder, scan.FILE_NAME)):
        above = os.path.dirname(folder)
        if above == folder:
            message = f"{file!r} belongs to no skill: there is no {scan.FILE_NAME} beside or above it"
            raise AirskillsError(message, help="Give a skill, or a file of one")
        folder = above
    return folder


def refuse_untrusted(paths: Iterable[str], what: str) -> None:
    """Stop unless every folder came with this package or was trusted as it is now.

    Args:
        paths: skill folders.
        what: what would run their code, as in "a test".

    Raises:
        AirskillsError: one of them is a stranger's.
    """
    for path in paths:
        ours = scan.inside(os.path.realpath(path), os.path.realpath(bundled_root()))
        if not ours and not trust.is_trusted(path):
            message = f"{flat(relative(path))} is not trusted, and {what} runs its code"
            raise AirskillsError(message, help="Read it first, then add --trust")
