"""The modules of one unpacked wheel, each read when it is asked for and remembered by its content."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import cache, cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

from airskills.drift import names
from airskills.drift.cache import Cache
from airskills.drift.extract import extract
from airskills.drift.names import Module

PARALLEL_FROM = 200  # files; below, starting processes costs more than it saves
UNREADABLE = Module({}, (), None, (), (), (), {}, "any", (), (), (), (), ())
_NOT_API = frozenset({"tests", "test", "conftest", "examples", "benchmarks", "docs"})

Progress = Callable[[str, int, int], None]


class Tree:
    """One distribution on disk; modules are named with dots.

    Args:
        root: folder that is put on the search path.
        modules: its importable top names, such as `trl` or `google.genai`.
        cache: where extracted modules are kept between runs; None keeps them in memory only.
        label: what progress is reported as.
    """

    def __init__(
        self, root: Path, modules: Iterable[str], cache: Cache | None = None, label: str = ""
    ) -> None:
        self.root = root
        self.tops = tuple(top for top in modules if not top.endswith("-stubs") and top not in _NOT_API)
        self.label = label
        self._cache = cache
        self._read: dict[str, Module] = {}

    @cached_property
    def files(self) -> dict[str, Path]:
        """Source or, where there is none, stub of every module."""
        found: dict[str, Path] = {}
        for top in self.tops:
            base = self.root.joinpath(*top.split("."))
            paths = (
                sorted(base.rglob("*.py*"))
                if base.is_dir()
                else [base.with_suffix(".py"), base.with_suffix(".pyi")]
            )
            for path in paths:
                if path.suffix in {".py", ".pyi"} and path.is_file():
                    found.setdefault(_dotted(path.relative_to(self.root)), path)  # .py sorts before .pyi
        return found

    @cached_property
    def folders(self) -> frozenset[str]:
        """Packages without an `__init__.py` and everything above a module: importable, and empty."""
        parts = [name.split(".") for name in self.files]
        above = {".".join(each[:n]) for each in parts for n in range(1, len(each))}
        return frozenset(above - self.files.keys())

    @cached_property
    def compiled(self) -> frozenset[str]:
        """Modules that exist as machine code only."""
        found = set()
        for record in self.root.glob("*.dist-info/RECORD"):
            with record.open(encoding="utf-8", newline="") as stream:
                for row in csv.reader(stream):
                    if row and row[0].endswith((".so", ".pyd")):
                        folder, _, name = row[0].rpartition("/")
                        found.add(".".join(filter(None, [*folder.split("/"), name.partition(".")[0]])))
        return frozenset(found) - self.files.keys()

    @cached_property
    def patched(self) -> frozenset[str]:
        """Names that some code of this distribution sets on classes: what is known of them does not hold."""
        return frozenset(name for module in self.files for name in self.module(module).patched)

    @cached_property
    def hooked(self) -> tuple[str, ...]:
        """Patterns of module paths that import hooks of this distribution may answer to."""
        found = (pattern for module in self.files for pattern in self.module(module).hooked)
        return tuple(dict.fromkeys(found))

    @cached_property
    def handled(self) -> frozenset[str]:
        """Names of classes that are given to some function when their distribution is imported."""
        return frozenset(name for module in self.files for name in self.module(module).handled)

    def is_package(self, name: str) -> bool:
        """Whether the module has submodules: relative imports inside it start at itself."""
        return name in self.files and self.files[name].stem == "__init__"

    def module(self, name: str) -> Module:
        """What a module of `files` binds; one that cannot be parsed may bind anything."""
        if name not in self._read:
            content = self.files[name].read_bytes()
            stored = self._cache.get([_key(content)]) if self._cache else {}
            for row in stored.values():
                self._read[name] = names.decode(row)
            if name not in self._read:
                row = _extracted(content)
                self._read[name] = names.decode(row)
                if self._cache:
                    self._cache.put({_key(content): row})
        return self._read[name]

    def load(self, progress: Progress | None = None, jobs: int = 1) -> None:
        """Read every module, those that are new in several processes."""
        contents = {name: path.read_bytes() for name, path in self.files.items() if name not in self._read}
        keys = {name: _key(content) for name, content in contents.items()}
        stored = self._cache.get(set(keys.values())) if self._cache else {}
        missing = {keys[name]: content for name, content in contents.items() if keys[name] not in stored}
        fresh: dict[str, Any] = {}
        for key, row in zip(missing, _extract_all(list(missing.values()), jobs), strict=True):
            fresh[key] = row
            if progress:
                progress(self.label, len(fresh), len(missing))
        if self._cache and fresh:
            self._cache.put(fresh)
        for name, key in keys.items():
            self._read[name] = names.decode(stored[key] if key in stored else fresh[key])


def _extract_all(contents: list[bytes], jobs: int) -> Iterable[Any]:
    if jobs < 2 or len(contents) < PARALLEL_FROM:
        yield from map(_extracted, contents)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(_extracted, contents, chunksize=max(1, len(contents) // (jobs * 20)))


def _extracted(content: bytes) -> Any:
    with suppress(SyntaxError, ValueError, RecursionError):
        return names.encode(extract(content))
    return names.encode(UNREADABLE)


def _key(content: bytes) -> str:
    """A file's content, the code that reads it, and which Python ran that (conditions on its version are decided)."""
    return blake2b(content, digest_size=16, key=_reader()).hexdigest()


@cache
def _reader() -> bytes:
    """Hash of the modules that decide what is extracted: a change of theirs empties the cache."""
    total = blake2b(repr(sys.version_info[:2]).encode(), digest_size=16)
    for name in ("expressions", "extract", "names", "notices"):
        total.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return total.digest()


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
