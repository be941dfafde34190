"""Which implementation of a kernel runs: the argument, then the environment, then the fastest one present.

A kernel is a function on flat arrays, `(ids, offsets, *parameters, out) -> None`. `python` is the oracle and has
every kernel; other backends may have some. Third parties register a `Backend` under the entry-point group
`airskills.rl.backends`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import distributions, entry_points
from itertools import pairwise
from shutil import which
from typing import Any

import numpy as np

from airskills.rl.batch import Float64, TokenBatch
from airskills.rl.errors import BackendUnavailableError

Kernel = Callable[..., None]
VARIABLE = "AIRSKILLS_RL_BACKEND"
GROUP = "airskills.rl.backends"


@dataclass(frozen=True, slots=True)
class Backend:
    """One implementation of the kernels, not imported before it is used.

    Attributes:
        name: what users write.
        module: dotted path of a module with `KERNELS: dict[str, Kernel]`.
        requires: packages without which the kernels cannot be used, by the name they are installed under.
        programs: of these, one must be on PATH.
    """

    name: str
    module: str
    requires: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()

    def available(self) -> str | None:
        """`None`, or the reason why this backend cannot be used here."""
        missing = [package for package in self.requires if not _installed(package)]
        if missing:
            return f"not installed: {', '.join(missing)}"
        if self.programs and not any(map(which, self.programs)):
            return f"not on PATH: {' or '.join(self.programs)}"
        return None

    @property
    def kernels(self) -> Mapping[str, Kernel]:
        """Kernel by name; the first call imports the module."""
        kernels: Mapping[str, Kernel] = import_module(self.module).KERNELS
        return kernels


@cache
def _installed(package: str) -> bool:
    """Whether a distribution is there, without importing anything of it; looked up once per process."""
    return next(iter(distributions(name=package)), None) is not None


PYTHON = Backend("python", "airskills.rl.backends.python_kernels")
NUMBA = Backend("numba", "airskills.rl.backends.numba_kernels", ("numba",))
MOJO = Backend("mojo", "airskills.rl.backends.mojo_kernels", ("mojo-compiler",), ("cc", "gcc", "clang"))


@cache
def registered() -> dict[str, Backend]:
    """All backends by name, in the order in which they are preferred."""
    found = {backend.name: backend for backend in (NUMBA, PYTHON, MOJO)}
    for entry in entry_points(group=GROUP):
        backend = entry.load()
        found.setdefault(backend.name, backend)
    return found


def choose(name: str | None = None) -> Backend:
    """Return the backend of that name, or of the environment variable, or the first of `numba`, `python`.

    Raises:
        BackendUnavailableError: only if a backend was asked for by name and is unknown or unavailable.
    """
    asked = name or os.environ.get(VARIABLE)
    if not asked:
        return NUMBA if NUMBA.available() is None else PYTHON
    backend = registered().get(asked)
    if backend is None:
        raise BackendUnavailableError(
            f"No backend is called {asked!r}", help=f"Choose from {', '.join(registered())}"
        )
    reason = backend.available()
    if reason:
        raise BackendUnavailableError(f"Backend {asked!r} cannot be used: {reason}")
    return backend


def resolve(kernel: str, backend: str | None = None) -> tuple[Kernel, str]:
    """Return the kernel and the name of the backend that provides it: `python` where the chosen one lacks it."""
    chosen = choose(backend)
    kernels = chosen.kernels
    return (kernels[kernel], chosen.name) if kernel in kernels else (PYTHON.kernels[kernel], PYTHON.name)


def run(
    kernel: str, batch: TokenBatch, *parameters: Any, backend: str | None = None, threads: int = 1
) -> Float64:
    """Run a per-row kernel over a batch.

    Args:
        kernel: name, as in `PYTHON.kernels`.
        batch: the completions.
        parameters: what the kernel takes between `offsets` and `out`.
        backend: name, or `None` to choose.
        threads: contiguous shares of rows run at the same time; useful only on an otherwise idle machine.

    Returns:
        `[B]`.
    """
    function, _ = resolve(kernel, backend)
    out = np.empty(len(batch), np.float64)
    bounds = np.linspace(0, len(batch), max(1, min(threads, len(batch))) + 1).astype(np.int64)
    shares = [(batch.ids, batch.offsets[a : b + 1], *parameters, out[a:b]) for a, b in pairwise(bounds)]
    if len(shares) == 1:
        function(*shares[0])
        return out
    with ThreadPoolExecutor(len(shares)) as pool:
        list(pool.map(lambda share: function(*share), shares))
    return out
