"""What a program takes on its command line: data, and its JSON form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

NARGS = int | str | None


@dataclass(frozen=True)
class Option:
    """A flag, or a positional argument when it has no names.

    Attributes:
        names: as they are written, such as `--seed` and `-s`.
        nargs: how many values follow: a number, `?`, `*`, `+`, `...` (all the rest) or None for not known.
        kind: `int`, `float` or "" for any text.
        choices: what a value may be; empty for anything.
    """

    names: tuple[str, ...] = ()
    nargs: NARGS = 1
    kind: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Command:
    """A program or one of its subcommands.

    Attributes:
        options: flags and positionals, in the order of definition.
        commands: subcommands by name.
        open: why it may take more flags than these; "" when these are all.
        open_commands: the same for subcommands.
        dashes: `-` and `_` in long flags mean the same.
        default: the subcommand that stands for a missing one.
        dotted: `--flag.key` sets a part of `--flag`.
    """

    options: tuple[Option, ...] = ()
    commands: Mapping[str, Command] = field(default_factory=dict)
    open: str = ""
    open_commands: str = ""
    dashes: bool = False
    default: str = ""
    dotted: bool = False

    def flags(self) -> frozenset[str]:
        """Names of all its own flags."""
        return frozenset(name for option in self.options for name in option.names)

    def positionals(self) -> tuple[Option, ...]:
        """Arguments without a name."""
        return tuple(option for option in self.options if not option.names)

    def find(self, flag: str) -> Option | None:
        """The option that a flag names."""
        wanted = self.plain(flag)
        return next(
            (option for option in self.options if any(self.plain(name) == wanted for name in option.names)),
            None,
        )

    def plain(self, flag: str) -> str:
        """A flag as it is compared."""
        if self.dashes and flag.startswith("--"):
            head, dot, tail = flag.partition(".") if self.dotted else (flag, "", "")
            return f"--{head[2:].replace('_', '-')}{dot}{tail}"
        return flag

    def walk(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Command]]:
        """(path, command) of this command and everything below it."""
        yield path, self
        for name, command in self.commands.items():
            yield from command.walk((*path, name))


HELP = Option(("--help", "-h"), 0)


def union(one: Command, other: Command) -> Command:
    """A command that takes what either takes; closed when one of them says that it knows everything."""
    known = one.flags()
    added = tuple(option for option in other.options if option.names and not known & set(option.names))
    commands = dict(one.commands)
    for name, command in other.commands.items():
        commands[name] = union(commands[name], command) if name in commands else command
    return Command(
        one.options + (added if one.options else other.options),
        commands,
        one.open and other.open,
        one.open_commands and other.open_commands,
        one.dashes or other.dashes,
        one.default or other.default,
        one.dotted or other.dotted,
    )


def to_json(command: Command) -> dict[str, Any]:
    """A command as JSON holds it; what has its default is left out."""
    made: dict[str, Any] = {"options": [_option_to_json(option) for option in command.options]}
    for name in ("open", "open_commands", "dashes", "default", "dotted"):
        if getattr(command, name):
            made[name] = getattr(command, name)
    if command.commands:
        made["commands"] = {name: to_json(child) for name, child in command.commands.items()}
    return made


def _option_to_json(option: Option) -> dict[str, Any]:
    made: dict[str, Any] = {"names": list(option.names)} if option.names else {}
    if option.nargs != 1:
        made["nargs"] = option.nargs
    if option.kind:
        made["kind"] = option.kind
    if option.choices:
        made["choices"] = list(option.choices)
    return made


def from_json(data: Mapping[str, Any]) -> Command:
    """The command that `to_json` wrote."""
    options = tuple(
        Option(
            tuple(row.get("names", ())),
            row.get("nargs", 1),
            row.get("kind", ""),
            tuple(row.get("choices", ())),
        )
        for row in data["options"]
    )
    return Command(
        options,
        {name: from_json(child) for name, child in data.get("commands", {}).items()},
        data.get("open", ""),
        data.get("open_commands", ""),
        data.get("dashes", False),
        data.get("default", ""),
        data.get("dotted", False),
    )


def all_flags(command: Command) -> frozenset[str]:
    """Flags of a command and everything below it, with the path they stand under."""
    return frozenset(
        f"{' '.join((*path, flag))}"
        for path, child in command.walk()
        for flag in child.flags() - set(HELP.names)
    )


def negated(names: Iterable[str]) -> tuple[str, ...]:
    """`--no-x` for each `--x`."""
    return tuple(re.sub(r"^--", "--no-", name) for name in names if name.startswith("--"))
