"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import time
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a text beside `path` and move it there, so that a reader finds the old text or the new one.

    Writers of other processes and threads do not disturb each other: the last one stays.

    Raises:
        OSError: it cannot be written, or its folder is not there; what was there is still there, and no draft is left.
    """
    draft = path.with_name(f".{path.name}-{os.getpid()}-{time.monotonic_ns()}")
    try:
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
