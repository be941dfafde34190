"""What the security rules look at: sentences, hidden text, command lines and Python, each with its context.

A sentence that quotes, forbids or describes an attack is not one. Everything is read line by line in linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from airskills.folder import Folder
from airskills.rules._base import SKILL_FILE

SHELL = frozenset(
    [
        "bash",
        "sh",
        "shell",
        "zsh",
        "console",
        "terminal",
        "powershell",
        "ps1",
        "cmd",
        "bat",
        "fish",
        "dockerfile",
        "makefile",
    ]
)
PYTHON = frozenset(["python", "py", "python3", "ipython"])
SCRIPTS = (".sh", ".bash", ".zsh", ".fish", ".ps1", ".bat", ".cmd", ".command")
PROGRAMS = (".js", ".mjs", ".cjs", ".ts", ".rb", ".pl", ".php")
_SET_UP = ("Makefile", "Dockerfile", "package.json", ".mcp.json", "settings.json", "hooks.json")
_DATA = re.compile(r"(?:^|/)(?:fixtures?|testdata|test_data|corpus|samples?|evals)/")
MAX_SENTENCE = 2_000  # characters of one sentence that are judged

# Words that say: what follows is shown, searched for or forbidden, not asked for.
SHOWN = re.compile(
    r"\b(?:detect\w*|flag(?:s|ged|ging)?\b(?! (?:-|is|to))|blocks?(?= )|blocked|rejects?|refus\w+|look(?:s|ing)? for|watch for|search(?:es)? for"
    r"|scan(?:s|ning)? for|such as|examples? of|phrases?|patterns?|malicious|suspicious|dangerous|attack\w*|adversar\w+|jailbreaks?"
    r"|injections?|payloads?|red flags?|unsafe|insecure|never|do not|don't|avoid|must not|should not|cannot|instead of|rather than|warns?"
    r"|(?:asks?|tells?|telling|asking|instructs?|tries|trying|wants?|claims?) (?:\w+ ){0,2}to\b|refuse|treat\w* as|indicators?|report any|strings? like)",
    re.IGNORECASE,
)
_EXHIBIT = re.compile(
    r"\b(?:never|do not|don't|avoid|dangerous|malicious|attack\w*|unsafe|insecure|wrong|bad|anti-?patterns?|detect(?:s|ed|ion)|flag(?:s|ged)"
    r"|block(?:s|ed)|reject(?:s|ed)|red flags?|payloads?|jailbreaks?|injections?|forbidden|suspicious|vulnerable|looks? for|indicators?|signatures?)\b",
    re.IGNORECASE,
)
_RUN = re.compile(r"\b(?:run|execute|install|start|use)\b[^.]{0,200}:\s*$", re.IGNORECASE)
_NO = re.compile(r"\b(?:never|do not|don't|avoid|must not)\b", re.IGNORECASE)
_FENCE = re.compile(r"^(?:[ \t>]|[-*+] |\d+[.)] )*(`{3,}|~{3,})(.*)$")
_QUOTED = re.compile(r"\"[^\"\n]{3,400}\"|“[^”\n]{3,400}”|«[^»\n]{3,400}»|(?<!\w)'[^'\n]{8,400}'(?!\w)")
_SPAN = re.compile(r"(`+)([^`\n]{1,2000})\1(?!`)")
_BAD_COMMENT = re.compile(
    r"^\s*(?:#|//|REM )\s*(?:❌|bad|wrong|unsafe|insecure|don't|do not|never|vulnerable|dangerous|malicious)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """Running text: `said` lacks quotations and code spans; `shown` when it only shows an attack."""

    path: str
    line: int
    text: str
    shown: bool = False
    said: str = field(init=False, default="")

    def __post_init__(self) -> None:
        bare = _SPAN.sub("``", self.text) if "`" in self.text else self.text
        object.__setattr__(self, "said", _QUOTED.sub('""', bare))

    def spans(self) -> Iterator[tuple[str, str]]:
        """(text before it, code) of every code span."""
        for match in _SPAN.finditer(self.text):
            yield self.text[: match.start()], match[2].strip()


@dataclass(frozen=True, slots=True)
class Block:
    """A code block or a file of code; `shown` when the text before it says that this is an attack."""

    path: str
    line: int
    language: str
    text: str
    shown: bool = False


@dataclass
class Scene:
    """Everything of one skill that the rules judge."""

    sentences: list[Sentence] = field(default_factory=list)
    hidden: list[Sentence] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    purpose: str = ""

    @cached_property
    def commands(self) -> tuple[Command, ...]:
        """Command lines of shell blocks, scripts and of code spans that the text asks to run."""
        return tuple(_commands(self))

    def declares(self, pattern: str) -> bool:
        """Whether name or description say that the skill is about this."""
        return re.search(pattern, self.purpose, re.IGNORECASE) is not None


_last: list[tuple[Folder, Scene]] = []


def scene(folder: Folder) -> Scene:
    """The scene of a folder; the latest one is kept, because every rule asks for it."""
    if not (_last and _last[0][0] is folder):
        _last[:] = [(folder, _read(folder))]
    return _last[0][1]


def _read(folder: Folder) -> Scene:
    made = Scene()
    if folder.skill is not None:
        made.purpose = f"{folder.skill.name.replace('-', ' ')}: {folder.skill.description}"
        path = folder.at(SKILL_FILE)
        for key in ("description", "compatibility"):
            line = folder.skill.positions.get(key, (1, 1))[0]
            made.sentences += _split(path, [(line, str(folder.skill.fields.get(key, "")))], shown=False)
        _Reader(made, path, folder.skill.body, folder.skill.body_line).read()
    for file in folder.files:
        if file.path != SKILL_FILE and not _DATA.search(file.path):
            _read_file(made, folder, file.path)
    return made


def _read_file(made: Scene, folder: Folder, path: str) -> None:
    name = path.rpartition("/")[2]
    shown_path = folder.at(path)
    if path.endswith((".md", ".markdown", ".mdx")):
        _Reader(made, shown_path, folder.text(path), 1).read()
    elif path.endswith((".py", ".pyw")):
        made.blocks.append(Block(shown_path, 1, "python", folder.text(path)))
    elif path.endswith(SCRIPTS) or name in _SET_UP or folder.read(path)[:2] == b"#!":
        text = folder.text(path)
        language = "python" if "python" in text[:80].split("\n")[0] else "sh"
        made.blocks.append(Block(shown_path, 1, "json" if path.endswith(".json") else language, text))
    elif path.endswith(PROGRAMS):
        made.blocks.append(Block(shown_path, 1, "js", folder.text(path)))


class _Reader:
    """One Markdown text, line by line."""

    def __init__(self, made: Scene, path: str, text: str, first: int) -> None:
        self.made, self.path, self.first = made, path, first
        self.lines = text.split("\n")
        self.paragraph: list[tuple[int, str]] = []
        self.intro = ""
        self.level = 0  # of the heading under which everything is shown only; 0: none

    def read(self) -> None:
        number = 0
        while number < len(self.lines):
            fence = _FENCE.match(self.lines[number])
            comment = self.lines[number].find("<!--")
            if fence:
                number = self._fence(number, fence[1], fence[2])
            elif comment >= 0 and self.lines[number].count("`", 0, comment) % 2 == 0:
                number = self._comment(number, comment)
            else:
                self._line(number, self.lines[number])
                number += 1
        self._flush()

    def _fence(self, start: int, mark: str, info: str) -> int:
        self._flush()
        end = start + 1
        while end < len(self.lines) and not self.lines[end].strip(" \t>").startswith(mark):
            end += 1
        words = info.strip().lower().split()
        language = words[0].strip("{}.") if words else ""
        text = "\n".join(self.lines[start + 1 : end])
        self.made.blocks.append(Block(self.path, self.first + start + 1, language, text, self._shown()))
        return end + 1

    def _shown(self) -> bool:
        asks = _RUN.search(self.intro) is not None and _NO.search(self.intro) is None
        return self.level > 0 or (_EXHIBIT.search(self.intro) is not None and not asks)

    def _comment(self, start: int, column: int) -> int:
        self._line(start, self.lines[start][:column])
        parts: list[str] = []
        number, text = start, self.lines[start][column + 4 :]
        while "-->" not in text and number + 1 < len(self.lines):
            parts.append(text)
            number, text = number + 1, self.lines[number + 1]
        inside, _, rest = text.partition("-->")
        said = " ".join([*parts, inside]).strip()
        self.made.hidden.append(Sentence(self.path, self.first + start, said[:MAX_SENTENCE]))
        self.lines[number] = rest
        return number if rest.strip() and "<!--" not in rest else number + 1

    def _line(self, number: int, line: str) -> None:
        bare = line.strip()
        heading = re.match(r"(#{1,6})\s+(.*)", bare)
        if heading:
            self._flush()
            level = len(heading[1])
            if not self.level or level <= self.level:
                self.level = level if level > 1 and _EXHIBIT.search(heading[2]) else 0
            self.intro = heading[2]
            title = Sentence(self.path, self.first + number, heading[2][:MAX_SENTENCE], self.level > 0)
            self.made.sentences.append(title)
        elif not bare or bare.startswith("|"):
            self._flush()
        else:
            if re.match(r"[-*+] |\d+[.)] |> ?", bare):
                self._flush(item=True)
            self.paragraph.append((self.first + number, line))

    def _flush(self, *, item: bool = False) -> None:
        if not self.paragraph:
            return
        text = " ".join(line for _, line in self.paragraph)[:4000]
        listed = re.match(r"\s*(?:[-*+] |\d+[.)] |>)", text) is not None
        shown = self.level > 0 or (
            listed and self.intro.rstrip().endswith(":") and SHOWN.search(self.intro) is not None
        )
        self.made.sentences += _split(self.path, self.paragraph, shown=shown)
        if not listed or not (item or self.intro.rstrip().endswith(":")):
            self.intro = text
        self.paragraph = []


def _split(path: str, lines: list[tuple[int, str]], *, shown: bool) -> Iterator[Sentence]:
    """Sentences of a paragraph, each with the line on which it begins."""
    starts, offset = [], 0
    for number, line in lines:
        starts.append((offset, number))
        offset += len(line) + 1
    text = "\n".join(line for _, line in lines)
    begin, at = 0, 0
    for match in re.finditer(r"[.!?][\"')\]]{0,2}(?=\s)|$", text):
        piece = text[begin : match.end()]
        while at + 1 < len(starts) and starts[at + 1][0] <= begin + len(piece) - len(piece.lstrip()):
            at += 1
        if piece.strip():
            yield Sentence(path, starts[at][1], piece.strip().replace("\n", " ")[:MAX_SENTENCE], shown)
        begin = match.end()


@dataclass(frozen=True, slots=True)
class Command:
    """One command line and the block or file that it stands in."""

    path: str
    line: int
    text: str
    group: int = 0


_LEAD = re.compile(r"^\s*(?:\$ |> |PS> |!|%|RUN |@)?\s*")
_SEARCH = re.compile(
    r"^(?:sudo )?(?:grep|egrep|rg|ag|ack|semgrep|yara|git grep|test|\[\[?|#|//|REM|case\b|\*\)|printf '%)"
)
_ECHO = re.compile(r"^(?:echo|printf|cat <<)(?:(?![|>`]|\$\().)*$")
_LITERAL = re.compile(r"^(?:(?:readonly |local |export )?[\w\[\]+]+=)?(?:'[^']*'|r?\"[^\"$`]*\"),?\)?$")


def _commands(made: Scene) -> Iterator[Command]:
    """Command lines of shell blocks, scripts and of code spans that the text asks to run."""
    for group, block in enumerate(made.blocks, 1):
        if block.shown or block.language not in SHELL | {"", "json"}:
            continue
        bad = False
        for line, text in _joined(block):
            bad = (bad and bool(text.strip())) or _BAD_COMMENT.match(text) is not None
            bare = _LEAD.sub("", text[:4000])
            quiet = _SEARCH.match(bare) or (
                block.language != "json" and (_ECHO.match(bare) or _LITERAL.match(bare))
            )
            if bare and not bad and not quiet:
                yield Command(block.path, line, bare, group)
    for sentence in made.sentences:
        if not sentence.shown:
            for before, code in sentence.spans():
                asked = re.search(
                    r"\b(?:run|execute|use|type|paste|call|start|invoke|with|add|append|set|install|via|by)\b",
                    before,
                    re.IGNORECASE,
                )
                if asked and not SHOWN.search(before):
                    yield Command(sentence.path, sentence.line, code)


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
