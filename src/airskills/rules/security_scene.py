"""What the security rules look at: sentences, hidden text, comments, data, blocks of code and command lines, each with its context.

Nothing here asks what a skill says about itself: a description can be anybody's. What counts is the text around a line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from airskills.folder import Folder
from airskills.rules._base import SKILL_FILE
from airskills.rules.security_config import CONFIGURED
from airskills.rules.security_lines import COMMANDED, PROGRAM, PYTHON, SHELL, Command, in_blocks, in_sentences
from airskills.rules.security_patterns import words
from airskills.rules.security_reader import MAX_SENTENCE, Block, Reader, Sentence, split

_SUFFIXES = {
    **dict.fromkeys(("sh", "bash", "zsh", "fish", "ps1", "bat", "cmd", "command"), "sh"),
    **dict.fromkeys(("py", "pyw", "pth"), "python"),
    **dict.fromkeys(("js", "mjs", "cjs", "ts", "rb", "pl", "php"), "js"),
    **dict.fromkeys(("json", "yaml", "yml", "toml", "ini", "cfg"), "json"),
}
_SET_UP = {"Makefile": "sh", "Dockerfile": "sh", "Justfile": "sh", ".envrc": "sh"}
# Configuration whose values are commands, by the name of the file or by one of its keys.
_JSON = words("""
    package.json .mcp.json mcp.json settings.json settings.local.json hooks.json tasks.json
    devcontainer.json plugin.json composer.json deno.json
""")
_MARKDOWN = (".md", ".markdown", ".mdx", ".mdc", ".html", ".htm", ".svg", ".rst")
_DATA = (
    ".txt",
    ".csv",
    ".tsv",
    ".json",
    ".jsonl",
    ".yaml",
    ".yml",
    ".toml",
    ".xml",
    ".tex",
    ".prompt",
    ".j2",
    ".cfg",
    ".ini",
)
_COMMENT = re.compile(r"\s*(?:#(?!!)|//|/?\*+(?!/)|--|REM\b|<!--)\s?(.*)")
_DOCSTRING = re.compile(r"(\"\"\"|''')([\s\S]{12,4000}?)\1")
MAX_DATA = 1 << 20  # characters of one data file that are judged


@dataclass
class Scene:
    """Everything of one skill that the rules judge."""

    sentences: list[Sentence] = field(default_factory=list)
    hidden: list[Sentence] = field(default_factory=list)
    comments: list[Sentence] = field(default_factory=list)
    data: list[list[Sentence]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    @cached_property
    def prose(self) -> str:
        """All sentences, one a line: what is not in it need not be looked for in each."""
        return "\n".join([sentence.text for sentence in self.sentences])

    @cached_property
    def commands(self) -> tuple[Command, ...]:
        """Command lines of shell blocks, scripts and set-up files, and those that the text asks to run."""
        return (*in_blocks(self.blocks), *in_sentences(self.sentences))


_last: list[tuple[Folder, Scene]] = []


def scene(folder: Folder) -> Scene:
    """The scene of a folder; the latest one is kept, because every rule asks for it."""
    if not (_last and _last[0][0] is folder):
        _last[:] = [(folder, _read(folder))]
    return _last[0][1]


def _read(folder: Folder) -> Scene:
    made = Scene()
    if folder.skill is not None:
        path = folder.at(SKILL_FILE)
        for key, value in folder.skill.fields.items():
            line = folder.skill.positions.get(key, (1, 1))[0]
            for text in _strings(value):
                made.sentences += split(path, [(line, text)], shown=False)
        _read_markdown(made, path, folder.skill.body, folder.skill.body_line)
    for file in folder.files:
        if file.path != SKILL_FILE and not file.link:
            _read_file(made, folder, file.path)
    for block in made.blocks:
        made.comments += _comments(block)
    return made


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value[:20_000]
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _read_markdown(made: Scene, path: str, text: str, first: int) -> None:
    reader = Reader(path, text, first)
    reader.read()
    made.sentences += reader.sentences
    made.hidden += reader.hidden
    made.blocks += reader.blocks


def _read_file(made: Scene, folder: Folder, path: str) -> None:
    name = path.rpartition("/")[2]
    shown_path = folder.at(path)
    if path.endswith(_MARKDOWN):
        _read_markdown(made, shown_path, folder.text(path), 1)
        return
    if path.endswith(".ipynb"):
        made.blocks += _cells(shown_path, folder.text(path))
        return
    language = _SET_UP.get(name) or _SUFFIXES.get(name.rpartition(".")[2] if "." in name else "", "")
    if not language and "." not in name and folder.read(path)[:2] == b"#!":
        language = "python" if b"python" in folder.read(path)[:80].split(b"\n")[0] else "sh"
    if language == "json":
        text = folder.text(path)
        commanded = name in _JSON if path.endswith(".json") else COMMANDED.search(text) is not None
        commanded = commanded or CONFIGURED.search(text) is not None
        language = ("json" if path.endswith(".json") else "yaml") if commanded else ""
    if language:
        made.blocks.append(Block(shown_path, 1, language, folder.text(path), file=True))
    if path.endswith(_DATA):
        lines = enumerate(folder.text(path)[:MAX_DATA].split("\n"), 1)
        made.data.append(
            [Sentence(shown_path, number, line[:MAX_SENTENCE]) for number, line in lines if line]
        )


def _cells(path: str, text: str) -> Iterator[Block]:
    """Code cells of a notebook."""
    try:
        cells = json.loads(text)["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    for source in sources:
        yield Block(path, 1, "python", "".join(source), file=True)


def _comments(block: Block) -> Iterator[Sentence]:
    """What comments and docstrings of code say, neighboring lines joined."""
    if block.shown or block.language not in PYTHON | SHELL | PROGRAM:
        return
    lines: list[tuple[int, str]] = []
    python = block.language in PYTHON
    for number, line in enumerate(block.text.split("\n"), block.line):
        said = _comment(line) if "#" in line or not python else ""
        if said:
            lines.append((number, said))
        elif lines:
            yield from split(block.path, lines, shown=False)
            lines = []
    if lines:
        yield from split(block.path, lines, shown=False)
    if python and block.file:
        for match in _DOCSTRING.finditer(block.text):
            start = block.line + block.text.count("\n", 0, match.start(2))
            yield from split(block.path, list(enumerate(match[2].split("\n"), start)), shown=False)


def _comment(line: str) -> str:
    """What the comment of a line says, or ""; behind code only where no quotation mark makes it doubtful."""
    if line.lstrip()[:1] in {"#", "/", "*", "-", "R", "<"}:
        match = _COMMENT.match(line)
        return match[1] if match else ""
    code, sign, said = line.partition(" # ")
    return said if sign and '"' not in code and "'" not in code else ""
