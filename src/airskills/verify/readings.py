"""A reading of a wheel: the same files, rewritten where a checker would otherwise give up. Nothing is run for it.

    readings.reading(wheel)        a folder beside the wheel's own, made once
    readings.read(wheels)          those of many, in several processes where that pays

Libraries say less than they do: a decorator without types hides a signature, a module's `__getattr__` answers every name.
What such a thing really does can often be read in its source; each class of `revisions` does that for one case, and changes
nothing where the source leaves a doubt. Lines stay where they are.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from functools import cache
from pathlib import Path

from airskills.cache import touch
from airskills.disk import bytes_of
from airskills.verify import attached, decorators, optional, patches, returned, revisions, stars, wheel_source
from airskills.verify.patches import edited, parse
from airskills.verify.revisions import REVISIONS
from airskills.verify.stars import ListedStars
from airskills.verify.wheel_source import Source
from airskills.wheels import Wheel

_CODE = (
    __file__,
    attached.__file__,
    decorators.__file__,
    optional.__file__,
    patches.__file__,
    returned.__file__,
    revisions.__file__,
    stars.__file__,
    wheel_source.__file__,
)
_ALL = (*REVISIONS, ListedStars())

UNUSED = 86_400.0  # seconds after which a reading by another version of this code goes


def reading(wheel: Wheel) -> Path:
    """The folder of a wheel's reading, made if it is not there."""
    made = _folder(wheel)
    if made.is_dir():
        touch(made)
    else:
        _forget(made)
        draft = Path(tempfile.mkdtemp(prefix=".reading-", dir=wheel.root.parent))
        try:
            _write(wheel.root, draft)
            with suppress(OSError):  # another process was faster
                draft.rename(made)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return made


def read(
    wheels: Sequence[Wheel], progress: Callable[[str, int, int], None] = lambda _what, _done, _total: None
) -> list[Path]:
    """The readings of wheels, in their order; `progress` is called with (what, done, in all)."""
    waiting = sorted((wheel for wheel in wheels if not _folder(wheel).is_dir()), key=_size, reverse=True)
    jobs = min(os.cpu_count() or 1, len(waiting))
    if jobs < 2:
        for done, wheel in enumerate(waiting):
            progress(f"reading {wheel.pin}", done, len(waiting))
            reading(wheel)
    else:
        progress(f"reading {', '.join(str(wheel.pin) for wheel in waiting[:jobs])}", 0, len(waiting))
        with ProcessPoolExecutor(jobs) as pool:
            left = {pool.submit(reading, wheel): wheel for wheel in waiting}
            for done, future in enumerate(as_completed(list(left)), 1):
                future.result()
                del left[future]
                names = ", ".join(str(wheel.pin) for wheel in list(left.values())[:jobs])
                progress(f"reading {names}" if names else "read", done, len(waiting))
    return [reading(wheel) for wheel in wheels]


def _folder(wheel: Wheel) -> Path:
    return wheel.root.parent / f"reading-{_version()}"


def _size(wheel: Wheel) -> int:
    return sum(path.stat().st_size for path in wheel.root.rglob("*.py"))


def _forget(made: Path) -> None:
    """Remove readings of other versions of this code that nobody used for a day."""
    for other in made.parent.glob("reading-*"):
        if time.time() - other.stat().st_mtime > UNUSED:
            shutil.rmtree(other, ignore_errors=True)


@cache
def _version() -> str:
    return bytes_of(map(Path, _CODE))[:12]


def _write(root: Path, made: Path) -> None:
    source = Source(root)
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.is_dir() or relative.parts[0].endswith(".dist-info"):
            continue
        target = made / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        text = _revised(source, path) if path.suffix == ".py" else None
        if text is None:
            _link(path, target)
        else:
            target.write_bytes(text.encode("utf-8", "surrogateescape"))


def _revised(source: Source, path: Path) -> str | None:
    """Text of a file after all revisions; None where nothing changes."""
    source.path, text = path, source.text(path)
    wanted = [revision for revision in _ALL if revision.concerns(text, source)]
    tree = parse(text) if wanted else None
    if tree is None:
        return None
    made = [edit for revision in reversed(wanted) for edit in revision(tree, source)]
    edits = {
        (edit.first, edit.start, edit.last, edit.end): edit for edit in made
    }  # of two, the earlier revision's
    return edited(text, list(edits.values())) if edits else None


def _link(path: Path, target: Path) -> None:
    """A second name for a file, a copy where the file system has none."""
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)
