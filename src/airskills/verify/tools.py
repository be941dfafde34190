"""Programs of unpacked packages: which package brings a command, and what its command line takes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from airskills.draft import write_whole
from airskills.verify import shapes
from airskills.verify.flags import Command, from_json, to_json, union
from airskills.verify.reader.source import Sources
from airskills.verify.releases import Package, capture, recording
from airskills.verify.shapes import Schema

# What programs compute with; none of these lends another program a part of its command line.
FOUNDATIONS = frozenset(
    {"aiohttp", "anyio", "attrs", "boto3", "certifi", "cloudpickle", "cryptography", "docker", "einops", "fastapi",
     "filelock", "flask", "fsspec", "gitpython", "grpcio", "gunicorn", "httpx", "ipython", "jax", "jinja2", "joblib",
     "jsonschema", "keras", "litellm", "markdown", "matplotlib", "msgpack", "msgspec", "multiprocess", "networkx",
     "nltk", "numba", "numpy", "omegaconf", "openai", "opencv-python-headless", "opentelemetry-api",
     "opentelemetry-sdk", "orjson", "packaging", "pandas", "pillow", "pip", "polars", "prometheus-client", "protobuf",
     "psutil", "pyarrow", "pygments", "pytest", "pyyaml", "regex", "requests", "rich", "safetensors", "scikit-learn",
     "scipy", "sentencepiece", "setuptools", "sqlalchemy", "starlette", "sympy", "tensorflow", "tiktoken",
     "tokenizers", "torch", "torchaudio", "torchvision", "tornado", "tqdm", "triton", "typing-extensions", "urllib3",
     "uvicorn", "websockets", "werkzeug", "wheel", "zstandard"}
)  # fmt: skip


# Console scripts that a distribution had once: command to (distribution, what to write).
FORMER = {
    "huggingface-cli": ("huggingface-hub", "hf"),
    "transformers-cli": ("transformers", "transformers"),
    "nlp-cli": ("datasets", "datasets-cli"),
}


_FOLLOWED: dict[
    tuple[str, ...], Command
] = {}  # entry point and digests of the packages that are read to its command


class Tools:
    """The programs that some packages bring together.

    Attributes:
        packages: those packages.
    """

    def __init__(self, packages: Iterable[Package], *, cache: Path | None = None) -> None:
        self.packages = tuple(packages)
        self._by_name = {package.name: package for package in self.packages}
        self._cache = cache
        self._known: dict[str, Command] = {}
        self._schemas: dict[str, Schema | str] = {}

    def scope(self, package: Package) -> tuple[Package, ...]:
        """The packages that are read for a program: its own and those it asks for, but for what it computes with."""
        wanted = sorted(package.requires - FOUNDATIONS - {package.name})
        return (package, *(self._by_name[name] for name in wanted if name in self._by_name))

    def package(self, command: str) -> Package | None:
        """The package that brings a console script."""
        return next((package for package in self.packages if command in package.scripts), None)

    def owner(self, module: str) -> Package | None:
        """The package that brings a module."""
        return next(
            (p for p in self.packages if any(f"{module}.".startswith(f"{top}.") for top in p.modules)), None
        )

    def command(self, name: str) -> Command | None:
        """What a console script takes; None where no package brings it."""
        package = self.package(name)
        if package is None:
            return None
        return self._read(package, package.scripts[name], name)

    def module(self, name: str) -> Command | None:
        """What `python -m NAME` takes; None where no package brings the module."""
        package = self.owner(name)
        return None if package is None else self._read(package, name, f"python -m {name}")

    def former(self, command: str) -> tuple[Package, str] | None:
        """The pinned package that no longer has a command, and the command that took its place."""
        name, successor = FORMER.get(command, ("", ""))
        package = self._by_name.get(name)
        gone = package is not None and command not in package.scripts and successor in package.scripts
        return (package, successor) if package is not None and gone else None

    def absent(self, module: str) -> str:
        """Why a pinned package cannot run a module, or "" where it can or no package is asked."""
        package = self.owner(module)
        if package is None or not package.root.is_dir():
            return ""
        own = sources([package])
        if own.path(module) is None:
            compiled = any(
                (package.root / module.replace(".", "/")).parent.glob(f"{module.rpartition('.')[2]}.*")
            )
            return "" if compiled else f"{package.name} has no module {module}"
        runs = not own.is_package(module) or own.path(f"{module}.__main__") is not None
        return "" if runs else f"{module} is a package without __main__, which `python -m` cannot run"

    def file(self, text: str) -> Command:
        """What a script takes whose text is at hand; packages that it imports are read where they are pinned."""
        key = f"file {hashlib.sha256(text.encode(errors='replace')).hexdigest()}"
        if key not in self._known:
            imported = {owner.name: owner for name in _imports(text) if (owner := self.owner(name))}
            scope = [package for name, package in sorted(imported.items()) if name not in FOUNDATIONS]
            from airskills.verify import follow

            self._known[key] = follow.of_script(sources(scope), text)
        return self._known[key]

    def _read(self, package: Package, reference: str, name: str) -> Command:
        if not reference:
            return capture(package.name, package.version)[name]
        if reference not in self._known:
            scope = self.scope(package)
            note = self._note(reference, scope)
            kept = _load(note)
            found = from_json(kept) if kept is not None else _followed(reference, scope)
            if kept is None:
                _save(note, to_json(found))
            recorded = capture(package.name, package.version).get(name)
            if recorded is not None:
                found = union(recorded, found)
            self._known[reference] = found
        return self._known[reference]

    def named(self, name: str) -> Package | None:
        """The package of a canonical name."""
        return self._by_name.get(name)

    def recorded_schema(self, name: str) -> Schema | None:
        """What was recorded of a configuration when one of these releases ran."""
        for package in self.packages:
            data = recording(package.name, package.version).get("schemas", {})
            if name in data:
                return shapes.from_json(data[name])
        return None

    def remember_schema(self, name: str, build: Callable[[], Schema | str]) -> Schema | str:
        """What `build` gives, which is asked once and kept with the packages."""
        if name not in self._schemas:
            note = self._note(f"schema {name}", self.packages)
            kept = _load(note)
            made = shapes.from_json(kept) if kept is not None else build()
            if kept is None and isinstance(made, Schema):
                _save(note, shapes.to_json(made))
            self._schemas[name] = made
        return self._schemas[name]

    def _note(self, reference: str, scope: Sequence[Package]) -> Path | None:
        """Where the answer is kept: it depends on the packages and on our own code."""
        if self._cache is None or not all(package.digest for package in scope):
            return None
        parts = [reference, _code(), *sorted(package.digest for package in scope)]
        return self._cache / "commands" / f"{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()}.json"


def sources(packages: Iterable[Package]) -> Sources:
    """Where the modules of some packages are searched for."""
    return Sources([(package.root, package.modules) for package in packages if package.modules])


def _followed(reference: str, scope: Sequence[Package]) -> Command:
    """The same once in a process for all skills, where the packages cannot change."""
    if not all(package.digest for package in scope):
        return _follow(reference, scope)
    key = (reference, *(f"{package.digest} {package.root}" for package in scope))
    if key not in _FOLLOWED:
        _FOLLOWED[key] = _follow(reference, scope)
    return _FOLLOWED[key]


def _follow(reference: str, scope: Sequence[Package]) -> Command:
    """Read a program with everything its package asks for, and with the package alone where that is too much."""
    from airskills.verify import follow  # a fiftieth of a second, and what is read of a program is kept

    read = follow.of_entry_point if ":" in reference else follow.of_module
    found = read(sources(scope), reference)
    too_large = follow.TOO_LARGE in {found.open, found.open_commands}
    return read(sources(scope[:1]), reference) if too_large else found


def _save(note: Path | None, data: Mapping[str, Any]) -> None:
    if note is not None:
        note.parent.mkdir(parents=True, exist_ok=True)
        write_whole(note, json.dumps({"answer": data}))


def _load(note: Path | None) -> Mapping[str, Any] | None:
    """What is kept; None where there is nothing, or it is damaged."""
    try:
        kept = json.loads(note.read_text(encoding="utf-8")) if note else {}
        return kept.get("answer") if isinstance(kept, dict) else None
    except (OSError, ValueError):
        return None


def _imports(text: str) -> set[str]:
    """Names of the modules that a script imports."""
    return set(re.findall(r"^\s*(?:from|import)\s+([A-Za-z_][\w.]*)", text, re.MULTILINE))


@cache
def _code() -> str:
    """A digest of the code that reads programs, so that no answer of an older one is believed."""
    folder = Path(__file__).parent
    texts = [path.read_bytes() for path in sorted([*folder.glob("reader/*.py"), *folder.glob("*.py")])]
    return hashlib.sha256(b"".join(texts)).hexdigest()
