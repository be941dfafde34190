"""A skill folder as a rule sees it: the parsed SKILL.md, its other files, and the Markdown and Python among them.

Rules never touch the disk; whatever they may ask for is here, read at most once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from airskills.disk import Contents, File, digest, list_files, read_file
from airskills.errors import SkillSyntaxError
from airskills.finding import Finding
from airskills.markdown import Markdown
from airskills.skill import FILE_NAME, MAX_BYTES, Skill, parse

if TYPE_CHECKING:
    from airskills.program import Program

# Suffixes of files that are text.
TEXT = tuple(
    f".{suffix}"
    for suffix in [
        "md",
        "py",
        "txt",
        "json",
        "yaml",
        "yml",
        "toml",
        "csv",
        "tsv",
        "sh",
        "bash",
        "jsonl",
        "cfg",
        "ini",
        "j2",
        "html",
        "css",
        "js",
        "mjs",
        "ts",
        "xml",
        "svg",
        "env",
        "ipynb",
        "rb",
        "go",
        "rs",
    ]
)
PYTHON = frozenset({"python", "py", "python3", "ipython"})


@dataclass(frozen=True)
class Folder:
    """A skill and everything beside its SKILL.md.

    Attributes:
        path: the folder.
        skill: the parsed SKILL.md, or None where it cannot be read.
        problem: what kept it from being read.
        files: every file, SKILL.md first, hidden ones included.
        contents: bytes by relative path.
        truncated: what was left out because there is too much of it, or "".
    """

    path: str
    skill: Skill | None
    problem: Finding | None
    files: tuple[File, ...]
    contents: Mapping[str, bytes] = field(default_factory=dict)
    truncated: str = ""

    @property
    def name(self) -> str:
        """Name of the skill, or of the folder where the SKILL.md cannot be read."""
        return self.skill.name if self.skill else self.path.rpartition("/")[2]

    def at(self, relative: str) -> str:
        """`relative` as findings should print it."""
        return f"{self.path}/{relative}"

    def has(self, relative: str) -> bool:
        """Whether the skill has this file."""
        return relative in self._paths

    def has_folder(self, relative: str) -> bool:
        """Whether the skill has a file in this folder or below it."""
        return relative in self._folders

    def spelled(self, relative: str) -> str:
        """The path that differs from `relative` in case only, or ""."""
        return self._spellings.get(relative.casefold(), "")

    def read(self, relative: str) -> bytes:
        """Bytes of a file, at most 4 MiB; empty where it cannot be read or leads out of the skill."""
        return self.contents.get(relative, b"")

    def text(self, relative: str) -> str:
        """Text of a file; undecodable bytes become U+FFFD, line ends become line feeds, a byte order mark goes."""
        return self._text(relative)

    @cached_property
    def documents(self) -> tuple[Markdown, ...]:
        """The body of the SKILL.md and every other Markdown file, as parsed Markdown."""
        found = [self.skill.markdown] if self.skill else []
        others = (f.path for f in self.files if f.path.endswith(".md") and f.path != FILE_NAME)
        found += [Markdown(self.text(p), self.at(p), 1) for p in others if not p.startswith("evals/")]
        return tuple(found)

    @cached_property
    def programs(self) -> tuple[Program, ...]:
        """Python of every block of the documents and of every Python file."""
        from airskills.program import Program

        blocks = [
            Program(document.path, block.first_line, block.text, block)
            for document in self.documents
            for block in document.blocks
            if block.language in PYTHON
        ]
        return (*blocks, *(Program(self.at(f.path), 1, self.text(f.path)) for f in self.matching(".py")))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that a rule can see: names, modes, links, contents."""
        return digest(self.files, self.truncated, self.contents)

    def matching(self, *suffixes: str, under: str = "") -> Iterator[File]:
        """Files whose name ends in one of `suffixes`, below the folder `under`."""
        prefix = f"{under}/" if under else ""
        return (file for file in self.files if file.path.startswith(prefix) and file.path.endswith(suffixes))

    def replacing(self, relative: str, text: str) -> Folder:
        """The same folder with another text in one file; nothing is written."""
        contents = {file.path: self.read(file.path) for file in self.files} | {relative: text.encode()}
        skill, problem = _parse(contents.get(FILE_NAME, b""), f"{self.path}/{FILE_NAME}")
        return replace(self, skill=skill, problem=problem, contents=contents)

    @cached_property
    def _paths(self) -> frozenset[str]:
        return frozenset(file.path for file in self.files)

    @cached_property
    def _folders(self) -> frozenset[str]:
        found = {"."}
        for path in self._paths:
            while (path := path.rpartition("/")[0]) and path not in found:
                found.add(path)
        return frozenset(found)

    @cached_property
    def _spellings(self) -> dict[str, str]:
        return {path.casefold(): path for path in sorted(self._paths, reverse=True)}

    @cached_property
    def _texts(self) -> dict[str, str]:
        return {}

    def _text(self, relative: str) -> str:
        if relative not in self._texts:
            decoded = self.read(relative).decode("utf-8-sig", errors="replace")
            self._texts[relative] = decoded.replace("\r\n", "\n").replace("\r", "\n")
        return self._texts[relative]


def open_folder(path: str) -> Folder:
    """Read the skill folder at `path`; findings name its absolute path."""
    root = os.path.abspath(path)
    files, truncated = list_files(root)
    contents = Contents(root, files)
    main = files[0] if files and files[0].path == FILE_NAME else File(FILE_NAME, 0, problem="It is not there")
    problem: Finding | None
    if main.problem:
        problem = Finding(
            f"{root}/{FILE_NAME}", 1, 1, "AS403", main.problem, "Check its kind and permissions"
        )
        return Folder(root, None, problem, tuple(files), contents, truncated)
    skill, problem = _parse(read_file(f"{root}/{FILE_NAME}", main, MAX_BYTES + 1), f"{root}/{FILE_NAME}")
    return Folder(root, skill, problem, tuple(files), contents, truncated)


def folder_from(name: str, contents: Mapping[str, str | bytes]) -> Folder:
    """A folder that exists in memory only: relative paths to text or bytes."""
    stored = {path: text.encode() if isinstance(text, str) else text for path, text in contents.items()}
    files = tuple(
        File(path, len(content))
        for path, content in sorted(stored.items(), key=lambda kv: (kv[0] != FILE_NAME, kv[0]))
    )
    skill, problem = _parse(stored.get(FILE_NAME, b""), f"{name}/{FILE_NAME}")
    return Folder(name, skill, problem, files, stored)


def _parse(content: bytes, path: str) -> tuple[Skill | None, Finding | None]:
    try:
        return parse(content, path), None
    except SkillSyntaxError as error:
        return None, Finding(path, error.line, error.column, error.code, error.message, error.help)
