"""One environment for each set of pins, made by uv from its cache in about a second and shared by all skills.

    environment(parse_pins("trl==1.16.0 peft==0.21.2")).python

Its folder is named by a hash of the pins and the interpreter. It is made under a lock and counts only once its last file
is written, so an interrupted run leaves nothing that is used. uv reads its own variables (`UV_FIND_LINKS`, `UV_OFFLINE`,
`UV_TORCH_BACKEND`, ...); files are hard links where uv's cache and ours lie on one file system.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.specifiers import SpecifierSet

from airskills.cache import touch
from airskills.errors import AirskillsError
from airskills.installer import uv_binary
from airskills.pins import Pin
from airskills.wheels import cache_folder

SECONDS = 3600  # for all downloads together
_DONE = "airskills.json"  # the last file that is written


class EnvironmentUnavailableError(AirskillsError):
    """The pins cannot be installed here; the message says why in uv's words."""


@dataclass(frozen=True, slots=True)
class Environment:
    """An interpreter that has exactly these releases.

    Attributes:
        python: its path.
        version: its version, such as 3.11.7.
        pins: what was asked for.
        installed: hash over the names and versions of everything that is installed.
        seconds: what it cost to have it; 0 where it was there.
    """

    python: Path
    version: str
    pins: tuple[Pin, ...]
    installed: str
    seconds: float = 0.0


def current(pins: Iterable[Pin]) -> Environment:
    """The environment that this program runs in.

    Raises:
        EnvironmentUnavailableError: a pin is not installed in it, or in another release.
    """
    wanted = tuple(sorted(pins))
    for pin in wanted:
        try:
            found = version(pin.name)
        except PackageNotFoundError:
            raise EnvironmentUnavailableError(f"{pin} is not installed here") from None
        if not SpecifierSet(f"=={pin.version}").contains(found, prereleases=True):
            raise EnvironmentUnavailableError(f"{pin} is not installed here, but {found}")
    folders = {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    return Environment(Path(sys.executable), platform.python_version(), wanted, _installed(folders))


def environment(
    pins: Iterable[Pin], *, python: str | None = None, offline: bool = False, cache: Path | None = None
) -> Environment:
    """An environment of its own for these pins, made if it is not there.

    Args:
        pins: exact releases; what they depend on is uv's choice. A bare one is installed without what it depends on.
        python: interpreter or version request (`>=3.11`) in uv's words; the running interpreter when None.
        offline: use only what lies in uv's cache.
        cache: the tool's cache folder; the user's when None.

    Raises:
        EnvironmentUnavailableError: uv cannot have it.
        AirskillsError: uv is not installed.
    """
    start = time.perf_counter()
    wanted = tuple(sorted(pins))
    interpreter = _interpreter(python)
    folder = (cache or cache_folder()) / "environments" / _key(wanted, interpreter)
    with _locked(folder.with_suffix(".lock")):
        if not _is_complete(folder):
            _make(folder, wanted, interpreter, offline=offline)
        else:
            touch(folder / _DONE)
            start = time.perf_counter()
    found = json.loads((folder / _DONE).read_text(encoding="utf-8"))
    return Environment(
        folder / "bin" / "python",
        found["python"],
        wanted,
        found["installed"],
        time.perf_counter() - start,
    )


def _key(pins: tuple[Pin, ...], interpreter: tuple[str, str]) -> str:
    names = [str(pin) for pin in pins if not pin.bare] + [f"only {pin}" for pin in pins if pin.bare]
    text = json.dumps([names, interpreter, platform.system(), platform.machine()])
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _interpreter(request: str | None) -> tuple[str, str]:
    """Path and version of an interpreter."""
    if request is None:
        return sys.executable, platform.python_version()
    path = _uv(["python", "find", request]).strip()
    code = "import platform; print(platform.python_version())"
    done = subprocess.run([path, "-I", "-c", code], capture_output=True, text=True, check=True, timeout=60)  # noqa: S603 - an interpreter that uv named
    return path, done.stdout.strip()


def _is_complete(folder: Path) -> bool:
    """Whether it was finished and its interpreter has not been uninstalled since."""
    return (folder / _DONE).is_file() and (folder / "bin" / "python").exists()


def _make(folder: Path, pins: tuple[Pin, ...], interpreter: tuple[str, str], *, offline: bool) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _uv(["venv", "--quiet", "--no-project", "--python", interpreter[0], str(folder)])
    for bare in (False, True):  # in two steps: what stands alone must not choose releases for the others
        _install(folder / "bin" / "python", [p for p in pins if p.bare is bare], offline=offline, bare=bare)
    made = {
        "python": interpreter[1],
        "pins": list(map(str, pins)),
        "installed": _installed(folder.glob("lib*/python*/site-packages")),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    draft = folder / f"{_DONE}.draft"
    draft.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    draft.replace(folder / _DONE)


def _install(python: Path, pins: list[Pin], *, offline: bool, bare: bool) -> None:
    """Install the pins: from uv's cache alone if it holds everything, which saves asking the index for each package."""
    if not pins:
        return
    command = ["pip", "install", "--quiet", "--no-build", "--python", str(python), "--requirements", "-"]
    command += ["--no-deps"] if bare else []
    lines = "".join(f"{pin}\n" for pin in pins)
    try:
        _uv([*command, "--offline"], lines)
    except EnvironmentUnavailableError:
        if offline:
            raise
        _uv(command, lines)


def _installed(folders: Iterable[Path]) -> str:
    names = sorted({path.name for folder in folders for path in folder.glob("*.dist-info")})
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:20]


def _uv(arguments: list[str], text: str = "") -> str:
    """What uv prints. It runs in an empty folder: no file beside the user's work tells it anything.

    Raises:
        EnvironmentUnavailableError: it fails.
    """
    with tempfile.TemporaryDirectory(prefix="airskills-") as empty:
        try:
            done = subprocess.run(  # noqa: S603 - uv itself, with pins that were parsed
                [uv_binary(), *arguments],
                input=text,
                capture_output=True,
                text=True,
                cwd=empty,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise EnvironmentUnavailableError(f"uv took longer than {SECONDS:,} s") from error
    if done.returncode:
        words = " ".join(done.stderr.split())
        reason = "".join(char if char.isprintable() else "?" for char in words)[-400:]
        raise EnvironmentUnavailableError(f"uv: {reason}")
    return done.stdout


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that other processes and threads wait for; it ends with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
