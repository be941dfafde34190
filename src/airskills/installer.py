"""uv, as this tool calls it: it says where the wheel of a pin lies, and unpacks it with its hash verified.

uv runs in an empty folder with the user's environment: the environment and the user's own configuration say which
index it asks, never a file beside the skill. Nothing is built and no dependency is resolved.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from airskills.errors import AirskillsError
from airskills.pins import Pin

SECONDS = 1800  # for one download
# Where this machine has no wheel of a release: one for Linux serves, as it is only read.
ELSEWHERE = ("--python-platform", "x86_64-manylinux_2_28", "--python-version", "3.12")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the index keeps a wheel.

    Attributes:
        size: bytes; 0 where the index does not say.
        flags: what made uv choose this one.
    """

    url: str
    version: str
    sha256: str
    size: int
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why uv could not: one clause, and whether a later try would say the same.

    Attributes:
        settled: the index answered, and has no such wheel.
        pins: those it names as impossible; all where it names none.
    """

    reason: str
    settled: bool
    pins: tuple[Pin, ...]


class Installer:
    """uv with its options.

    Args:
        offline: ask no index.

    Raises:
        AirskillsError: uv is not installed.
    """

    def __init__(self, *, offline: bool = False) -> None:
        self._offline = offline
        self._common = ["--no-deps", "--no-build", "--no-progress", "--python", sys.executable]
        self._common += ["--offline"] if offline else []
        self._binary = uv_binary()

    def lock(self, pins: Collection[Pin], flags: tuple[str, ...]) -> dict[Pin, Place] | Refusal:
        """Where the wheels lie; of each distribution one pin."""
        text = "".join(f"{pin.name}=={pin.version}\n" for pin in pins)
        done = self._run(["compile", "--no-header", "--format", "pylock.toml", *flags, "-"], text)
        if done.returncode:
            return self._refusal(pins, done.stderr)
        rows = {row["name"]: _place(row, flags) for row in tomllib.loads(done.stdout).get("packages", [])}
        return {pin: rows[pin.name] for pin in pins}

    def install(self, pin: Pin, place: Place, target: Path) -> str:
        """Unpack one wheel into `target`; returns why that failed, or ""."""
        with tempfile.TemporaryDirectory(prefix="airskills-") as folder:
            lock = Path(folder) / "pylock.toml"
            lock.write_text(_pylock(pin, place), encoding="utf-8")
            arguments = ["install", "--quiet", "--target", str(target.absolute()), *place.flags]
            done = self._run([*arguments, "--requirements", str(lock)], "")
        return _clause(done.stderr) if done.returncode else ""

    def _run(self, arguments: list[str], text: str) -> subprocess.CompletedProcess[str]:
        command = [self._binary, "pip", arguments[0], *self._common, *arguments[1:]]
        with tempfile.TemporaryDirectory(prefix="airskills-") as empty:
            try:
                return subprocess.run(  # noqa: S603 - uv itself, with pins that were parsed
                    command,
                    input=text,
                    capture_output=True,
                    text=True,
                    cwd=empty,
                    timeout=SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return subprocess.CompletedProcess(command, 1, "", f"uv took longer than {SECONDS} s")

    def _refusal(self, pins: Collection[Pin], stderr: str) -> Refusal:
        text = " ".join(stderr.split())
        named = tuple(pin for pin in pins if f"require {pin.name}=={pin.version}," in text)
        final = ("no usable wheels", "no version of", "not found in the package registry")
        settled = bool(named) and not self._offline and any(words in text for words in final)
        return Refusal(_clause(stderr), settled, named or tuple(pins))


def uv_binary() -> str:
    """Path of uv: the one that came with the extra, else the one on PATH.

    Raises:
        AirskillsError: there is none.
    """
    with suppress(ImportError, FileNotFoundError):
        from uv import find_uv_bin

        return str(find_uv_bin())
    found = shutil.which("uv")
    if found is None:
        raise AirskillsError("uv is not installed", help="pip install 'airskills[proof]'")
    return found


def _place(row: Mapping[str, Any], flags: tuple[str, ...]) -> Place:
    wheel = row["wheels"][0]
    size = wheel.get("size") or _local_size(wheel["url"])
    return Place(wheel["url"], row["version"], wheel["hashes"]["sha256"], size, flags)


def _local_size(url: str) -> int:
    parts = urlsplit(url)
    with suppress(OSError):
        return Path(unquote(parts.path)).stat().st_size if parts.scheme == "file" else 0
    return 0


def _pylock(pin: Pin, place: Place) -> str:
    """A lock file of one wheel (PEP 751): uv then verifies the hash itself."""
    wheel = f"{{ url = {json.dumps(place.url)}, hashes = {{ sha256 = {json.dumps(place.sha256)} }} }}"
    return (
        'lock-version = "1.0"\ncreated-by = "airskills"\n\n[[packages]]\n'
        f"name = {json.dumps(pin.name)}\nversion = {json.dumps(place.version)}\nwheels = [{wheel}]\n"
    )


def _clause(stderr: str) -> str:
    """What uv complains of, in one clause."""
    text = " ".join(stderr.split())
    found = re.search(r"Because (.+?) and you require", text)
    if "no usable wheels" in text:
        return "it has no wheel, only its source, and nothing is built here"
    if found:
        return found[1]
    return "".join(c if c.isprintable() else "?" for c in text.removeprefix("error: "))[-300:] or "uv failed"
