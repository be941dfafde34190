"""Command lines of shell blocks, scripts, configuration and running text, without those that are only shown or searched for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from airskills.rules.security_patterns import words
from airskills.rules.security_reader import Block, Sentence

SHELL = words("""
    bash sh shell zsh console terminal powershell ps1 pwsh cmd bat fish dockerfile makefile docker
    make
""")
CONFIG = words("json yaml yml toml ini")
PYTHON = words("python py python3 ipython pycon")
PROGRAM = words("js javascript mjs cjs ts typescript node jsx tsx ruby rb perl pl php")
COMMANDED = re.compile(
    r"^\s*(?:- )?(?:run|command|script|entrypoint|cmd|shell|args|before_script|postCreateCommand|setup)\s*[:=]",
    re.MULTILINE,
)
_KEYED = re.compile(
    r"\"(?:command|args|run|script|scripts|(?:pre|post)?install|prepare|(?:pre|post)\w*|cmd|exec|start|build|test|hooks|entrypoint|defaultMode|permissionMode)\"\s*:",
    re.IGNORECASE,
)
_STRING = re.compile(r"\"((?:[^\"\\]|\\.){4,4000})\"")
MAX_LINE = 20_000  # characters of one line of configuration that are judged


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
_THEN = re.compile(r"\]\s*(?:&&|\|\||;)")
_ECHO = re.compile(r"^(?:echo|printf|cat <<)(?:(?![|>`]|\$\().)*$")
_LITERAL = re.compile(r"^(?:(?:readonly |local |export )?[\w\[\]+]+=)?(?:'[^']*'|r?\"[^\"$`]*\"),?\)?$")
_BAD_COMMENT = re.compile(
    r"^\s*(?:#|//|REM )\s*(?:[^\n]{0,60}\b(?:do not|don't|never) run\b|❌|✗|bad|wrong|unsafe|insecure|don't|do not|never|vulnerable|dangerous|malicious|instead of|not:)",
    re.IGNORECASE,
)
_GOOD_COMMENT = re.compile(r"^\s*(?:#|//|REM )\s*(?:✅|✓|good|right|safe|better|do|instead)\b", re.IGNORECASE)
_DEFANGED = re.compile(
    r"\[\.\]|\bhxxps?:", re.IGNORECASE
)  # how reports write addresses that nobody shall open
_PLAIN_COMMAND = re.compile(
    r"(?:sudo\s+)?(?:\./|/|\$|~/|(?:curl|wget|rm|bash|sh|zsh|source|eval|echo|printf|cat|tar|scp|rsync|ssh|nc|ncat|socat|chmod|chown|crontab|export|env|printenv|pip3?|uvx?|pipx|npm|npx|pnpm|yarn|bun|git|docker|kubectl|python3?|node|perl|ruby|php|powershell|iwr|irm|iex|dd|mkfs|find|nohup|claude|codex|gemini|security|launchctl|systemctl|ln|cp|mv|tee|base64|xxd|openssl|sha256sum|sha512sum|shasum|gpg|cosign|mkfifo|aws|gh|dig|nslookup|brew|apt(?:-get)?|conda|go|cargo|make|kill|history|unset|set|alias|if|for|while|:)\b|:\(|[A-Za-z_]\w*=|\()"
)
_KEY = re.compile(r"^\s*\"?[\w.-]+\"?\s*(?::\s|\s=\s)\s*\"?|\"\s*,?\s*$")


def in_blocks(blocks: list[Block]) -> Iterator[Command]:
    """The command lines of blocks and files of code."""
    for group, block in enumerate(blocks, 1):
        if block.shown:
            continue
        if block.language == "json":
            yield from _in_json(block, group)
        elif block.language in CONFIG:
            yield from _in_lines(block, group, _Commanded().takes)
        elif block.language in SHELL:
            yield from _in_lines(block, group, lambda _line: True)
            yield from _documents(block, group)
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
        lists = bare[:1] == "[" and (config or _THEN.search(bare))  # `["sh", "-c"]`, or `[ -r a ] && b`
        searches = _SEARCH.match(bare) and not lists
        quiet = searches or (not config and (_ECHO.match(bare) or _LITERAL.match(bare)))
        if bare and not bad and not quiet:
            yield Command(block.path, line, bare, group)


_HERE = re.compile(r"<<-?\s*([\"']?)(\w+)\1")
_GRAVE = re.compile(r"\b(?:curl|wget|nc|ncat|base64|eval|ssh|python3?|bash|sh)\b|/dev/tcp|/tmp/")


def _documents(block: Block, group: int) -> Iterator[Command]:
    """Each here-document as one line: the program it is for Python, or what is written into a file."""
    if "<<" not in block.text:
        return
    lines = block.text.split("\n")
    number = 0
    while number < len(lines):
        head, start = lines[number], number
        opened = _HERE.search(head)
        number += 1
        if opened is None or "<<<" in head:
            continue
        while number < len(lines) and lines[number].strip() != opened[2]:
            number += 1
        text = _as_line(head[: opened.start()] + head[opened.end() :], lines[start + 1 : number])
        if text:
            yield Command(block.path, block.line + start, text, group)


def _as_line(head: str, body: list[str]) -> str:
    """One command line that does what a command with a here-document does, or ""."""
    bare = _LEAD.sub("", head).strip()
    if re.match(r"(?:sudo\s+)?python[\d.]*\b", bare):
        return f"python3 -c {shlex.quote(chr(10).join(body))}"
    target = re.search(r"(?:>>?|\btee\b)[^|;&]*", bare)
    if target is None:
        return ""
    grave = [line.strip() for line in body if _GRAVE.search(line)][:4] or body
    return f"printf '%s' {shlex.quote(' '.join(grave)[:280])} {'| ' * target[0].startswith('tee')}{target[0]}"


class _Commanded:
    """Which lines of YAML or TOML hold commands: the value of `run:` and the like, and what is indented below it."""

    def __init__(self) -> None:
        self._indent = -1

    def takes(self, line: str) -> bool:
        """Whether this line, read in order, is or holds a command."""
        bare = line.lstrip()
        indent = len(line) - len(bare)
        if COMMANDED.match(line):
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
    r"|dangerous|attack\w*|unsafe|insecure|never|do not|don't|avoid|must not|should not|cannot|(?:instead of|rather than)(?=\W*$)|warns?|risk\w*|alert on|forbid\w*"
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


def in_sentences(sentences: list[Sentence]) -> Iterator[Command]:
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
