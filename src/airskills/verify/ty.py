"""The back end ty. Its version is pinned: rule names and messages change between releases, and each must be known here.

ty is kept from finding anything by itself: an empty environment, a configuration of its own, none of its variables.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from airskills.cells import parse_cell
from airskills.verify.backend import Answer, Asking, Backend, BackendError, Diagnostic, Kind
from airskills.verify.edits import Point, column_of

SECONDS = 600  # that we wait for it
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
# ::error title=ty (rule),file=/folder/file.py,line=1,col=2,endLine=1,endColumn=3::code/file.py:1:2: rule: text
# Of what ends on another line no columns are given but the one in the text.
_ROW = re.compile(
    r"::\w+ title=ty \((?P<rule>[\w-]+)\),file=.*?/(?P<file>\w+)\.py,line=\d+,(?:col=\d+,)?endLine=(?P<last>\d+)"
    r"(?:,endColumn=(?P<end>\d+))?::.*?:(?P<line>\d+):(?P<column>\d+): (?P=rule): (?P<text>.*)\n"
)
_REVEALED = "Revealed type: `"
_OPEN = -1  # the column of an end on another line
_Place = tuple[str, Point, int]  # file, where a complaint begins, its last line
_MORE = "%0A  "  # begins each line that explains the first
_QUOTED = re.compile(r"`([^`]*)`")
# What a test ruled out, behind what something is: `str & ~AlwaysFalsy`, `Any & ~Literal["a b"]`.
_TYPE = r"[\w.]+(?:\[(?:\"(?:[^\"\\]|\\.)*\"|\[[^\[\]]*\]|[^\[\]\"])*\])?"
_NOT = rf"(?: & ~(?:{_TYPE}|<[^<>]*>|\([^()]*\)))+"
_RULED_OUT = re.compile(rf"\(({_TYPE}){_NOT}\)|{_NOT}")
_GUARDED = re.compile(
    r"\b(Unknown|Any) & <Protocol with members [^<>]*>"
)  # by `hasattr`, which proves nothing
_COMPLAINTS = "complaints"  # what it says about itself
_VARIABLES = ("TY_", "VIRTUAL_ENV", "CONDA_", "PYTHONPATH", "PYTHONHOME")


class Ty(Backend):
    """ty, as the extra `proof` installs it."""

    wired = True

    @cached_property
    def name(self) -> str:
        """`ty` and its version."""
        return f"ty {version('ty')}"

    def start(self, files: Mapping[str, str], paths: Sequence[Path]) -> Asking:
        """See `Backend.start`."""
        return _Asking(files, paths)


class _Asking:
    """ty at work in a folder of its own."""

    def __init__(self, files: Mapping[str, str], paths: Sequence[Path]) -> None:
        self._paths = paths
        self._folder = tempfile.TemporaryDirectory(prefix="airskills-ty-")
        self._project = _project(Path(self._folder.name), files)
        self._process = _start(self._project, paths, "github", ["code"])

    def answer(self) -> Answer:
        """See `Asking.answer`."""
        answer = _answer(_end(self._process, self._project, "github"))
        return _with_ends(answer, self._project, self._paths)

    def stop(self) -> None:
        """See `Asking.stop`."""
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()


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


def _start(project: Path, paths: Sequence[Path], form: str, wanted: Sequence[str]) -> subprocess.Popen[bytes]:
    """ty, writing its answer about some files into one that is called as its form."""
    command = [_binary(), "check", "--exit-zero", "--output-format", form, "--project", "."]
    command += ["--config-file", "ty.toml", "--python", "env", "--python-platform", "linux"]
    command += ["--python-version", f"{sys.version_info.major}.{sys.version_info.minor}"]
    for path in paths:
        command += ["--extra-search-path", str(path)]
    known = {key: value for key, value in os.environ.items() if not key.startswith(_VARIABLES)}
    with (project / form).open("wb") as output, (project / _COMPLAINTS).open("wb") as complaints:
        return subprocess.Popen(  # noqa: S603 - ty itself, in a folder of our own
            [*command, *wanted], cwd=project, env=known, stdout=output, stderr=complaints
        )


def _end(process: subprocess.Popen[bytes], project: Path, form: str) -> Path:
    """The file of its answer."""
    try:
        code = process.wait(SECONDS)
    except subprocess.TimeoutExpired as error:
        raise BackendError(f"ty took longer than {SECONDS} s") from error
    finally:
        process.kill()  # where we were interrupted
        process.wait()
    if code:
        said = (project / _COMPLAINTS).read_text(encoding="utf-8", errors="replace").strip()[-500:]
        raise BackendError(f"ty ended with {code}: {said}", help="Report this as a bug")
    return project / form


def _answer(output: Path) -> Answer:
    """Row by row, in the form that costs ty least: all rows of a library at once would take a gigabyte."""
    types: dict[str, dict[Point, str]] = defaultdict(dict)
    written: dict[str, str] = {}  # the same types come again and again
    diagnostics: list[Diagnostic] = []
    for line in _lines(output):
        row = _ROW.match(line)
        if row is None:
            raise BackendError(f"ty said {line[:300]!r}", help="Report this as a bug")
        rule, text = row["rule"], row["text"]
        if rule == "revealed-type":
            found = _positive(text[len(_REVEALED) : -1])
            types[row["file"]][_point(row["line"], row["column"])] = written.setdefault(found, found)
        elif rule in RULES:
            diagnostics.append(_diagnostic(row, RULES[rule]))
        elif rule not in SILENT:
            raise BackendError(f"ty said {rule}: {text[:300]}", help="Report this as a bug")
    return Answer(tuple(diagnostics), types)


def _positive(text: str) -> str:
    """A type without what a test ruled out: what something is not proves nothing of it."""
    if " & " not in text:
        return text
    return _GUARDED.sub(r"\1", _RULED_OUT.sub(r"\1", text))


def _lines(output: Path) -> Iterator[str]:
    with output.open(encoding="utf-8", errors="replace", newline="\n") as lines:
        yield from lines


def _with_ends(answer: Answer, project: Path, paths: Sequence[Path]) -> Answer:
    """With the ends of complaints about several lines: of the one expression that it can be, else as ty says."""
    files = {found.file for found in answer.diagnostics if _is_open(found)}
    known = {
        file: _ends((project / "code" / f"{file}.py").read_text(encoding="utf-8", errors="surrogateescape"))
        for file in files
    }
    ends = {
        _place(found): next(iter(ends))
        for found in answer.diagnostics
        if _is_open(found) and len(ends := known[found.file].get((found.start, found.end[0]), ())) == 1
    }
    doubtful = {found.file for found in answer.diagnostics if _is_open(found) and _place(found) not in ends}
    if doubtful:
        ends |= _asked_ends(sorted(doubtful), project, paths)
    diagnostics = tuple(
        replace(found, end=ends[_place(found)]) if _is_open(found) else found for found in answer.diagnostics
    )
    return Answer(diagnostics, answer.types)


def _is_open(found: Diagnostic) -> bool:
    return found.end[1] == _OPEN


def _place(found: Diagnostic) -> _Place:
    return found.file, found.start, found.end[0]


def _ends(text: str) -> dict[tuple[Point, int], set[Point]]:
    """Where expressions of several lines end, by where they begin and their last line; none of a text that is read anew."""
    cell = parse_cell(text)
    lines = text.split("\n")
    found: dict[tuple[Point, int], set[Point]] = defaultdict(set)
    for node in ast.walk(cell.tree) if cell.tree and cell.source == text else ():
        if isinstance(node, ast.expr | ast.keyword) and node.end_lineno and node.end_lineno > node.lineno:
            start = node.lineno, column_of(lines[node.lineno - 1], node.col_offset)
            end = node.end_lineno, column_of(lines[node.end_lineno - 1], node.end_col_offset or 0)
            found[start, node.end_lineno].add(end)
    return found


def _asked_ends(files: Sequence[str], project: Path, paths: Sequence[Path]) -> dict[_Place, Point]:
    """What ty says of ends in another form, which costs it more, and a second look at the packages."""
    process = _start(project, paths, "gitlab", [f"code/{file}.py" for file in files])
    rows = json.loads(_end(process, project, "gitlab").read_bytes())
    ends: dict[_Place, Point] = {}
    for row in rows:
        file = row["location"]["path"].rpartition("/")[2].removesuffix(".py")
        begin, end = (
            (place["line"], place["column"] - 1)
            for place in map(row["location"]["positions"].__getitem__, ("begin", "end"))
        )
        ends[file, begin, end[0]] = end
    return ends


def _diagnostic(row: re.Match[str], kind: Kind) -> Diagnostic:
    """The names that ty puts between backticks, each in its place."""
    message = row["text"].partition(_MORE)[0]
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
    start = _point(row["line"], row["column"])
    end = _point(row["last"], row["end"]) if row["end"] else (int(row["last"]), _OPEN)
    return Diagnostic(row["file"], start, end, kind, message, name, owner, lacking)


def _point(line: str, column: str) -> Point:
    return int(line), int(column) - 1
