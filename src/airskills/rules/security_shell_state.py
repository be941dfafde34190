"""What the variables and files of a script of shell carry, as its lines say one after the other."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from airskills.rules import security_commands as command_table
from airskills.rules.security_commands import ASSIGN, NOTHING, Labels, Word
from airskills.rules.security_shell_words import numbers

_NAME = re.compile(r"\$\{?([A-Za-z_]\w*)(?::[^}]{0,40})?\}?")
_HOMELY = re.compile(r"\$(?:HOME\b|\{HOME\})[^$]*$")
MAX_FOLDERS = 30  # folders of one path that are remembered


@dataclass
class State:
    """Variables and files of one script so far.

    Attributes:
        texts: what variables say, where it is known.
        variables: what they carry; those that carry nothing are not there.
        files: what files carry that the script has written.
        folders: into which a secret was put.
    """

    texts: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Labels] = field(default_factory=dict)
    files: dict[str, Labels] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)

    def word(self, word: str, inside: list[Labels]) -> Word:
        """Text of a word with the variables that are known, and what it carries."""
        labels = NOTHING.union(*(inside[number] for number in numbers(word) if number < len(inside)))
        if "$" not in word:
            return word, labels
        for match in _NAME.finditer(word):
            labels |= self.variables.get(match[1], NOTHING)
        return self.written_out(word), labels

    def written_out(self, text: str) -> str:
        """A text with the variables that are known; at most 4,000 characters of it."""
        return _NAME.sub(lambda match: self.texts.get(match[1], match[0]), text)[:4000]

    def loops(self, words: list[Word]) -> bool:
        """Learn `for A in B`; whether the command is one."""
        if len(words) < 4 or (words[0][0], words[2][0]) != ("for", "in"):
            return False
        listed = [labels | command_table.source(text) for text, labels in words[3:]]
        self._carries(words[1][0], NOTHING.union(*listed))
        self._knows(words[1][0], words[3][0])
        return True

    def assigns(self, words: list[Word]) -> bool:
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

    def stores(self, name: str, labels: Labels) -> None:
        """Learn what a file carries, and the folders that a secret is put into."""
        self.files[name] = labels
        if "secret" in labels:
            parts = name.split("/")[:MAX_FOLDERS]
            self.folders |= {"/".join(parts[:depth]) for depth in range(1, len(parts))}

    def file(self, name: str) -> Labels:
        """What a file carries: what was written into it, and the secrets that its path is known for."""
        return self.files.get(bare(name), NOTHING) | command_table.source(name)

    def unpacks(self, texts: list[str]) -> None:
        """What comes out of a downloaded archive, by the usual name of its folder, is a download too."""
        for text in texts:
            if "net" in self.files.get(bare(text), NOTHING):
                folder = re.sub(r"\.(?:tar(?:\.\w+)?|tgz|zip|7z)$", "", bare(text))
                self.stores(folder, frozenset({"net"}))

    def packs(self, name: str, texts: list[str]) -> None:
        """An archive of secrets is one."""
        target = command_table.packed(name, texts)
        if target and any(self._holds_secrets(text) or command_table.personal(text) for text in texts):
            self.stores(bare(target), command_table.SECRET)

    def _holds_secrets(self, name: str) -> bool:
        """Whether this is a file with secrets, or a folder that one was put into."""
        return bare(name).rstrip("/") in self.folders or bool(self.file(name))


def bare(name: str) -> str:
    """A path without its quotes and `./`."""
    return name.removeprefix("./").strip("\"'")
