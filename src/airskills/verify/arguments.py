"""Words of a command line against what the program takes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace

from airskills.verify.flags import Command, Option
from airskills.verify.ledger import State
from airskills.verify.shell import Word

_NUMBER = re.compile(r"-\d*\.?\d+(?:[eE][-+]?\d+)?$")
_SYNOPSIS = re.compile(r"^\[|^\.\.\.$|^…$|^\{.*,")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of one word.

    Attributes:
        state: `proven`, `dead` or `unproven`.
        word: the word.
        message: what is used where it is proven, else what is wrong or why it is not known.
        help: what to write instead.
        program: with the subcommands that the word stands under.
    """

    state: State
    word: Word
    message: str
    help: str = ""
    program: str = ""


@dataclass(frozen=True, slots=True)
class Rest:
    """Words that belong to another program: a script or, with `module`, a module."""

    words: tuple[Word, ...]
    module: bool


def judge(program: str, command: Command, words: Sequence[Word]) -> Iterator[Verdict | Rest]:
    """Go through the words of a program; what comes behind a launcher's script is given back as `Rest`."""
    walk = _Walk(program, command, tuple(words))
    for said in walk.run():
        yield replace(said, program=walk.program) if isinstance(said, Verdict) else said


class _Walk:
    """A walk over words with the command that they stand under."""

    def __init__(self, program: str, command: Command, words: tuple[Word, ...]) -> None:
        self.program, self.command, self.words = program, command, words
        self.at = 0
        self.positionals = list(command.positionals())
        self.module = False
        self.above: list[Command] = []

    def run(self) -> Iterator[Verdict | Rest]:
        while self.at < len(self.words):
            word = self.words[self.at]
            if _SYNOPSIS.search(word.text) and not word.quoted:
                yield Verdict("unproven", word, "a synopsis, no command line")
                return
            self.at += 1
            if word.text == "--" and not word.quoted:
                if self._launches():
                    yield Rest(self.words[self.at :], self.module)
                return
            if word.text.startswith("-") and len(word.text) > 1 and not _NUMBER.match(word.text):
                yield from self._flag(word)
            elif (self.command.commands or self.command.open_commands) and not self.positionals:
                stop = yield from self._subcommand(word)
                if stop:
                    return
            elif self._positional():
                yield Rest(self.words[self.at - 1 :], self.module)
                return

    # --- positionals and subcommands

    def _launches(self) -> bool:
        return any(option.nargs in {"...", "*"} for option in self.positionals)

    def _positional(self) -> bool:
        """Take a word; returns whether it and all that follow are another program's."""
        if not self.positionals:
            return False
        option = self.positionals[0]
        if option.nargs == "...":
            return True
        if option.nargs in {"*", "+"}:
            return False
        self.positionals.pop(0)
        return bool(self.positionals) and self.positionals[0].nargs == "..."

    def _subcommand(self, word: Word) -> Generator[Verdict, None, bool]:
        """Go down to a subcommand; returns True where nothing more can be said."""
        command = self.command
        name, taken = word.text, 0
        while name not in command.commands and taken < 2 and self.at + taken < len(self.words):
            name, taken = f"{name} {self.words[self.at + taken].text}", taken + 1
        if name in command.commands:
            self.at += taken
            self._enter(name)
            yield Verdict("proven", word, self.program)
            return False
        if word.opaque:
            yield Verdict("unproven", word, f"which subcommand of {self.program} this is shows when it runs")
        elif command.open_commands:
            yield Verdict(
                "unproven", word, f"{self.program} may have more subcommands: {command.open_commands}"
            )
        elif command.default:
            self._enter(command.default)
            return False
        else:
            near = difflib.get_close_matches(word.text, command.commands, n=1)
            hint = f"Write {near[0]}" if near else f"Choose from {', '.join(sorted(command.commands)[:12])}"
            yield Verdict("dead", word, f"{self.program} has no subcommand {word.text[:60]!r}", hint)
        return True

    def _enter(self, name: str) -> None:
        self.above.append(self.command)
        self.command = self.command.commands[name]
        self.program = f"{self.program} {name}"
        self.positionals = list(self.command.positionals())

    # --- flags

    def _flag(self, word: Word) -> Iterator[Verdict | Rest]:
        name, equals, value = word.text.partition("=")
        if "$" in name or "`" in name or "<" in name:
            yield Verdict("unproven", word, "which flag this is shows when it runs")
            return
        option = self.command.find(name)
        if option is None and not name.startswith("--"):
            yield from self._short(word, name, equals, value)
            return
        if option is None and self.command.default and not self.above:
            self._enter(self.command.default)
            option = self.command.find(name)
        if option is None:
            yield self._unknown(word, name)
            return
        yield from self._known(
            word, name, option, Word(value, word.line, word.column, word.opaque) if equals else None
        )

    def _known(
        self, word: Word, name: str, option: Option, attached: Word | None
    ) -> Iterator[Verdict | Rest]:
        self.module |= name in {"-m", "--module"} and option.nargs == 0
        problem = self._values(name, option, attached)
        yield problem or Verdict("proven", word, f"{self.program} {name}")

    def _short(self, word: Word, name: str, equals: str, value: str) -> Iterator[Verdict | Rest]:
        """`-xVALUE`, `-xyz`, and `-x=VALUE`."""
        head = self.command.find(name[:2])
        if head is None:
            yield self._unknown(word, name)
        elif head.nargs == 0 and len(name) > 2:
            others = [self.command.find(f"-{letter}") for letter in name[2:]]
            yield (
                self._unknown(word, name)
                if None in others
                else Verdict("proven", word, f"{self.program} {name}")
            )
        else:
            text = f"{name[2:]}{equals}{value}"
            yield from self._known(
                word, name[:2], head, Word(text, word.line, word.column, word.opaque) if text else None
            )

    def _unknown(self, word: Word, name: str) -> Verdict:
        command = self.command
        head = name.partition(".")[0]
        known = sorted(command.flags())
        if (
            command.dotted
            and head != name
            and command.find(head)
            and not any(k.startswith(f"{head}.") for k in known)
        ):
            return Verdict("unproven", word, f"{name} sets a part of {head}, which is not looked into")
        why = command.open or command.open_commands
        if why:
            return Verdict("unproven", word, f"{self.program} may take more flags: {why}")
        longer = (
            [flag for flag in known if flag.startswith(name)]
            if name.startswith("--") and len(name) > 3
            else []
        )
        if len(longer) == 1:
            message = f"{self.program} has no flag {name[:80]}; it is an abbreviation, which ends with the next flag like it"
            return Verdict("dead", word, message, f"Write {longer[0]}")
        other = next((c for c in self.above if c.find(name)), None)
        if other is not None:
            return Verdict(
                "dead",
                word,
                f"{self.program} has no flag {name}; it belongs before the subcommand",
                f"Move {name}",
            )
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
        return Verdict(
            "dead",
            word,
            f"{self.program} has no flag {name[:80]}",
            f"Did you mean {near[0]}?" if near else "",
        )

    # --- values

    def _values(self, name: str, option: Option, attached: Word | None) -> Verdict | None:
        """Take the values of a flag; what is wrong with one of them, or None."""
        if attached is not None and option.nargs == 0:
            return Verdict("dead", attached, f"{self.program}: {name} takes no value", f"Write {name} alone")
        if attached is not None:
            return self._value(name, option, attached)
        if option.nargs == "...":
            self.at = len(self.words)
        least, most = _counts(option)
        for taken in range(most):
            following = self.words[self.at] if self.at < len(self.words) else None
            if following is None or self._is_flag(following):
                missing = f"{self.program}: {name} needs a value"
                return (
                    Verdict("dead", self.words[self.at - 1], missing, f"Write {name} VALUE")
                    if taken < least
                    else None
                )
            problem = self._value(name, option, following)
            if problem is not None:
                self.at += option.nargs != "?"  # where a value may be missing, this is the next argument
                return problem if option.nargs != "?" else None
            self.at += 1
        return None

    def _is_flag(self, word: Word) -> bool:
        """Whether a word is a flag rather than a value."""
        text = word.text
        if not text.startswith("-") or text == "-" or _NUMBER.match(text) or " " in text:
            return False
        return text == "--" or text.startswith("--") or self.command.find(text.partition("=")[0]) is not None

    def _value(self, name: str, option: Option, word: Word) -> Verdict | None:
        if word.opaque or _SYNOPSIS.search(word.text):
            return None
        if option.choices and word.text not in option.choices:
            near = difflib.get_close_matches(word.text, option.choices, n=1)
            listed = ", ".join(option.choices[:12])
            hint = f"Write {near[0]}" if near else f"Choose from {listed}"
            return Verdict("dead", word, f"{self.program}: {name} does not take {word.text[:60]!r}", hint)
        if option.kind and not _is_number(word.text, option.kind):
            kind = {"int": "a whole number", "float": "a number"}[option.kind]
            return Verdict("dead", word, f"{self.program}: {name} takes {kind}, not {word.text[:60]!r}")
        return None


def _counts(option: Option) -> tuple[int, int]:
    """The least and the most values that follow a flag."""
    if isinstance(option.nargs, int):
        return option.nargs, option.nargs
    return {"?": (0, 1), "*": (0, 10_000), "+": (1, 10_000)}.get(option.nargs or "", (0, 1))


def _is_number(text: str, kind: str) -> bool:
    try:
        (int if kind == "int" else float)(text)
    except ValueError:
        return text.lower() in {"none", "null"}
    return True
