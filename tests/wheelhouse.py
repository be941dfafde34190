"""Small wheels made on the spot, and an index that is a folder: what tests of unpacking install from."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, str],
    *,
    scripts: Mapping[str, str] | None = None,
    tag: str = "py3-none-any",
    requires: str = "",
) -> Path:
    """Write `name-version-tag.whl` with these files and a correct RECORD."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    contents = dict(files)
    contents[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    if requires:
        contents[f"{info}/METADATA"] += f"Requires-Dist: {requires}\n"
    contents[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
    if scripts:
        lines = "".join(f"{command} = {target}\n" for command, target in scripts.items())
        contents[f"{info}/entry_points.txt"] = f"[console_scripts]\n{lines}"
    record = "".join(f"{path},{_hash(text)},{len(text.encode())}\n" for path, text in contents.items())
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in contents.items():
            archive.writestr(inside, text)
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return path


def repack(folder: Path, name: str, version: str | None = None) -> Path:
    """Write a wheel with the Python files of a distribution that is installed here, under its own version or another."""
    installed = distribution(name)
    files = {
        str(path): Path(str(path.locate())).read_text(encoding="utf-8")
        for path in installed.files or ()
        if path.suffix in {".py", ".pyi"} and ".." not in path.parts
    }
    return make_wheel(folder, name.replace("-", "_"), version or installed.version, files)


def _hash(text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    return f"sha256={digest}"
