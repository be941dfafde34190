"""AS5xx: examples and scripts, by the specification's page on scripts and PEP 723."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from airskills import pins
from airskills.disk import File
from airskills.finding import Finding
from airskills.folder import Folder
from airskills.program import Program
from airskills.rules._base import Rule
from airskills.rules.guarded import Guarded
from airskills.rules.profiles import CLIENTS

_HEAD = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\n---\n# Demo\n\nRun scripts/run.py and examples/run.py.\n"
_META = '# /// script\n# requires-python = ">=3.11"\n# dependencies = []\n# ///\n'
_SCRIPT = _META + '"""Reads logs."""\nimport argparse\nargparse.ArgumentParser().parse_args()\n'
_NEEDS = '# /// script\n# requires-python = ">=3.11"\n# dependencies = []\n# [tool.airskills]\n# requires = ["{}"]\n# ///\nassert 1 + 1 == 2\n'
_BOTH = ("standard", *CLIENTS)
_ASKS = frozenset(
    [
        "input",
        "getpass",
        "getpass.getpass",
        "click.prompt",
        "click.confirm",
        "typer.prompt",
        "typer.confirm",
        "Prompt.ask",
        "Confirm.ask",
    ]
)
# A call of one of them as it may be written, `(input)("?")` and a comment before the bracket too: much cheaper than every call.
_MAY_ASK = Guarded(
    r"\b(?:input|getpass|prompt|confirm|ask)[\s\\)]*+[(#]", *("input", "getpass", "prompt", "confirm", "ask")
)
_TAKES_HELP = re.compile(r"\b(?:argparse|click|typer|docopt|fire|cyclopts|tyro|getopts)\b|--help")
# `read` from the terminal; not in a loop or a pipe, not from a file or a here-string.
_READS = re.compile(r"\s*(?:if\s+|!\s*)?read\s+(?:-[a-zA-Z]+\s+)*(?:-p\s|-[a-z]*s\b|\w+\s*$)")
REQUIRES = frozenset({"cuda", "network", "api-key"})


class AS501(Rule):
    """Example or script has no inline metadata.

    Why: without a PEP 723 block nobody knows which packages it needs, and `uv run` cannot start it.
    """

    bad = {"SKILL.md": _HEAD, "examples/run.py": 'print("ok")\n'}
    good = {"SKILL.md": _HEAD, "examples/run.py": _META + "assert 1 + 1 == 2\n"}
    at = ("examples/run.py", 1)

    def check(self, folder: Folder) -> Iterator[Finding]:
        for file in _scripts(folder):
            if metadata(folder.text(file.path)) is None:
                yield self.finding(
                    folder.at(file.path),
                    1,
                    "The script has no PEP 723 metadata",
                    "Begin it with a # /// script block",
                )


class AS502(Rule):
    """Inline metadata is not TOML, or has no exact pins.

    Why: the example was tested with one release of each package; others are a guess.
    """

    bad = {"SKILL.md": _HEAD, "examples/run.py": _META.replace("[]", '["trl>=1.0"]') + "assert 1\n"}
    good = {"SKILL.md": _HEAD, "examples/run.py": _META.replace("[]", '["trl==1.16.0"]') + "assert 1\n"}
    at = ("examples/run.py", 3)

    def check(self, folder: Folder) -> Iterator[Finding]:
        for file in _scripts(folder):
            text = folder.text(file.path)
            found = metadata(text)
            if found is None:
                continue
            path = folder.at(file.path)
            if "error" in found:
                yield self.finding(
                    path, 1, f"The PEP 723 metadata is not TOML: {found['error']}", "Correct it"
                )
                continue
            if not isinstance(found.get("requires-python"), str):
                yield self.finding(
                    path, 1, "The PEP 723 metadata has no requires-python", 'Add requires-python = ">=3.11"'
                )
            dependencies = found.get("dependencies", [])
            for name in dependencies if isinstance(dependencies, list) else [dependencies]:
                if not isinstance(name, str) or not _is_pin(name):
                    yield self.finding(
                        path,
                        _line(text, str(name)),
                        f"The dependency {str(name)[:60]!r} is not an exact pin",
                        "Write name==version",
                    )


class AS503(Rule):
    """Script waits for a person.

    Why: an agent has no keyboard; `input()` hangs until the time limit. This is the one hard rule of the specification's
    page on scripts.
    """

    severity = "error"
    profiles = _BOTH
    bad = {"SKILL.md": _HEAD, "scripts/run.py": _SCRIPT + 'name = input("Name? ")\n'}
    good = {"SKILL.md": _HEAD, "scripts/run.py": _SCRIPT}
    at = ("scripts/run.py", 8)

    def check(self, folder: Folder) -> Iterator[Finding]:
        for program in _programs(folder):
            for node in program.calls if _MAY_ASK.search(program.text) else ():
                if _called(node) in _ASKS:
                    message = f"The script waits for a person: {_called(node)}()"
                    yield self.finding(program.path, node.lineno, message, "Take it as an argument")
        for file in _shell_scripts(folder):
            for number, line in enumerate(folder.text(file.path).split("\n"), 1):
                if _READS.match(line):
                    message = "The script waits for a person: read"
                    yield self.finding(folder.at(file.path), number, message, "Take it as an argument")


class AS504(Rule):
    """Script has no --help.

    Why: an agent learns a script by `--help`; one without has to be read.
    """

    bad = {"SKILL.md": _HEAD, "scripts/run.py": _META + 'print("ok")\n'}
    good = {"SKILL.md": _HEAD, "scripts/run.py": _SCRIPT}
    at = ("scripts/run.py", 1)

    def check(self, folder: Folder) -> Iterator[Finding]:
        for file in filter(_is_run, folder.matching(".py", ".sh", ".bash", under="scripts")):
            if not _TAKES_HELP.search(folder.text(file.path)):
                help_ = "Use argparse with a description and an example"
                yield self.finding(folder.at(file.path), 1, "The script has no --help", help_)


class AS505(Rule):
    """Example proves nothing.

    Why: an example that only prints passes whatever it computes. One that ends in an assertion is a test. A listing
    without script metadata, which nobody can run as it stands, is AS501's.
    """

    bad = {"SKILL.md": _HEAD, "examples/run.py": _META + 'print("ok")\n'}
    good = {"SKILL.md": _HEAD, "examples/run.py": _META + "total = 1 + 1\nassert total == 2\n"}
    at = ("examples/run.py", 1)

    def check(self, folder: Folder) -> Iterator[Finding]:
        for program in _programs(folder, "examples"):
            if "# /// script" not in program.text:
                continue
            proves = any(isinstance(node, ast.Assert | ast.Raise) for node in program.statements)
            if program.cell.tree and program.cell.tree.body and not proves:
                yield self.finding(
                    program.path, 1, "The example has no assertion", "Assert the result it claims"
                )


class AS506(Rule):
    """Python file does not parse.

    Why: it was never run.
    """

    severity = "error"
    profiles = _BOTH
    bad = {"SKILL.md": _HEAD, "scripts/run.py": "# run\nprint(\n"}
    good = {"SKILL.md": _HEAD, "scripts/run.py": _SCRIPT}
    at = ("scripts/run.py", 2)

    def check(self, folder: Folder) -> Iterator[Finding]:
        for program in _programs(folder):
            if program.problem:
                line, message = program.problem
                yield self.finding(program.path, line, f"The file does not parse: {message}", "Run it once")


class AS507(Rule):
    """Declared requirement is unknown.

    Why: `requires = ["cuda"]` makes a runner skip with a reason; a misspelt one makes it run and fail.
    """

    bad = {"SKILL.md": _HEAD, "examples/run.py": _NEEDS.format("gpu")}
    good = {"SKILL.md": _HEAD, "examples/run.py": _NEEDS.format("cuda")}
    at = ("examples/run.py", 5)

    def check(self, folder: Folder) -> Iterator[Finding]:
        for file in _scripts(folder):
            text = folder.text(file.path)
            tool = (metadata(text) or {}).get("tool", {})
            needs = (
                tool.get("airskills", {}).get("requires", [])
                if isinstance(tool, dict) and isinstance(tool.get("airskills", {}), dict)
                else []
            )
            for name in needs if isinstance(needs, list) else [needs]:
                if name not in REQUIRES:
                    yield self.finding(
                        folder.at(file.path),
                        _line(text, "requires ="),
                        f"The requirement {name!r} is not known",
                        f"Choose from {', '.join(sorted(REQUIRES))}",
                    )


@lru_cache(maxsize=64)
def metadata(text: str) -> dict[str, Any] | None:
    """The PEP 723 `script` block of a Python file as TOML; {"error": why} where it is none; None where there is no block."""
    blocks = list(pins.script_blocks(text))
    if not blocks:
        return None
    if len(blocks) > 1:
        return {"error": "there are two script blocks"}
    try:
        return tomllib.loads(blocks[0])
    except (ValueError, RecursionError) as error:  # ValueError: also a number of over 4,300 digits
        return {"error": str(error)}


def _is_run(file: File) -> bool:
    """Files in folders below `scripts` and `examples` are parts of programs, and so is what makes a package."""
    return file.path.count("/") == 1 and not file.path.endswith("/__init__.py")


def _scripts(folder: Folder) -> Iterator[File]:
    for under in ("examples", "scripts"):
        yield from filter(_is_run, folder.matching(".py", under=under))


def _is_pin(requirement: str) -> bool:
    try:
        return len(pins.parse_pins(requirement.partition(";")[0])) == 1
    except pins.PinError:
        return False


def _shell_scripts(folder: Folder) -> Iterator[File]:
    yield from folder.matching(".sh", ".bash", under="examples")
    yield from folder.matching(".sh", ".bash", under="scripts")


def _programs(folder: Folder, *under: str) -> Iterator[Program]:
    """The Python files of the folders `under`; of examples and scripts when none is named."""
    starts = tuple(f"{folder.path}/{name}/" for name in under or ("examples", "scripts"))
    return (
        program for program in folder.programs if program.block is None and program.path.startswith(starts)
    )


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
        return f"{node.func.value.id}.{node.func.attr}"
    return ""


def _line(text: str, needle: str) -> int:
    return next((number for number, line in enumerate(text.split("\n"), 1) if needle in line), 1)
