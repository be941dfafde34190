"""What a command line runs: the program behind assignments, `sudo`, `uv run`, `python -m` and the like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from airskills.verify.shell import CommandLine, Word

_KEYWORDS = frozenset(
    {"if", "then", "else", "elif", "while", "until", "do", "!", "{", "time", "exec", "command", "nohup", "-"}
)
_SKIPPED = frozenset({"for", "case", "select", "function", "fi", "done", "esac", "}"})
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
# Programs that run another: for each, its options that take a value, and how many words of its own follow them.
_WRAPPERS: dict[str, tuple[frozenset[str], int]] = {
    "sudo": (frozenset({"-u", "-g", "-C", "-p"}), 0),
    "env": (frozenset({"-u", "-C", "--unset", "--chdir"}), 0),
    "nice": (frozenset({"-n"}), 0),
    "ionice": (frozenset({"-c", "-n"}), 0),
    "timeout": (frozenset({"-s", "-k"}), 1),
    "stdbuf": (frozenset({"-i", "-o", "-e"}), 0),
    "numactl": (frozenset({"-N", "-m", "-C"}), 0),
    "setsid": (frozenset(), 0),
    "caffeinate": (frozenset(), 0),
    "watch": (frozenset({"-n"}), 0),
    "srun": (frozenset({"-n", "-N", "-c", "-p", "-w", "-J", "-t", "-A"}), 0),
    "mpirun": (frozenset({"-n", "-np", "-x", "-H", "--host", "--hostfile", "-hostfile"}), 0),
}  # fmt: skip
_RUNNERS = frozenset({"uv", "poetry", "pdm", "pixi", "hatch", "pipenv", "rye", "conda"})  # all with `run`
_RUNNER_VALUES = frozenset(
    {"--with", "--python", "-p", "--extra", "--group", "--env-file", "--project", "--directory", "--package", "-n",
     "--name", "--with-requirements", "--index", "-e", "--environment", "--from"}
)  # fmt: skip
_PYTHON = re.compile(r"(?:.*/)?(?:python|pypy)(?:\d+(?:\.\d+)?)?(?:\.exe)?$")
_PYTHON_VALUES = frozenset({"-W", "-X", "--check-hash-based-pycs"})


@dataclass(frozen=True, slots=True)
class Invocation:
    """A program that a command line runs.

    Attributes:
        kind: `command` (a name on the path), `module` (`python -m`) or `file` (a Python file).
        name: its name, as it is written.
        words: what follows it.
        word: where it stands.
    """

    kind: str
    name: str
    words: tuple[Word, ...]
    word: Word


def invocation(line: CommandLine) -> Invocation | None:
    """What a command line runs, behind assignments, `sudo`, `uv run`, `python -m` and the like; None for nothing."""
    words = line.words
    for _ in range(len(words) + 1):
        rest = _unwrap(words)
        if rest is None:
            return None
        if rest == words:
            break
        words = rest
    if not words or words[0].opaque:
        return None
    return _python(words) or Invocation("command", words[0].text, words[1:], words[0])


def _unwrap(words: tuple[Word, ...]) -> tuple[Word, ...] | None:
    """The words behind one wrapper; the same words where there is none, None where nothing is run."""
    head = words[0].text if words else "fi"
    if head in _SKIPPED:
        return None
    if _ASSIGNMENT.match(head) or head in _KEYWORDS:
        return words[1:]
    if head in _WRAPPERS:
        values, own = _WRAPPERS[head]
        return _behind_options(words[1:], values, own)
    second = words[1].text if len(words) > 1 else ""
    if (head in _RUNNERS or head == "pipx") and second == "run":
        return _behind_options(words[2:], _RUNNER_VALUES, 0)
    return _behind_options(words[1:], _RUNNER_VALUES, 0) if head == "uvx" else words


def _behind_options(words: Sequence[Word], values: frozenset[str], own: int) -> tuple[Word, ...]:
    """Words behind options, their values, assignments and `own` words more."""
    at = 0
    while at < len(words) and (words[at].text.startswith("-") or _ASSIGNMENT.match(words[at].text)):
        if words[at].text == "--":
            at += 1
            break
        at += 2 if words[at].text in values else 1
    return tuple(words[at + own :])


def _python(words: tuple[Word, ...]) -> Invocation | None:
    """`python -m module` and `python file.py`."""
    if not _PYTHON.match(words[0].text):
        name = words[0].text
        return Invocation("file", name, words[1:], words[0]) if name.endswith(".py") else None
    at = 1
    while at < len(words) and words[at].text.startswith("-"):
        if words[at].text == "-m" and at + 1 < len(words):
            return Invocation("module", words[at + 1].text, words[at + 2 :], words[at + 1])
        if words[at].text in {"-c", "-"}:
            return Invocation("command", "python", (), words[0])
        at += 2 if words[at].text in _PYTHON_VALUES else 1
    if at < len(words) and words[at].text.endswith(".py"):
        return Invocation("file", words[at].text, words[at + 1 :], words[at])
    return Invocation("command", "python", (), words[0])
