"""The command line of a console script, read from its entry point without importing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from airskills.verify.flags import Command, Option, union
from airskills.verify.reader import argparse_model, click_model, signature_model
from airskills.verify.reader.flow import Exhausted, Flow, Root
from airskills.verify.reader.machine import Machine
from airskills.verify.reader.source import Sources, parse
from airskills.verify.reader.values import Arguments, Value

MODELS = argparse_model.MODELS | click_model.MODELS | signature_model.MODELS


TOO_LARGE = "the program is too large to be read"


def of_entry_point(sources: Sources, reference: str) -> Command:
    """The command line of `package.module:function`."""
    module, _, path = reference.partition(":")

    def start(machine: Machine) -> None:
        value: Value = machine.module(module.strip())
        for name in path.strip().split("."):
            value = machine.attribute(value, name)
        machine.call(value, Arguments())

    return program(sources, start)


def of_module(sources: Sources, module: str) -> Command:
    """The command line of `python -m module`."""

    def start(machine: Machine) -> None:
        tree = sources.tree(f"{module}.__main__" if sources.is_package(module) else module)
        if tree is not None:
            machine.run_main(tree, module if sources.is_package(module) else module.rpartition(".")[0])

    return program(sources, start)


def of_script(sources: Sources, text: str) -> Command:
    """The command line of a script whose text is at hand."""
    tree = parse(text)
    if tree is None:
        return Command(open="the script does not parse")
    return program(sources, lambda machine: machine.run_main(tree))


def program(sources: Sources, start: Callable[[Machine], object]) -> Command:
    """Run a machine and put together the parsers that it saw read the command line."""
    machine = Machine(sources, MODELS)
    reason = ""
    try:
        start(machine)
    except Flow:
        pass
    except (Exhausted, RecursionError):
        reason = TOO_LARGE
    return assemble(machine, reason)


def assemble(machine: Machine, reason: str = "") -> Command:
    """One command of all roots: those for any word at the top, the others below the words that lead to them."""
    top = [root for root in machine.roots if not root.words]
    made = _together(top) if top else Command(open="no parser was found", open_commands="")
    if machine.words and not top:
        made = replace(made, open="")
    words = machine.words | {word for root in machine.roots for word in root.words}
    for word in sorted(word for word in words if not word.startswith("-")):
        own = [root for root in machine.roots if word in root.words]
        below = _together(own) if own else Command(open="it has no parser of its own")
        below = _with_flags(below, machine, word)
        commands = dict(made.commands)
        commands[word] = (
            union(below, commands[word]) if word in commands and own else commands.get(word, below)
        )
        made = replace(made, commands=commands)
    made = _with_flags(made, machine, "")
    default = machine.default if machine.default in made.commands else ""
    return replace(
        made, open=reason or made.open, open_commands=reason or made.open_commands, default=default
    )


def _together(roots: list[Root]) -> Command:
    """What any of the parsers takes; closed where one of them refuses what it does not know."""
    made: Command | None = None
    for root in [root for root in roots if not root.weak] or roots:
        frozen = root.parser.draft.freeze()
        if not root.strict:
            frozen = _opened(frozen)
        made = frozen if made is None else union(made, frozen)
    return made or Command()


def _opened(command: Command) -> Command:
    """The same where what is unknown is passed on, to whom is not seen."""
    commands = {name: _opened(child) for name, child in command.commands.items()}
    return replace(command, commands=commands, open=command.open or "unknown flags are passed on")


def _with_flags(command: Command, machine: Machine, word: str) -> Command:
    """With the options that the program looks for by hand."""
    known = command.flags()
    found = sorted(flag for place, flag in machine.flags if place == word and flag not in known)
    options = command.options + tuple(Option((flag,), None) for flag in found)
    return replace(command, options=options)
