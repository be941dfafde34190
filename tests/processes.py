"""Which processes that a test started still run: they are known by the folder that their environment names."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path


def still_running(root: Path, *, patience: float = 0.0) -> list[str]:
    """Command lines of processes that were started with a path below `root` in their environment.

    Args:
        root: a folder of the test.
        patience: seconds in which they may end.
    """
    end = time.monotonic() + patience
    while (left := _started_below(root)) and time.monotonic() < end:
        time.sleep(0.05)
    return left


def _started_below(root: Path) -> list[str]:
    left = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state = (
                (process / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
            )
            if state not in {"Z", "X"} and f"{root}/".encode() in (process / "environ").read_bytes():
                left.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return left
