"""What a script of shell does: secrets, downloads and decoded text are followed from where they arise to where they go.

Pipelines are followed command by command, variables and files through the lines of one block.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from airskills.rules import security_commands as command_table
from airskills.rules.security_commands import (
    ASSIGN,
    FETCHERS,
    LANGUAGES,
    LOCAL,
    NOTHING,
    SHELLS,
    Labels,
    Word,
)
from airskills.rules.security_known import Known, known
from airskills.rules.security_lines import Command
from airskills.rules.security_patterns import CHECKS, DESTROYERS, FLOWS, METADATA, PATTERNS, PROGRAM, WORD
from airskills.rules.security_reader import Block
from airskills.rules.security_shell_words import MARK, Simple, numbers, parse
from airskills.rules.security_sources import foreign, installs

MAX_PROGRAM = 1 << 20  # characters of one program that are judged
MAX_INNER = 2_000  # texts inside texts (`bash -c "..."`) that one block may hold
_NAME = re.compile(r"\$\{?([A-Za-z_]\w*)(?::[^}]{0,40})?\}?")
_ARITHMETIC = re.compile(r"(?<!\$)\(\(")
_HOMELY = re.compile(r"\$(?:HOME\b|\{HOME\})[^$]*$")
_INSTRUCTS = re.compile(r"(?:^|/)(?:SKILL|CLAUDE|AGENTS|GEMINI|MEMORY|SOUL)\.md$")
MAX_FOLDERS = 30  # folders of one path that are remembered
MAX_EXECUTED = 100  # command lines of one program that are judged
_EXECUTES = re.compile(
    r"\b(?:exec|execSync|system|shell_exec|passthru|popen|spawnSync?)\(\s*([\"'`])([^\"'`\n]{3,400})\1"
)
_INLINE = re.compile(r"-\w*[cer]|--eval|--command|-Command|-EncodedCommand|-enc")
_EXECUTED = {
    "decoded": ("AS705", "An encoded payload is decoded and executed"),
    "net": ("AS706", "A download is executed unread"),
}


class Act(NamedTuple):
    """Something that code does: which rule it breaks, where, and in words."""

    code: str
    path: str
    line: int
    message: str


def act_at(block: Block, at: int, code: str, message: str) -> Act:
    """Something that stands at a character of a block."""
    return Act(code, block.path, block.line + block.text.count("\n", 0, at), message)


Python = Callable[[str, str, int], Iterator[Act]]


def acts(lines: Sequence[Command], python: Python) -> Iterator[Act]:
    """What command lines do; `python(source, path, line)` judges programs given on a command line."""
    checked = {command.group for command in lines if command.group and CHECKS.search(command.text)}
    flow = Flow(python, known())
    group = -1
    for command in lines:
        if command.group != group or not command.group:
            group, flow = command.group, Flow(python, known())
        yield from flow.line(command, verified=command.group in checked)


@dataclass
class Flow:
    """Variables and files of one script so far, and what they carry."""

    python: Python
    trusted: Known
    texts: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Labels] = field(default_factory=dict)
    files: dict[str, Labels] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    remotes: set[str] = field(default_factory=set)
    staged: bool = False
    found: list[Act] = field(default_factory=list)
    where: tuple[str, int] = ("", 1)
    verified: bool = False
    inner: int = 0

    def line(self, command: Command, *, verified: bool) -> Iterator[Act]:
        """What one line does."""
        self.where, self.verified, self.found = (command.path, command.line), verified, []
        text = command.text
        spaced = text.lower().replace("\\n", " ")  # of `printf`
        words = set(WORD.findall(spaced)) | ({"rm"} if ":(" in text else set())
        for pattern in PATTERNS:
            if not pattern.words.isdisjoint(words) and pattern.regex.search(text):
                self.act(pattern.code, pattern.message)
        if self.texts and not words.isdisjoint(DESTROYERS):
            self._destroys(text)
        message = foreign(text) if installs(text) else ""
        if message:
            self.act("AS707", message)
        carries = self.files or self.variables
        if not FLOWS.isdisjoint(words) or "./" in text or "=" in text or carries or "for" in words:
            self.run(text)
        yield from dict.fromkeys(self.found)

    def act(self, code: str, message: str) -> None:
        self.found.append(Act(code, *self.where, message))

    def _destroys(self, text: str) -> None:
        """What a line destroys once its variables are known."""
        known = _NAME.sub(lambda match: self.texts.get(match[1], match[0]), text)[:4000]
        for pattern in PATTERNS if known != text else ():
            if pattern.code == "AS717" and pattern.regex.search(known):
                self.act(pattern.code, pattern.message)

    def run(self, text: str) -> None:
        """Follow a text of shell; of arithmetic only what is substituted into it runs."""
        if "((" in text:
            text = _ARITHMETIC.sub(" : ", text)
        for pipeline in parse(text):
            if "file" in self.pipeline(pipeline):
                self.act("AS710", "A file of credentials is printed where the agent reads it")

    def pipeline(self, commands: list[Simple]) -> Labels:
        """Labels of what the last command writes."""
        labels = NOTHING
        for number, command in enumerate(commands):
            labels = self.simple(command, labels, first=number == 0)
        return labels

    def simple(self, command: Simple, stdin: Labels, *, first: bool = True) -> Labels:
        """Labels of what one command writes."""
        inside = [NOTHING.union(*map(self.pipeline, pipelines)) for pipelines in command.substitutions]
        words = [self._word(word, inside) for word in command.words]
        for sign, target in command.redirects:
            if sign.startswith("<"):
                text, labels = self._word(target, inside)
                stdin |= labels | self._file(text)
        if words and not command.words[0].startswith(MARK) and (self._loops(words) or self._assigns(words)):
            return NOTHING
        if "xargs" in command.words:  # what it reads becomes arguments
            words = [(text, labels | stdin) for text, labels in words]
        words, composed = command_table.unwrapped(words, command.words)
        written = self._dispatch(words, stdin, composed=composed, first=first) if words else stdin
        return self._redirected(command, written, inside)

    def _word(self, word: str, inside: list[Labels]) -> Word:
        """Text of a word with the variables that are known, and what it carries."""
        labels = NOTHING.union(*(inside[number] for number in numbers(word) if number < len(inside)))
        if "$" not in word:
            return word, labels
        for match in _NAME.finditer(word):
            labels |= self.variables.get(match[1], NOTHING)
        return _NAME.sub(lambda match: self.texts.get(match[1], match[0]), word)[:4000], labels

    def _loops(self, words: list[Word]) -> bool:
        """Learn `for A in B`; whether the command is one."""
        if len(words) < 4 or (words[0][0], words[2][0]) != ("for", "in"):
            return False
        listed = [labels | command_table.source(text) for text, labels in words[3:]]
        self._carries(words[1][0], NOTHING.union(*listed))
        self._knows(words[1][0], words[3][0])
        return True

    def _assigns(self, words: list[Word]) -> bool:
        """Learn `A=b`; whether the command is nothing else."""
        if words[0][0] in {"export", "local", "readonly", "declare"}:
            words = words[1:]
        pairs = [(ASSIGN.match(text), labels) for text, labels in words]
        for match, labels in pairs:
            if match is None:
                return False
            self._carries(match[1], labels | command_table.source(match[2]))
            if not labels:
                self._knows(match[1], match[2])
        return bool(pairs)

    def _carries(self, name: str, labels: Labels) -> None:
        """Learn what a variable carries; those that carry nothing are not kept, so that whether any does is seen at once."""
        if labels:
            self.variables[name] = labels
        else:
            self.variables.pop(name, None)

    def _knows(self, name: str, text: str) -> None:
        """Learn the text of a variable, where it holds no other variable than the home folder."""
        if "$" not in text or _HOMELY.match(text):
            self.texts[name] = text

    def _redirected(self, command: Simple, written: Labels, inside: list[Labels]) -> Labels:
        for sign, target in command.redirects:
            if sign.lstrip("1").startswith(">") and not target.isdigit():
                name = _bare(self._word(target, inside)[0])
                self._stores(name, self.files.get(name, NOTHING) | written)
                written = NOTHING
        return written

    def _stores(self, name: str, labels: Labels) -> None:
        """Learn what a file carries, and the folders that a secret is put into."""
        self.files[name] = labels
        if "secret" in labels:
            parts = name.split("/")[:MAX_FOLDERS]
            self.folders |= {"/".join(parts[:depth]) for depth in range(1, len(parts))}

    def _file(self, name: str) -> Labels:
        """What a file carries: what was written into it, and the secrets that its path is known for."""
        return self.files.get(_bare(name), NOTHING) | command_table.source(name)

    def _dispatch(self, words: list[Word], stdin: Labels, *, composed: bool, first: bool) -> Labels:
        name = words[0][0].rpartition("/")[2].lower().removesuffix(".exe")
        if composed and (name in SHELLS | LANGUAGES | FETCHERS or words[0][1]):
            self.act("AS724", "A command is put together from pieces before it is executed")
        self._executes(words[0][1])
        if name in SHELLS | LANGUAGES | {"eval", "source", "."}:
            return self._interprets(name, words[1:], stdin)
        if name in FETCHERS:
            return self._fetches(name, words[1:], stdin)
        self._runs_file(words[0][0])
        return self._other(name, words[1:], stdin, first=first)

    # Executing

    def _executes(self, labels: Labels) -> None:
        for label, (code, message) in _EXECUTED.items():
            if label in labels and not (label == "net" and self.verified):
                self.act(code, message)
                return

    def _runs_file(self, name: str) -> None:
        path = _bare(name)
        labels = self.files.get(path, NOTHING) | (
            self.files.get(path.partition("/")[0], NOTHING) if "/" in path else NOTHING
        )
        if "net" in labels and not self.verified:
            self.act("AS706", f"The download {path[:60]!r} is executed unchecked")

    def _interprets(self, name: str, arguments: list[Word], stdin: Labels) -> Labels:
        """A shell or language: what it is given as code, as a file, or on its input."""
        if name in {"eval", "iex", "invoke-expression"}:
            carried = stdin.union(*(labels for _, labels in arguments))
            self._code("sh", " ".join(text for text, _ in arguments), carried)
            return NOTHING
        for number, (text, labels) in enumerate(arguments):
            if _INLINE.fullmatch(text) and arguments[number + 1 :] and (name in LANGUAGES or "c" in text):
                self._code("sh" if name in SHELLS else name, *arguments[number + 1])
                return stdin if name in LANGUAGES else NOTHING
            if text == "-m":
                return stdin
            if text in {"-s", "-", "/dev/stdin"}:
                break
            if labels or not text.startswith(("-", "+")):
                self._executes(labels)
                self._runs_file(text)
                return NOTHING
        self._executes(stdin)
        return NOTHING

    def _code(self, language: str, code: str, labels: Labels) -> None:
        self._executes(labels)
        self.inner += 1
        if self.inner > MAX_INNER or MARK in code[:2]:
            return
        if language == "sh":
            self.run(code)
        elif language.startswith("python"):
            self.found += self.python(code, *self.where)
        else:
            self.found += program_acts(Block(*self.where, language, code))

    # Fetching and sending

    def _fetches(self, name: str, arguments: list[Word], stdin: Labels) -> Labels:
        texts = [text for text, _ in arguments]
        urls = command_table.addresses(texts)
        if not urls or not all(map(LOCAL.match, urls)):
            self._uploads(arguments, stdin, bare=any(map(command_table.NAMELESS.match, urls)))
        secret = any(map(METADATA.search, urls))
        if secret:
            self.act("AS710", "Credentials of the cloud machine are read")
        unknown = not urls or not all(map(self.trusted.installer, urls))
        labels = frozenset([*(["net"] if unknown else []), *(["secret"] if secret else [])])
        target = _bare(command_table.output(name, texts, urls))
        if target in {"", "-", "/dev/stdout"}:
            return labels
        if "net" in labels and _INSTRUCTS.search(target):
            self.act("AS713", "A download takes the place of instructions of agents")
        self._stores(target, labels)
        return NOTHING

    def _uploads(self, arguments: list[Word], stdin: Labels, *, bare: bool) -> None:
        for kind, text, labels in command_table.payloads(arguments):
            if kind == "header":
                if "file" in labels and not command_table.logs_in(text):
                    self.act("AS708", "A file of credentials is sent to another machine")
                continue
            carried = labels | (stdin if text in {"-", "@-"} or text.endswith("=@-") else NOTHING)
            names_file = kind == "file" or "@" in text or "=<" in text
            if kind != "address" and names_file:
                carried |= self._file(re.split("@|=<", text)[-1].strip("\"'").partition(";")[0])
            if kind != "address" and bare and (carried or names_file or text == "-"):
                self.act("AS708", "Files or output are sent to a machine without a name")
            if "secret" in carried or command_table.own_secret(kind, text):
                self.act("AS708", "A secret is sent to another machine")

    def _other(self, name: str, arguments: list[Word], stdin: Labels, *, first: bool) -> Labels:
        """Any other command: what it gives away, and what it passes on."""
        texts = [text for text, _ in arguments]
        carried = stdin.union(*(labels for _, labels in arguments))
        files = NOTHING.union(*map(self._file, command_table.sent_files(texts)))
        message = command_table.sends(name, texts, carried | files)
        if message:
            self.act("AS708", message)
        if command_table.hands_over(name, texts):
            self.act("AS718", "A shell is handed to another machine")
        if name == "git":
            self._git(texts)
        elif name == "find" and "-exec" in texts:
            self._for_each(arguments[texts.index("-exec") + 1 :], command_table.reads(name, texts))
        elif name in {"screencapture", "scrot", "gnome-screenshot", "import"} and texts:
            self._stores(_bare(texts[-1]), command_table.SECRET)
        elif name in command_table.ARCHIVERS:
            self._unpacks(texts)
            self._packs(name, texts)
        elif name == "chmod":
            self._takes_place(texts)
        elif name in {"cp", "mv", "install", "ln", "tee"} and texts:
            return self._moves(name, texts, carried)
        self._runs_inside(arguments)
        read = NOTHING.union(*map(self._file, command_table.read_files(name, texts, first=first)))
        labels = command_table.passed(name, texts, carried | read) | command_table.reads(name, texts)
        return labels | (
            {"decoded"} if command_table.decodes(name, texts) and "net" not in labels else NOTHING
        )

    def _for_each(self, arguments: list[Word], found: Labels) -> None:
        """The command that `find -exec` runs on what it finds."""
        words = [(text, labels | (found if "{}" in text else NOTHING)) for text, labels in arguments]
        if words:
            self._dispatch(words, NOTHING, composed=False, first=True)

    def _git(self, texts: list[str]) -> None:
        if texts[:1] == ["add"] and any("file" in command_table.source(text) for text in texts[1:]):
            self.staged = True
        elif texts[:2] == ["remote", "add"] and command_table.strange(texts[-1]):
            self.remotes |= set(texts[2:])
        elif texts[:1] == ["push"] and self.staged:
            self.act("AS708", "A file of credentials is pushed to another machine")
        elif texts[:1] == ["push"] and not {"--mirror", "--all"}.isdisjoint(texts) and self._strange(texts):
            self.act("AS708", "The whole repository is pushed to an address that the skill brings")

    def _strange(self, texts: list[str]) -> bool:
        """Whether a push goes to an address of the skill's own, or to a remote that was added with one."""
        return any(text in self.remotes or command_table.strange(text) for text in texts[1:])

    def _unpacks(self, texts: list[str]) -> None:
        """What comes out of a downloaded archive, by the usual name of its folder, is a download too."""
        for text in texts:
            if "net" in self.files.get(_bare(text), NOTHING):
                self.files[re.sub(r"\.(?:tar(?:\.\w+)?|tgz|zip|7z)$", "", _bare(text))] = frozenset({"net"})

    def _packs(self, name: str, texts: list[str]) -> None:
        """An archive of secrets is one."""
        target = command_table.packed(name, texts)
        if target and any(self._holds_secrets(text) or command_table.personal(text) for text in texts):
            self._stores(_bare(target), command_table.SECRET)

    def _holds_secrets(self, name: str) -> bool:
        """Whether this is a file with secrets, or a folder that one was put into."""
        return _bare(name).rstrip("/") in self.folders or bool(self._file(name))

    def _takes_place(self, texts: list[str]) -> None:
        """A download that becomes executable under the name of a command of every day."""
        for text in texts:
            folder, _, name = _bare(text).rpartition("/")
            if folder.endswith("bin") and name in command_table.DAILY:
                self._runs_file(text)

    def _runs_inside(self, arguments: list[Word]) -> None:
        """The program of `kubectl exec pod -- python3 -c "..."` and the like."""
        for number, (text, _) in enumerate(arguments[:-1]):
            name = text.rpartition("/")[2]
            if name in SHELLS | LANGUAGES and _INLINE.fullmatch(arguments[number + 1][0]):
                self._interprets(name, arguments[number + 1 :], NOTHING)
                return

    def _moves(self, name: str, texts: list[str], carried: Labels) -> Labels:
        if name == "tee":
            for text in texts:
                self._stores(_bare(text), carried)
            return carried
        read = carried.union(*map(self._file, texts[:-1]))
        self._stores(_bare(texts[-1]), read - {"file"})
        if name == "ln" and "file" in read:
            self.act("AS710", "A link to a file of credentials is put into the skill's reach")
        return NOTHING


def _bare(name: str) -> str:
    return name.removeprefix("./").strip("\"'")


def program_acts(block: Block) -> Iterator[Act]:
    """What a JavaScript, Ruby, Perl or PHP program does, by its text."""
    text = block.text[:MAX_PROGRAM]
    lines = [
        Command(block.path, block.line + text.count("\n", 0, match.start()), match[2])
        for match in islice(_EXECUTES.finditer(text), MAX_EXECUTED)
    ]
    yield from acts(lines, lambda _source, _path, _line: iter(()))
    for pattern in PROGRAM:
        match = pattern.regex.search(block.text[:MAX_PROGRAM])
        if match:
            yield act_at(block, match.start(), pattern.code, pattern.message)
