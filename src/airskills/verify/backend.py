"""What a back end is: a type checker that reads virtual files beside unpacked wheels and says what it sees.

`ty` comes first; `pyrefly` is the second. A canary of snippets over a synthetic package holds both to the same answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from airskills.errors import AirskillsError
from airskills.verify.edits import Point


class BackendError(AirskillsError):
    """The checker is missing, crashed, or said something that its adapter does not know."""


class Kind(StrEnum):
    """What a diagnostic is about, whatever the checker calls it."""

    IMPORT = "import"  # of a module
    MEMBER = "member"  # of a module, in `from module import member`
    ATTRIBUTE = "attribute"
    KEYWORD = "keyword"
    IGNORED_KEYWORD = "ignored keyword"
    MISSING = "missing argument"
    ARITY = "too many arguments"
    OVERLOAD = "overload"
    NOT_CALLABLE = "not callable"
    DEPRECATED = "deprecated"
    UNDEFINED = "undefined name"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One complaint.

    Attributes:
        file: name of the virtual file.
        start: where it points.
        end: where that ends.
        kind: what it is about.
        message: the checker's own words.
        name: the attribute, member, module, keyword, parameter or name that it names; "" where it names none.
        owner: type or module that lacks an attribute; of a union, all of it.
        lacking: members of a union that lack it.
    """

    file: str
    start: Point
    end: Point
    kind: Kind
    message: str
    name: str = ""
    owner: str = ""
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a checker said about a set of files.

    Attributes:
        diagnostics: complaints, by file and place.
        types: file to the point at which an expression inside `reveal_type(...)` begins to its type, as the checker
            writes it.
    """

    diagnostics: tuple[Diagnostic, ...]
    types: Mapping[str, Mapping[Point, str]]


class Asking(Protocol):
    """A checker at work."""

    def answer(self) -> Answer:
        """What it says, once it has come to its end.

        Raises:
            BackendError: it crashed, or said something unknown.
        """

    def stop(self) -> None:
        """Let go of it, whether it has come to its end or not; nothing of it stays behind."""


class Backend(Protocol):
    """A checker. It never imports or runs what it reads."""

    @property
    def name(self) -> str:
        """Its name and version, such as `ty 0.0.104`."""

    @property
    def wired(self) -> bool:
        """Whether it follows global names from one function to another (`wires.py`)."""

    def start(self, files: Mapping[str, str], paths: Sequence[Path]) -> Asking:
        """Begin to check every file in one process.

        Args:
            files: module name to source.
            paths: folders in which packages are looked for; no other place is.

        Raises:
            BackendError: it is not installed.
        """

    def ask(self, files: Mapping[str, str], paths: Sequence[Path]) -> Answer:
        """The same, waited for."""
        asking = self.start(files, paths)
        try:
            return asking.answer()
        finally:
            asking.stop()
