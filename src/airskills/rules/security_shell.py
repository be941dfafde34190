"""What a script of shell does: secrets, downloads and decoded text are followed from where they arise to where they go.

Pipelines are followed command by command, variables and files through the lines of one block.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from airskills.rules import security_commands as command_table
from airskills.rules.security_acts import Act, act_at
from airskills.rules.security_commands import (
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
from airskills.rules.security_shell_state import State, bare
from airskills.rules.security_shell_words import MARK, Simple, parse
from airskills.rules.security_sources import foreign, installs

MAX_PROGRAM = 1 << 20  # characters of one program that are judged
MAX_INNER = 2_000  # texts inside texts (`bash -c "..."`) that one block may hold
_ARITHMETIC = re.compile(r"(?<!\$)\(\(")
_INSTRUCTS = re.compile(r"(?:^|/)(?:SKILL|CLAUDE|AGENTS|GEMINI|MEMORY|SOUL)\.md$")
MAX_EXECUTED = 100  # command lines of one program that are judged
_EXECUTES = re.compile(
    r"\b(?:exec|execSync|system|shell_exec|passthru|popen|spawnSync?)\(\s*([\"'`])([^\"'`\n]{3,400})\1"
)
_INLINE = re.compile(r"-\w*[cer]|--eval|--command|-Command|-EncodedCommand|-enc")
_EXECUTED = {
    "decoded": ("AS705", "An encoded payload is decoded and executed"),
    "net": ("AS706", "A download is executed unread"),
}


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
    state: State = field(default_factory=State)
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
        if self.state.texts and not words.isdisjoint(DESTROYERS):
            self._destroys(text)
        message = foreign(text) if installs(text) else ""
        if message:
            self.act("AS707", message)
        carries = self.state.files or self.state.variables
        if not FLOWS.isdisjoint(words) or "./" in text or "=" in text or carries or "for" in words:
            self.run(text)
        yield from dict.fromkeys(self.found)

    def act(self, code: str, message: str) -> None:
        self.found.append(Act(code, *self.where, message))

    def _destroys(self, text: str) -> None:
        """What a line destroys once its variables are known."""
        known = self.state.written_out(text)
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
        words = [self.state.word(word, inside) for word in command.words]
        for sign, target in command.redirects:
            if sign.startswith("<"):
                text, labels = self.state.word(target, inside)
                stdin |= labels | self.state.file(text)
        if (
            words
            and not command.words[0].startswith(MARK)
            and (self.state.loops(words) or self.state.assigns(words))
        ):
            return NOTHING
        if "xargs" in command.words:  # what it reads becomes arguments
            words = [(text, labels | stdin) for text, labels in words]
        words, composed = command_table.unwrapped(words, command.words)
        written = self._dispatch(words, stdin, composed=composed, first=first) if words else stdin
        return self._redirected(command, written, inside)

    def _redirected(self, command: Simple, written: Labels, inside: list[Labels]) -> Labels:
        for sign, target in command.redirects:
            if sign.lstrip("1").startswith(">") and not target.isdigit():
                name = bare(self.state.word(target, inside)[0])
                self.state.stores(name, self.state.files.get(name, NOTHING) | written)
                written = NOTHING
        return written

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
        path = bare(name)
        labels = self.state.files.get(path, NOTHING) | (
            self.state.files.get(path.partition("/")[0], NOTHING) if "/" in path else NOTHING
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
        target = bare(command_table.output(name, texts, urls))
        if target in {"", "-", "/dev/stdout"}:
            return labels
        if "net" in labels and _INSTRUCTS.search(target):
            self.act("AS713", "A download takes the place of instructions of agents")
        self.state.stores(target, labels)
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
                carried |= self.state.file(re.split("@|=<", text)[-1].strip("\"'").partition(";")[0])
            if kind != "address" and bare and (carried or names_file or text == "-"):
                self.act("AS708", "Files or output are sent to a machine without a name")
            if "secret" in carried or command_table.own_secret(kind, text):
                self.act("AS708", "A secret is sent to another machine")

    def _other(self, name: str, arguments: list[Word], stdin: Labels, *, first: bool) -> Labels:
        """Any other command: what it gives away, and what it passes on."""
        texts = [text for text, _ in arguments]
        carried = stdin.union(*(labels for _, labels in arguments))
        files = NOTHING.union(*map(self.state.file, command_table.sent_files(texts)))
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
            self.state.stores(bare(texts[-1]), command_table.SECRET)
        elif name in command_table.ARCHIVERS:
            self.state.unpacks(texts)
            self.state.packs(name, texts)
        elif name == "chmod":
            self._takes_place(texts)
        elif name in {"cp", "mv", "install", "ln", "tee"} and texts:
            return self._moves(name, texts, carried)
        self._runs_inside(arguments)
        read = NOTHING.union(*map(self.state.file, command_table.read_files(name, texts, first=first)))
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

    def _takes_place(self, texts: list[str]) -> None:
        """A download that becomes executable under the name of a command of every day."""
        for text in texts:
            folder, _, name = bare(text).rpartition("/")
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
                self.state.stores(bare(text), carried)
            return carried
        read = carried.union(*map(self.state.file, texts[:-1]))
        self.state.stores(bare(texts[-1]), read - {"file"})
        if name == "ln" and "file" in read:
            self.act("AS710", "A link to a file of credentials is put into the skill's reach")
        return NOTHING


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
