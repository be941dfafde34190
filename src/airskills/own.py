"""This package itself as a wheel would hold it: skills that use it are proven against what is installed.

own.version()           "0.1.0"
own.copy(folder)        its modules and its dist-info, below a new folder
"""

from __future__ import annotations

import hashlib
import shutil
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

NAME = "airskills"
PACKAGE = Path(__file__).parent
_INFO = ("METADATA", "entry_points.txt")


@cache
def version() -> str:
    """The version that is installed."""
    return distribution(NAME).version


@cache
def digest() -> str:
    """SHA-256 over names and contents of its modules; an editable installation has another after each change."""
    total = hashlib.sha256(version().encode())
    for path in _files():
        total.update(f"{path.relative_to(PACKAGE)}\0".encode() + path.read_bytes())
    return total.hexdigest()


def copy(root: Path) -> None:
    """Write the modules and the dist-info below `root`, which is made."""
    for path in _files():
        target = root / NAME / path.relative_to(PACKAGE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    info = root / f"{NAME}-{version()}.dist-info"
    info.mkdir()
    for name in _INFO:
        (info / name).write_text(distribution(NAME).read_text(name) or "", encoding="utf-8")
    names = [f"{NAME}/{path.relative_to(PACKAGE).as_posix()},," for path in _files()]
    (info / "RECORD").write_text("\n".join([*names, ""]), encoding="utf-8")


def _files() -> list[Path]:
    return sorted(
        path for path in PACKAGE.rglob("*") if path.suffix in {".py", ".pyi"} or path.name == "py.typed"
    )
