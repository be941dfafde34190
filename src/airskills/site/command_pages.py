"""The reference of the command line, made from the commands themselves."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass

import click

from airskills.site.render import render


@dataclass(frozen=True, slots=True)
class Option:
    """A parameter of a command: how it is written, and its help."""

    names: str
    help: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command as its page shows it."""

    words: str
    usage: str
    summary: str
    text: str
    examples: tuple[str, ...]
    options: tuple[Option, ...]
    children: tuple[Command, ...] = ()


def pages(root: click.Group, name: str) -> dict[str, str]:
    """A page for each command of `root`, and one that lists them."""
    with click.Context(root, info_name=name) as context:
        children = [_read(child, context, word) for word, child in _children(root, context)]
    made = {"index.md": render("commands.md", name=name, commands=children)}
    return made | {f"{child.words.split()[1]}.md": render("command.md", command=child) for child in children}


def _children(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    """The commands of a group; a lab is mounted by the word that calls it."""
    for word in group.list_commands(context):
        _, command, _ = group.resolve_command(context, [word])
        if command is not None and not command.hidden:
            yield word, command


def _read(command: click.Command, parent: click.Context, word: str) -> Command:
    with click.Context(command, info_name=word, parent=parent) as context:
        text, examples = _described(command.help or "")
        usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
        inner = _children(command, context) if isinstance(command, click.Group) else ()
        return Command(
            words=context.command_path,
            usage=usage,
            summary=command.get_short_help_str(limit=200),
            text=text,
            examples=examples,
            options=tuple(Option(*record) for record in _records(command, context)),
            children=tuple(_read(child, context, name) for name, child in inner),
        )


def _records(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield record


def _described(help_: str) -> tuple[str, tuple[str, ...]]:
    """The text of a help, and the lines of its examples."""
    cleaned = inspect.cleandoc(help_).replace("\b\n", "").replace("\f", "")
    text, _, shown = cleaned.partition("\nExamples:\n")
    examples = tuple(line.strip() for line in shown.splitlines() if line.strip())
    return re.sub(r"([<>])", r"\\\1", text.strip()), examples
