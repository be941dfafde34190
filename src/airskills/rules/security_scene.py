"""What the security rules look at: sentences, hidden text, comments, data, blocks of code and command lines, each with its context.

Nothing here asks what a skill says about itself: a description can be anybody's. What counts is the text around a line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from airskills.folder import Folder
from airskills.rules._base import SKILL_FILE
from airskills.rules.security_patterns import words
from airskills.rules.security_reader import MAX_SENTENCE, Block, Reader, Sentence, split

SHELL = words("""
    bash sh shell zsh console terminal powershell ps1 pwsh cmd bat fish dockerfile makefile docker
    make
""")
CONFIG = words("json yaml yml toml ini")
PYTHON = words("python py python3 ipython pycon")
PROGRAM = words("js javascript mjs cjs ts typescript node jsx tsx ruby rb perl pl php")
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
_COMMANDED = re.compile(
    r"^\s*(?:- )?(?:run|command|script|entrypoint|cmd|shell|args|before_script|postCreateCommand|setup)\s*[:=]",
    re.MULTILINE,
)
_KEYED = re.compile(
    r"\"(?:command|args|run|script|scripts|(?:pre|post)?install|prepare|(?:pre|post)\w*|cmd|exec|start|build|test|hooks|entrypoint|defaultMode|permissionMode)\"\s*:",
    re.IGNORECASE,
)
_STRING = re.compile(r"\"((?:[^\"\\]|\\.){4,4000})\"")
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
MAX_LINE = 20_000  # characters of one line of configuration that are judged
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
    def commands(self) -> tuple[Command, ...]:
        """Command lines of shell blocks, scripts and set-up files, and those that the text asks to run."""
        return (*_in_blocks(self.blocks), *_in_sentences(self.sentences))


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
        commanded = (
            name in _JSON if path.endswith(".json") else _COMMANDED.search(folder.text(path)) is not None
        )
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
    for number, line in enumerate(block.text.split("\n"), block.line):
        said = _comment(line)
        if said:
            lines.append((number, said))
        elif lines:
            yield from split(block.path, lines, shown=False)
            lines = []
    if lines:
        yield from split(block.path, lines, shown=False)
    if block.language in PYTHON and block.file:
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


@dataclass(frozen=True, slots=True)
class Command:
    """One command line and the block or file that it stands in."""

    path: str
    line: int
    text: str
    group: int = 0


_LEAD = re.compile(r"^\s*(?:\$ |> |PS> |!|%|RUN |CMD |@|- (?:run: )?|run: \|?|command: )?\s*")
_SEARCH = re.compile(
    r"^(?:sudo )?(?:grep|egrep|rg|ag|ack|semgrep|yara|git grep|test|\[\[?|#|//|REM|case\b|\*\)|printf '%|assert|rule|pattern)"
)
_ECHO = re.compile(r"^(?:echo|printf|cat <<)(?:(?![|>`]|\$\().)*$")
_LITERAL = re.compile(r"^(?:(?:readonly |local |export )?[\w\[\]+]+=)?(?:'[^']*'|r?\"[^\"$`]*\"),?\)?$")
_BAD_COMMENT = re.compile(
    r"^\s*(?:#|//|REM )\s*(?:❌|✗|bad|wrong|unsafe|insecure|don't|do not|never|vulnerable|dangerous|malicious|instead of|not:)",
    re.IGNORECASE,
)
_GOOD_COMMENT = re.compile(r"^\s*(?:#|//|REM )\s*(?:✅|✓|good|right|safe|better|do|instead)\b", re.IGNORECASE)
_DEFANGED = re.compile(
    r"\[\.\]|\bhxxps?:", re.IGNORECASE
)  # how reports write addresses that nobody shall open
_PLAIN_COMMAND = re.compile(
    r"(?:sudo\s+)?(?:\./|/|\$|~/|(?:curl|wget|rm|bash|sh|zsh|source|eval|echo|printf|cat|tar|scp|rsync|ssh|nc|ncat|socat|chmod|chown|crontab|export|env|printenv|pip3?|uvx?|pipx|npm|npx|pnpm|yarn|bun|git|docker|kubectl|python3?|node|perl|ruby|php|powershell|iwr|irm|iex|dd|mkfs|find|nohup|claude|codex|gemini|security|launchctl|systemctl|ln|cp|mv|tee|base64|xxd|openssl|mkfifo|aws|gh|dig|nslookup|brew|apt(?:-get)?|conda|go|cargo|make|kill|history|unset|set|alias|if|for|while|:)\b|:\(|[A-Za-z_]\w*=|\()"
)
_KEY = re.compile(r"^\s*\"?[\w.-]+\"?\s*(?::\s|\s=\s)\s*\"?|\"\s*,?\s*$")


def _in_blocks(blocks: list[Block]) -> Iterator[Command]:
    for group, block in enumerate(blocks, 1):
        if block.shown:
            continue
        if block.language == "json":
            yield from _in_json(block, group)
        elif block.language in CONFIG:
            yield from _in_lines(block, group, _Commanded().takes)
        elif block.language in SHELL:
            yield from _in_lines(block, group, lambda _line: True)
        elif not block.language:
            yield from _in_lines(
                block, group, lambda line: _PLAIN_COMMAND.match(_LEAD.sub("", line)) is not None
            )


def _in_json(block: Block, group: int) -> Iterator[Command]:
    """Strings of configuration; in a code block only where a key says that they are commands."""
    for line, text in enumerate(block.text.split("\n"), block.line):
        if _DEFANGED.search(text) or not (block.file or _KEYED.search(text[:MAX_LINE])):
            continue
        for match in _STRING.finditer(text[:MAX_LINE]):
            yield Command(block.path, line, match[1].replace('\\"', '"'), group)


def _in_lines(block: Block, group: int, takes: Callable[[str], bool]) -> Iterator[Command]:
    """The lines that are commands, without those that only show, search for or print what they say."""
    config = block.language in CONFIG
    bad = False
    for line, text in _joined(block):
        if _DEFANGED.search(text) or not takes(text[:4000]):
            continue
        bad = (bad and bool(text.strip()) and not _GOOD_COMMENT.match(text)) or _BAD_COMMENT.match(
            text
        ) is not None
        bare = _LEAD.sub("", text[:4000])
        bare = _KEY.sub("", bare) if config else bare
        quiet = _SEARCH.match(bare) or (not config and (_ECHO.match(bare) or _LITERAL.match(bare)))
        if bare and not bad and not quiet:
            yield Command(block.path, line, bare, group)


class _Commanded:
    """Which lines of YAML or TOML hold commands: the value of `run:` and the like, and what is indented below it."""

    def __init__(self) -> None:
        self._indent = -1

    def takes(self, line: str) -> bool:
        """Whether this line, read in order, is or holds a command."""
        bare = line.lstrip()
        indent = len(line) - len(bare)
        if _COMMANDED.match(line):
            self._indent = indent
            return True
        if (
            self._indent >= 0
            and bare
            and (indent > self._indent or (indent == self._indent and bare.startswith("- ")))
        ):
            return True
        self._indent = self._indent if not bare else -1
        return False


def _joined(block: Block) -> Iterator[tuple[int, str]]:
    """Lines with their continuations."""
    parts: list[str] = []
    start = block.line
    for number, line in enumerate(block.text.split("\n"), block.line):
        start = start if parts else number
        parts.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            yield start, " ".join(parts)
            parts = []
    if parts:
        yield start, " ".join(parts)


_ASKED = re.compile(
    r"\b(?:run|execute|use|type|paste|call|start|invoke|with|add|append|set|install|via|by|then|through|first|do|begin|finish|set ?up|call it)\b|[:→]\s*$",
    re.IGNORECASE,
)
_SHOWN = re.compile(
    r"\b(?:detect\w*|flag(?:s|ged|ging)?|reject\w*|refus\w+|look(?:s|ing)? for|watch for|search(?:es)? for|scan\w* for|such as|patterns?|malicious|suspicious"
    r"|dangerous|attack\w*|unsafe|insecure|never|do not|don't|avoid|must not|should not|cannot|instead of|rather than|warns?|risk\w*|alert on|forbid\w*"
    r"|blocks?|like|equivalent|equals|used to|because|why|whether|not|adversar\w*|threat\w*|exfiltrat\w*|bypass\w*|vulnerab\w*|inject\w*)\b",
    re.IGNORECASE,
)
_SHOWN_AFTER = re.compile(
    r"^\s*(?:is|are|would|can|could|may|gives|delete\w*|destroy\w*|wipe\w*|runs? code|execut\w+ (?:whatever|anything)|lets?|means)\b|\b(?:deletes?|destroys?|wipes?|erases?) (?:everything|all|the)\b|\b(?:dangerous|unsafe|never|can't see|cannot see|not allowed|don't|malicious)\b",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"\s*(?:$|[.,;:(]|then\b|to\b|and then\b|before\b|first\b|gets\b|sets\b|does\b|installs?\b|starts?\b|makes\b|—|-)"
)
_TYPED = re.compile(
    r"\b(?:curl|wget|iwr|irm)\s[^`\"\n]{4,400}\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b|\b(?:iwr|irm)\s[^`\"\n]{4,300}\|\s*iex\b"
)


def _in_sentences(sentences: list[Sentence]) -> Iterator[Command]:
    """Code that running text asks to run; `!` before a span runs it when the skill is loaded."""
    for sentence in sentences:
        if sentence.shown or ("`" not in sentence.text and "|" not in sentence.text):
            continue
        for before, code, after in sentence.spans():
            at_once = before.endswith("!")
            alone = (
                not sentence.cell
                and not before.strip(" -*0123456789.)>")
                and (_GOES_ON.match(after) or after.count(" ") < 4)
            )
            asked = alone or _ASKED.search(before)
            if code[:1] in {";", "&", "|"}:  # a piece to inject
                continue
            if at_once or (asked and not _SHOWN.search(before) and not _SHOWN_AFTER.search(after)):
                yield Command(sentence.path, sentence.line, code)
        typed = _TYPED.search(sentence.text) if "`" not in sentence.text else None
        if (
            typed
            and not _SHOWN.search(sentence.text[: typed.start()])
            and not _SHOWN_AFTER.search(sentence.text[typed.end() :])
        ):
            yield Command(sentence.path, sentence.line, typed[0])
