"""The counting kernels in Mojo, compiled at first use from `kernels.mojo` and kept in the cache folder of the user.

`pip install mojo-compiler` and a C compiler, which Mojo links with, are needed to build; the result is an ordinary
shared library without Mojo's runtime. Nothing of Mojo is distributed with this package.
"""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_path

from airskills.rl.backends import Kernel
from airskills.rl.batch import Float64, Int64, UInt32
from airskills.rl.errors import BackendUnavailableError

SOURCE = Path(__file__).with_name("kernels.mojo")
EPOCH_BITS = 10  # as in the source


def unique_ngrams(ids: UInt32, offsets: Int64, n: int, out: Float64) -> None:
    """Packed into one integer where `n` ids and an epoch fit into 64 bits, by position otherwise."""
    rows = offsets.size - 1
    longest = int(np.diff(offsets).max(initial=0))
    bits = max(4, (4 * longest - 1).bit_length())
    table = np.zeros(1 << bits, np.uint64)
    width = max(1, int(ids[offsets[0] : offsets[-1]].max(initial=0)).bit_length())
    if n * width + EPOCH_BITS <= 64:
        _call("unique_packed", ids, offsets, rows, n, width, table, bits, out)
    else:
        _call("unique_general", ids, offsets, rows, n, table, bits, out)


def pattern_count(ids: UInt32, offsets: Int64, patterns: UInt32, starts: Int64, out: Float64) -> None:
    """Every pattern is tried at every token: made for few patterns."""
    _call("pattern_count", ids, offsets, offsets.size - 1, patterns, starts, starts.size - 1, out)


def _call(name: str, *arguments: Any) -> None:
    """Call with the addresses of contiguous arrays, and integers; ctypes releases the GIL meanwhile."""
    function = _library()[name]
    function.restype = None
    function(*(_argument(argument) for argument in arguments))


def _argument(value: Any) -> ctypes.c_void_p | ctypes.c_int64:
    if isinstance(value, np.ndarray):
        return ctypes.c_void_p(value.ctypes.data)
    return ctypes.c_int64(int(value))


@cache
def _library() -> ctypes.CDLL:
    """Load the library, built before for this source and this compiler or built now."""
    source = SOURCE.read_bytes()
    key = hashlib.sha256(source + version("mojo-compiler").encode()).hexdigest()[:16]
    path = user_cache_path("airskills") / "mojo" / f"kernels-{key}.so"
    if not path.exists():
        _build(path)
    return ctypes.CDLL(str(path))


def _build(path: Path) -> None:
    """Compile into a temporary folder beside the target and move it there, so that processes do not collide.

    Raises:
        BackendUnavailableError: with the compiler's last line.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        built = Path(folder, path.name)
        command = [compiler(), "build", str(SOURCE), "--emit", "shared-lib", "-o", str(built)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own file
        if ran.returncode:
            said = (ran.stderr.strip().splitlines() or ["no message"])[-1]
            raise BackendUnavailableError(f"Mojo cannot build {SOURCE.name}: {said}")
        built.replace(path)


def compiler() -> str:
    """Path of `mojo`: beside this interpreter, or on PATH."""
    beside = Path(sys.executable).with_name("mojo")
    return str(beside) if beside.exists() else shutil.which("mojo") or "mojo"


KERNELS: dict[str, Kernel] = {"unique_ngrams": unique_ngrams, "pattern_count": pattern_count}
