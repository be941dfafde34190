"""The back end pyrefly: the second, held to the same answers as ty by the canary."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from airskills.verify.backend import Answer, Asking, Backend, BackendError, Diagnostic, Kind
from airskills.verify.edits import Point
from airskills.verify.signatures import cut

SECONDS = 600
KINDS: dict[str, Kind] = {
    "missing-import": Kind.IMPORT,
    "missing-module-attribute": Kind.MEMBER,
    "missing-attribute": Kind.ATTRIBUTE,
    "unexpected-keyword": Kind.KEYWORD,
    "missing-argument": Kind.MISSING,
    "bad-argument-count": Kind.ARITY,
    "bad-keyword-argument": Kind.ARITY,
    "unexpected-positional-argument": Kind.ARITY,
    "no-matching-overload": Kind.OVERLOAD,
    "not-callable": Kind.NOT_CALLABLE,
    "deprecated": Kind.DEPRECATED,
    "unknown-name": Kind.UNDEFINED,
}  # an unknown kind is refused by `--only`
_QUOTED = re.compile(r"`([^`]*)`")
_VARIABLES = ("PYREFLY_", "VIRTUAL_ENV", "CONDA_", "PYTHONPATH", "PYTHONHOME")
_CONFIGURATION = """\
project-includes = ["code"]
search-path = ["code"]
site-package-path = []
skip-interpreter-query = true
use-ignore-files = false
python-platform = "linux"
"""


class Pyrefly(Backend):
    """pyrefly, where it is installed."""

    wired = False

    @cached_property
    def name(self) -> str:
        """`pyrefly` and its version."""
        try:
            return f"pyrefly {version('pyrefly')}"
        except PackageNotFoundError as error:
            raise BackendError("pyrefly is not installed", help="pip install pyrefly") from error

    def start(self, files: Mapping[str, str], paths: Sequence[Path]) -> Asking:
        """See `Backend.start`; it is not in a hurry."""
        return _Asking(files if self.name else {}, paths)


@dataclass(frozen=True, slots=True)
class _Asking:
    """pyrefly, which begins when its answer is wanted."""

    files: Mapping[str, str]
    paths: Sequence[Path]

    def answer(self) -> Answer:
        """See `Asking.answer`."""
        if not self.files:
            return Answer((), {})
        with tempfile.TemporaryDirectory(prefix="airskills-pyrefly-") as folder:
            code = Path(folder) / "code"
            code.mkdir()
            for name, source in self.files.items():
                (code / f"{name}.py").write_text(source, encoding="utf-8", errors="surrogateescape")
            python = f"{sys.version_info.major}.{sys.version_info.minor}"
            text = f'{_CONFIGURATION}python-version = "{python}"\n'
            (Path(folder) / "pyrefly.toml").write_text(text, encoding="utf-8")
            return _answer(_run(Path(folder), self.paths))

    def stop(self) -> None:
        """See `Asking.stop`; there is nothing to let go of."""


def _run(project: Path, paths: Sequence[Path]) -> str:
    command = [str(Path(sysconfig.get_path("scripts")) / "pyrefly"), "check", "--config", "pyrefly.toml"]
    command += ["--output-format", "json", "--min-severity", "info", "--summary=none"]
    command += ["--only", ",".join(["reveal-type", *KINDS])]
    for path in ["code", *paths]:
        command += ["--search-path", str(path)]
    known = {key: value for key, value in os.environ.items() if not key.startswith(_VARIABLES)}
    try:
        done = subprocess.run(  # noqa: S603 - pyrefly itself, in a folder of our own
            command, cwd=project, env=known, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise BackendError(f"pyrefly took longer than {SECONDS} s") from error
    if done.returncode not in {0, 1}:
        said = done.stderr.decode(errors="replace").strip()[-500:]
        raise BackendError(f"pyrefly ended with {done.returncode}: {said}", help="Report this as a bug")
    return done.stdout.decode(errors="replace")


def _answer(output: str) -> Answer:
    try:
        rows = json.loads(output)["errors"]
    except (ValueError, KeyError, TypeError) as error:
        raise BackendError(f"pyrefly did not answer in JSON: {error}", help="Report this as a bug") from error
    types: dict[str, dict[Point, str]] = defaultdict(dict)
    for row in rows:
        if row["name"] == "reveal-type":
            file, (line, column), _ = _span(row)
            types[file][line, column + 1] = _type(row["description"].partition(": ")[2])
    return Answer(tuple(_diagnostics(rows)), types)


def _diagnostics(rows: Sequence[Mapping[str, Any]]) -> Iterator[Diagnostic]:
    for row in rows:
        kind, message = row["name"], row["description"]
        if kind in KINDS:
            yield _diagnostic(row, KINDS[kind], message)
        elif kind != "reveal-type":
            raise BackendError(f"pyrefly said {kind}: {message[:300]}", help="Report this as a bug")


def _diagnostic(row: Mapping[str, Any], kind: Kind, message: str) -> Diagnostic:
    """The names that pyrefly puts between backticks, each in its place."""
    quoted = [_type(text) for text in _QUOTED.findall(message)]
    name, owner = (quoted or [""])[0], ""
    lacking: tuple[str, ...] = ()
    if kind is Kind.MEMBER:
        owner = quoted[-1]
    elif kind is Kind.ATTRIBUTE:
        name, owner = (
            (quoted[0], quoted[-1]) if message.startswith("No attribute") else (quoted[-1], quoted[0])
        )
        lacking = (owner,)
    elif kind is Kind.ARITY and message.startswith("Missing"):
        kind = Kind.MISSING
    return Diagnostic(*_span(row), kind, message, name, owner, lacking)


def _type(text: str) -> str:
    """A type as ty writes it."""
    members = sorted(_member(member.strip()) for member in cut(text, "|"))
    return " | ".join(members)


def _member(text: str) -> str:
    if text == "NoneType":
        return "None"
    if text.startswith("Overload[") and "\n" in text:
        ways = [line.strip() for line in text.split("\n")[1:-1]]
        return f"Overload[{', '.join(ways)}]"
    found = re.fullmatch(r"(?:type|Module)\[([\w.]+)\]", text)
    if found is None:
        return text
    return f"<class '{found[1]}'>" if text.startswith("type") else f"<module '{found[1]}'>"


def _span(row: Mapping[str, Any]) -> tuple[str, Point, Point]:
    start, end = (row["line"], row["column"] - 1), (row["stop_line"], row["stop_column"] - 1)
    return Path(row["path"]).stem, start, end
