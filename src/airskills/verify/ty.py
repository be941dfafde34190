"""The back end ty. Its version is pinned: rule names and messages change between releases, and each must be known here.

ty is kept from finding anything by itself: an empty environment, a configuration of its own, none of its variables.
"""

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
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from airskills.verify.backend import Answer, BackendError, Diagnostic, Kind
from airskills.verify.edits import Point

SECONDS = 600
RULES: dict[str, Kind] = {
    "import-not-found": Kind.IMPORT,
    "missing-attribute": Kind.ATTRIBUTE,
    "missing-union-attribute": Kind.ATTRIBUTE,
    "unknown-argument": Kind.KEYWORD,
    "positional-only-parameter-as-kwarg": Kind.KEYWORD,
    "pydantic-discarded-extra-argument": Kind.IGNORED_KEYWORD,
    "missing-argument": Kind.MISSING,
    "too-many-positional-arguments": Kind.ARITY,
    "parameter-already-assigned": Kind.ARITY,
    "no-matching-overload": Kind.OVERLOAD,
    "not-callable": Kind.NOT_CALLABLE,
    "deprecated": Kind.DEPRECATED,
    "unresolved-reference": Kind.UNDEFINED,
}
# Every other rule is switched off; a test holds this list to what `ty explain rule` knows.
SILENT = frozenset(
    {"invalid-syntax", "undefined-reveal"}
)  # cannot be switched off; our own parser has spoken
_REVEALED = "revealed-type: Revealed type: `"
_QUOTED = re.compile(r"`([^`]*)`")
_VARIABLES = ("TY_", "VIRTUAL_ENV", "CONDA_", "PYTHONPATH", "PYTHONHOME")


class Ty:
    """ty, as the extra `proof` installs it."""

    wired = True

    @cached_property
    def name(self) -> str:
        """`ty` and its version."""
        return f"ty {version('ty')}"

    def ask(self, files: Mapping[str, str], paths: Sequence[Path]) -> Answer:
        """See `Backend.ask`."""
        if not files:
            return Answer((), {})
        with tempfile.TemporaryDirectory(prefix="airskills-ty-") as folder:
            project = _project(Path(folder), files)
            return _answer(_run(project, paths))


def _binary() -> str:
    names = [Path(sysconfig.get_path("scripts")) / "ty", Path(sys.executable).parent / "ty"]
    found = next((path for path in names if path.is_file()), None)
    if found is None:
        raise BackendError("ty is not installed", help="pip install 'airskills[proof]'")
    return str(found)


def _project(folder: Path, files: Mapping[str, str]) -> Path:
    """Write the files, a configuration, and an environment that holds nothing."""
    code = folder / "code"
    code.mkdir()
    for name, source in files.items():
        (code / f"{name}.py").write_text(source, encoding="utf-8", errors="surrogateescape")
    rules = "".join(f'{rule} = "error"\n' for rule in RULES)
    (folder / "ty.toml").write_text(
        f'[environment]\nroot = ["code"]\n[rules]\nall = "ignore"\n{rules}', encoding="utf-8"
    )
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "env" / "lib" / f"python{python}" / "site-packages").mkdir(parents=True)
    (folder / "env" / "pyvenv.cfg").write_text(f"home = {folder}\nversion = {python}.0\n", encoding="utf-8")
    return folder


def _run(project: Path, paths: Sequence[Path]) -> str:
    command = [_binary(), "check", "--exit-zero", "--output-format", "gitlab", "--project", "."]
    command += ["--config-file", "ty.toml", "--python", "env", "--python-platform", "linux"]
    command += ["--python-version", f"{sys.version_info.major}.{sys.version_info.minor}"]
    for path in paths:
        command += ["--extra-search-path", str(path)]
    known = {key: value for key, value in os.environ.items() if not key.startswith(_VARIABLES)}
    try:
        done = subprocess.run(  # noqa: S603 - ty itself, in a folder of our own
            [*command, "code"], cwd=project, env=known, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise BackendError(f"ty took longer than {SECONDS} s") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-500:]
        raise BackendError(f"ty ended with {done.returncode}: {said}", help="Report this as a bug")
    return done.stdout.decode(errors="replace")


def _answer(output: str) -> Answer:
    """Row by row: all rows of a library at once would take a gigabyte."""
    types: dict[str, dict[Point, str]] = defaultdict(dict)
    written: dict[str, str] = {}  # the same types come again and again
    diagnostics: list[Diagnostic] = []
    try:
        for row in _rows(output):
            rule, text = row["check_name"], row["description"]
            if rule == "revealed-type":
                found = text[len(_REVEALED) : -1]
                file, start, _ = _span(row)
                types[file][start] = written.setdefault(found, found)
            elif rule in RULES:
                diagnostics.append(_diagnostic(row, RULES[rule], text.partition(": ")[2]))
            elif rule not in SILENT:
                raise BackendError(f"ty said {text[:300]}", help="Report this as a bug")
    except ValueError as error:
        raise BackendError(f"ty did not answer in JSON: {error}", help="Report this as a bug") from error
    return Answer(tuple(diagnostics), types)


def _rows(output: str) -> Iterator[Mapping[str, Any]]:
    """The objects of a JSON array, one after the other."""
    read = json.JSONDecoder().raw_decode
    if output and not output.startswith("["):
        raise ValueError(output[:300])
    place = output.find("{")
    while place >= 0:
        row, end = read(output, place)
        yield row
        place = output.find("{", end)


def _diagnostic(row: Mapping[str, Any], kind: Kind, message: str) -> Diagnostic:
    """The names that ty puts between backticks, each in its place."""
    quoted = _QUOTED.findall(message)
    name, owner = (quoted or [""])[0], ""
    lacking: tuple[str, ...] = ()
    if kind is Kind.IMPORT and "has no member" in message:
        kind, owner, name = Kind.MEMBER, quoted[0], quoted[-1]
    elif kind is Kind.ATTRIBUTE and "is not defined on" in message:
        owner, lacking = quoted[-1], tuple(quoted[1:-1])
    elif kind is Kind.ATTRIBUTE:
        owner, name = quoted[0], quoted[-1]
        lacking = (owner,)
    return Diagnostic(*_span(row), kind, message, name, owner, lacking)


def _span(row: Mapping[str, Any]) -> tuple[str, Point, Point]:
    place = row["location"]
    begin, end = place["positions"]["begin"], place["positions"]["end"]
    file = place["path"].rpartition("/")[2].removesuffix(".py")
    return file, (begin["line"], begin["column"] - 1), (end["line"], end["column"] - 1)
