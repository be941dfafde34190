"""Wheels, unpacked and never imported: what a checker reads instead of an installed package.

    found = wheels.unpack(parse_pins("trl==1.16.0 peft==0.21.2"))
    found.wheels[pin].root / "trl/__init__.py"

uv finds, downloads and hashes each wheel; nothing is built, no dependency is resolved, no code of a package runs. Of a
wheel only `.py`, `.pyi`, `py.typed` and its `dist-info` are kept, in a folder of the cache that is named by the wheel's
SHA-256 and appears there complete or not at all.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import shutil
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PathDistribution
from pathlib import Path, PurePosixPath
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from airskills import own
from airskills.cache import touch
from airskills.draft import write_whole
from airskills.errors import AirskillsError
from airskills.installer import ELSEWHERE, Installer, Place, Refusal
from airskills.pins import Pin

KEPT = (".py", ".pyi")
MAX_FILES = 60_000  # kept of one wheel; the largest known (a cloud's client) has 25,000
ABSENT_SECONDS = 24 * 3600  # for which "there is no such wheel" is believed
DRAFT_SECONDS = 24 * 3600  # after which what an interrupted process left is swept away
JOBS = 4

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Wheel:
    """One wheel, unpacked alone.

    Attributes:
        pin: what was asked for.
        root: the folder to search for its modules; it holds the `dist-info` too.
        sha256: of the wheel file, as the index states it and uv verified it.
        modules: what it lets one import: top-level names, dotted below a namespace package (`google.genai`).
        console_scripts: command name to `module:function`.
    """

    pin: Pin
    root: Path
    sha256: str
    modules: tuple[str, ...] = field(compare=False)
    console_scripts: Mapping[str, str] = field(compare=False)

    def __hash__(self) -> int:
        return hash(self.sha256)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What could be had, and why the rest could not."""

    wheels: Mapping[Pin, Wheel]
    missing: Mapping[Pin, str]


@dataclass(frozen=True, slots=True)
class Root:
    """Wheels of which no two are of one distribution: the search path of one checker process."""

    wheels: tuple[Wheel, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """A folder for each wheel, in the order of their pins."""
        return tuple(wheel.root for wheel in self.wheels)


def unpack(
    pins: Iterable[Pin],
    *,
    cache: Path | None = None,
    offline: bool = False,
    progress: Progress | None = None,
) -> Unpacked:
    """Have every pin's wheel unpacked in the cache; this package's own, in its own version, is what is installed.

    Args:
        pins: several versions of one distribution are allowed.
        cache: the tool's cache folder; the user's when None.
        offline: use only what is unpacked already or lies in uv's own cache.
        progress: called with (what, bytes done, bytes in all) after each download.

    Raises:
        AirskillsError: uv is not installed.
    """
    store = _Store((cache or cache_folder()) / "wheels")
    wheels: dict[Pin, Wheel] = {}
    missing: dict[Pin, str] = {}
    unknown = []
    for pin in sorted(set(pins)):
        known = _ourselves(pin, store) or store.recall(pin)
        if isinstance(known, Wheel):
            wheels[pin] = known
        elif isinstance(known, str):
            missing[pin] = known
        else:
            unknown.append(pin)
    if unknown:
        installer = Installer(offline=offline)
        places, absent = _locate(unknown, installer, store)
        missing |= absent
        for pin, got in _fetch(places, installer, store, progress or (lambda _what, _done, _total: None)):
            (wheels if isinstance(got, Wheel) else missing)[pin] = got  # type: ignore[assignment]  # split by type
    return Unpacked(wheels, missing)


def unite(sets: Iterable[Collection[Wheel]]) -> tuple[Root, ...]:
    """As few roots as their versions allow, such that each of `sets` lies whole in one of them."""
    merged: list[dict[str, Wheel]] = []
    for wheels in sorted(sets, key=len, reverse=True):
        wanted = {wheel.pin.name: wheel for wheel in wheels}
        home = next((known for known in merged if _agree(known, wanted)), None)
        if home is None:
            merged.append(wanted)
        else:
            home.update(wanted)
    return tuple(Root(tuple(known[name] for name in sorted(known))) for known in merged)


def _agree(known: Mapping[str, Wheel], wanted: Mapping[str, Wheel]) -> bool:
    return all(known.get(name, wheel).sha256 == wheel.sha256 for name, wheel in wanted.items())


def releases(name: str) -> list[Version]:
    """Versions of a distribution of which the index has a wheel that was not withdrawn, newest last.

    The index is the one uv would ask first: `UV_DEFAULT_INDEX`, `UV_INDEX_URL`, else PyPI. Source: PEP 691.

    Raises:
        AirskillsError: the index cannot be reached, has no such distribution, or does not answer in JSON.
    """
    base = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL") or "https://pypi.org/simple"
    url = f"{base.rstrip('/')}/{canonicalize_name(name)}/"
    if urlsplit(url).scheme not in {"http", "https"}:
        raise AirskillsError(f"The index {base!r} is no web address", help="Set UV_DEFAULT_INDEX to one")
    request = Request(url, headers={"Accept": "application/vnd.pypi.simple.v1+json"})  # noqa: S310 - checked above
    try:
        with urlopen(request, timeout=60, context=ssl.create_default_context()) as answer:  # noqa: S310 - as above
            files = json.load(answer)["files"]
    except HTTPError as error:
        raise AirskillsError(f"The index has no releases of {name!r}: {error}") from error
    except (URLError, TimeoutError) as error:
        raise AirskillsError(f"The index cannot be reached: {error}", help="Check the network") from error
    except (ValueError, KeyError, TypeError) as error:
        raise AirskillsError(f"The index does not answer as PEP 691 says: {error}") from error
    found = {_version(file["filename"]) for file in files if not file.get("yanked")}
    return sorted(version for version in found if version is not None)


def _version(filename: str) -> Version | None:
    """Version in the name of a wheel; None of anything else."""
    parts = filename.split("-")
    with suppress(InvalidVersion, IndexError):
        return Version(parts[1]) if filename.endswith(".whl") else None
    return None


def cache_folder() -> Path:
    """The tool's cache folder: `AIRSKILLS_CACHE_DIR`, else the user's."""
    import platformdirs

    return Path(os.environ.get("AIRSKILLS_CACHE_DIR") or platformdirs.user_cache_path("airskills"))


class _Store:
    """The folder of unpacked wheels: `<sha256>/` each, and `pins/` that says which pin is which wheel."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pins = (
            folder / "pins" / f"{sys.implementation.cache_tag}-{platform.system()}-{platform.machine()}"
        )
        self.pins.mkdir(parents=True, exist_ok=True)

    def recall(self, pin: Pin) -> Wheel | str | None:
        """The wheel of a pin, why there is none, or None where that has to be found out."""
        path = self._note(pin)
        try:
            note = json.loads(path.read_text(encoding="utf-8"))
            if "missing" in note:
                return str(note["missing"]) if time.time() - path.stat().st_mtime < ABSENT_SECONDS else None
            return self.open(pin, note["sha256"])
        except (OSError, ValueError, KeyError):
            return None

    def remember(self, pin: Pin, note: Mapping[str, str]) -> None:
        """Write down which wheel a pin is, or why there is none."""
        write_whole(self._note(pin), json.dumps(note))

    def open(self, pin: Pin, sha256: str) -> Wheel:
        """An unpacked wheel.

        Raises:
            OSError: it is not there.
        """
        home = self.folder / sha256
        facts = json.loads((home / "wheel.json").read_text(encoding="utf-8"))
        touch(home / "wheel.json")
        return Wheel(pin, home / "root", sha256, tuple(facts["modules"]), facts["console_scripts"])

    def draft(self) -> Path:
        """A fresh folder on the same file system; those that dead processes left are removed."""
        for left in self.folder.glob(".draft-*"):
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > DRAFT_SECONDS:
                    shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=".draft-", dir=self.folder))

    def keep(self, pin: Pin, draft: Path, sha256: str) -> Wheel:
        """Move a finished draft to its place, unless another process was faster; what is damaged there makes way."""
        home, damaged = self.folder / sha256, draft.with_name(f"{draft.name}-damaged")
        try:
            self.open(pin, sha256)
        except (OSError, ValueError, KeyError):
            with suppress(FileNotFoundError):
                home.rename(damaged)
            draft.rename(home)
            shutil.rmtree(damaged, ignore_errors=True)
        self.remember(pin, {"sha256": sha256})
        return self.open(pin, sha256)

    def _note(self, pin: Pin) -> Path:
        return self.pins / f"{pin.name}=={pin.version}.json"


def _ourselves(pin: Pin, store: _Store) -> Wheel | None:
    """This package as it is installed, where it is the version that is asked for."""
    if pin.name != own.NAME or pin.version != own.version():
        return None
    with suppress(OSError, ValueError, KeyError):
        return store.open(pin, own.digest())
    draft = store.draft()
    try:
        own.copy(draft / "root")
        _finish(draft)
        return store.keep(pin, draft, own.digest())
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _locate(
    pins: Collection[Pin], installer: Installer, store: _Store
) -> tuple[dict[Pin, Place], dict[Pin, str]]:
    """Where the wheel of each pin lies: here, else on Linux, else why there is none."""
    places, refused = _ask(pins, installer, ())
    elsewhere, still = _ask(refused, installer, ELSEWHERE)
    for pin in still:
        if refused[pin].settled and still[pin].settled:
            store.remember(pin, {"missing": refused[pin].reason})
    return places | elsewhere, {pin: refused[pin].reason for pin in still}


def _ask(
    pins: Collection[Pin], installer: Installer, flags: tuple[str, ...]
) -> tuple[dict[Pin, Place], dict[Pin, Refusal]]:
    """Ask for all at once, then without those that it names as impossible, until it answers."""
    places: dict[Pin, Place] = {}
    refused: dict[Pin, Refusal] = {}
    for batch in _one_version_each(pins):
        waiting = batch
        while waiting:
            answer = installer.lock(waiting, flags)
            if isinstance(answer, Refusal):
                refused |= dict.fromkeys(answer.pins, answer)
                waiting = [pin for pin in waiting if pin not in refused]
            else:
                places |= answer
                waiting = []
    return places, refused


def _one_version_each(pins: Iterable[Pin]) -> list[list[Pin]]:
    batches: list[dict[str, Pin]] = []
    for pin in pins:
        home = next((batch for batch in batches if pin.name not in batch), None)
        if home is None:
            batches.append({pin.name: pin})
        else:
            home[pin.name] = pin
    return [list(batch.values()) for batch in batches]


def _fetch(
    places: Mapping[Pin, Place], installer: Installer, store: _Store, progress: Progress
) -> Iterator[tuple[Pin, Wheel | str]]:
    """Unpack a few wheels at a time, smallest first."""
    total, done = sum(place.size for place in places.values()), 0
    order = sorted(places, key=lambda pin: places[pin].size)
    with ThreadPoolExecutor(JOBS) as pool:
        running = {pool.submit(_unpack_one, pin, places[pin], installer, store): pin for pin in order}
        for future in as_completed(running):
            pin = running[future]
            done += places[pin].size
            progress(str(pin), done, total)
            yield pin, future.result()


def _unpack_one(pin: Pin, place: Place, installer: Installer, store: _Store) -> Wheel | str:
    """The wheel, unpacked and in its place, or why not."""
    draft = store.draft()
    try:
        problem = installer.install(pin, place, draft / "root") or _finish(draft)
        return problem or store.keep(pin, draft, place.sha256)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _finish(draft: Path) -> str:
    """Drop what no checker reads and write down what RECORD says; returns why the wheel is refused, or ""."""
    root = draft / "root"
    infos = list(root.glob("*.dist-info"))
    if len(infos) != 1:
        return f"the wheel has {len(infos)} dist-info folders, not one"
    kept = _prune(root)
    if kept > MAX_FILES:
        return f"the wheel has {kept:,} Python files; the limit is {MAX_FILES:,}"
    with (infos[0] / "RECORD").open(encoding="utf-8", newline="") as stream:
        files = [row[0] for row in csv.reader(stream) if row]
    scripts = PathDistribution(infos[0]).entry_points.select(group="console_scripts")
    facts = {"modules": _modules(files), "console_scripts": {entry.name: entry.value for entry in scripts}}
    (draft / "wheel.json").write_text(json.dumps(facts), encoding="utf-8")
    return ""


def _prune(root: Path) -> int:
    """Remove what is not kept, and links; returns the number of files that stay."""
    kept = 0
    for base, folders, names in os.walk(root, topdown=False):
        in_info = PurePosixPath(base).relative_to(root).parts[:1]
        for name in names:
            path = Path(base, name)
            known = (
                name.endswith(KEPT) or name == "py.typed" or (in_info and in_info[0].endswith(".dist-info"))
            )
            if known and not path.is_symlink():
                kept += 1
            else:
                path.unlink()
        for name in folders:
            path = Path(base, name)
            with suppress(OSError):  # not empty
                path.unlink() if path.is_symlink() else path.rmdir()
    return kept


def _modules(files: Iterable[str]) -> list[str]:
    """Importable names by the files of a wheel: `a/__init__.py` is `a`, `google/genai/x.py` is `google.genai`."""
    code = [PurePosixPath(file) for file in files if file.endswith((*KEPT, ".so", ".pyd"))]
    packages = {path.parent for path in code if path.name.partition(".")[0] == "__init__"}
    found = set()
    for path in code:
        if path.is_absolute() or ".." in path.parts:
            continue
        above = [*reversed(path.parents)][1:]  # without "."
        top = next((parent for parent in above if parent in packages), None)
        name = top or (path.parent / path.name.partition(".")[0])
        if all(part.isidentifier() or part.endswith("-stubs") for part in name.parts):
            found.add(".".join(name.parts))
    return sorted(found)
