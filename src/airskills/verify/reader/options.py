"""A parser while it is being built, in the shape that `verify.flags` freezes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from airskills.verify.flags import HELP, NARGS, Command, Option
from airskills.verify.reader.classes import items
from airskills.verify.reader.flow import Runner
from airskills.verify.reader.values import Class, External, Member, Value, is_literal


@dataclass(eq=False)
class Draft:
    """Options and subcommands so far, and why there may be more; other words for subcommands by what they stand for."""

    options: list[Option] = field(default_factory=list)
    commands: dict[str, Draft] = field(default_factory=dict)
    open: str = ""
    open_commands: str = ""
    dashes: bool = False
    dotted: bool = False
    aliases: dict[str, str] = field(default_factory=dict)

    def add(self, names: Iterable[str], nargs: NARGS, kind: str = "", choices: Iterable[str] = ()) -> None:
        """Add an option, or a positional when `names` is empty."""
        self.options.append(Option(tuple(dict.fromkeys(names)), nargs, kind, tuple(choices)))

    def freeze(self, depth: int = 0) -> Command:
        """The command as it is now."""
        below = self.commands.items() if depth < 9 else ()
        commands = {name: draft.freeze(depth + 1) for name, draft in below}
        for alias, name in self.aliases.items():
            if name in commands:
                commands.setdefault(alias, commands[name])
        return Command(
            (HELP, *self.options), commands, self.open, self.open_commands, self.dashes, dotted=self.dotted
        )


def kind_of(value: Value) -> str:
    """`int` or `float` where a value's type is one of them."""
    return (
        value.name.rpartition(".")[2]
        if value in {External("builtins.int"), External("builtins.float")}
        else ""
    )


def texts(machine: Runner, value: Value) -> tuple[str, ...]:
    """Choices as they are typed; none where one of them is not known."""
    found = (
        items(machine, value)
        if isinstance(value, list | tuple | set | frozenset | dict | range | Class)
        else None
    )
    plain = [item.value if isinstance(item, Member) else item for item in found or []]
    return tuple(map(str, plain)) if all(is_literal(item) for item in plain) else ()
