"""Runs a program far enough to see the command line it takes, and prints that as JSON. Needs nothing but the program.

    python benchmarks/probe_flags.py trl sft --output_dir o
    python benchmarks/probe_flags.py -m torch.distributed.run

Runs in the environment of the program, not in ours. Words after the name are what the program sees: some show the parser
of a subcommand only when it is named. The program ends when it has its words parsed; parsers that tolerate unknown words
let it go on, and what all of them take is put together.
"""

from __future__ import annotations

import argparse
import json
import runpy
import sys
from importlib.metadata import entry_points, version

PLAIN = {"_StoreTrueAction", "_StoreFalseAction", "_StoreConstAction", "_AppendConstAction", "_CountAction"}
SEEN: list[dict] = []


class Seen(BaseException):
    """The program has its words parsed."""


def row(names: list[str], nargs: object, kind: object, choices: object) -> dict:
    """An option as `airskills.verify.flags` writes it."""
    made: dict = {"names": names} if names else {}
    if nargs != 1:
        made["nargs"] = nargs
    if kind in (int, float):
        made["kind"] = kind.__name__
    if choices:
        made["choices"] = [str(getattr(choice, "value", choice)) for choice in choices]
    return made


def of_argparse(parser: argparse.ArgumentParser) -> dict:
    """Options and subcommands of an argparse parser."""
    options, commands = [], {}
    for action in parser._actions:  # noqa: SLF001 - argparse shows them nowhere else
        subparsers = getattr(action, "_name_parser_map", None)
        if subparsers is not None:
            commands |= {name: of_argparse(sub) for name, sub in subparsers.items()}
            continue
        nargs = 1 if action.nargs is None else "..." if action.nargs == argparse.PARSER else action.nargs
        plain = action.type in (None, str, int, float)
        choices = (
            action.choices
            if plain and action.choices is not None and len(list(action.choices)) < 300
            else None
        )
        names = [name for name, other in parser._option_string_actions.items() if other is action]  # noqa: SLF001
        options.append(row(names, nargs, action.type, choices))
    made = {"options": options}
    if commands:
        made["commands"] = commands
    return made


def of_click(command: object, context: object, depth: int = 0) -> dict:
    """Options and subcommands of a click command."""
    options = [of_parameter(parameter) for parameter in command.get_params(context)]
    made = {"options": options}
    if hasattr(command, "list_commands") and depth < 6:
        children = {name: command.get_command(context, name) for name in command.list_commands(context)}
        make = type(context)
        made["commands"] = {
            name: of_click(child, make(child, info_name=name, parent=context), depth + 1)
            for name, child in children.items()
            if child is not None
        }
    settings = getattr(command, "context_settings", {})
    if settings.get("ignore_unknown_options"):
        made["open"] = "unknown flags are passed on"
    return made


def of_parameter(parameter: object) -> dict:
    """A parameter of click."""
    if parameter.param_type_name == "argument":
        nargs = "*" if parameter.nargs == -1 else 1 if parameter.required else "?"
        return row([], nargs, None, None)
    flag = getattr(parameter, "is_flag", False) or getattr(parameter, "count", False)
    kind = {"integer": int, "float": float}.get(getattr(parameter.type, "name", ""))
    exact = getattr(parameter.type, "case_sensitive", False)
    choices = (
        getattr(parameter.type, "choices", None)
        if exact and type(parameter.type).__name__ == "Choice"
        else None
    )
    nargs = 0 if flag else parameter.nargs if parameter.nargs > 0 else "*"
    return row([*parameter.opts, *parameter.secondary_opts], nargs, kind, choices)


def patch_argparse() -> None:
    """Note every parser that reads words; one that is strict ends the program."""
    known, strict = argparse.ArgumentParser.parse_known_args, argparse.ArgumentParser.parse_args

    def parse_args(self, args=None, namespace=None):  # noqa: ANN001, ANN202
        if args is not None and not list(args):
            return strict(self, args, namespace)
        SEEN.append(of_argparse(self))
        raise Seen

    def parse_known_args(self, args=None, namespace=None):  # noqa: ANN001, ANN202
        SEEN.append(of_argparse(self))
        return known(self, args, namespace)

    argparse.ArgumentParser.parse_args = parse_args
    argparse.ArgumentParser.parse_known_args = parse_known_args


def patch_others() -> None:
    """click, typer and jsonargparse, where they are installed."""
    try:
        import jsonargparse

        def parse(self, *_args, **_named):  # noqa: ANN001, ANN002, ANN003, ANN202
            SEEN.append(of_argparse(self))
            raise Seen

        jsonargparse.ArgumentParser.parse_args = parse
    except ImportError:
        pass
    try:
        import click

        def main(self, *_args, **_named):  # noqa: ANN001, ANN002, ANN003, ANN202
            SEEN.append(of_click(self, click.Context(self, info_name="program")))
            raise Seen

        base = click.Command.__mro__[-2]  # `BaseCommand` before click 8.2
        base.main = base.__call__ = main
    except ImportError:
        pass
    try:
        import typer
        from typer.main import get_command

        def call(self, *_args, **_named):  # noqa: ANN001, ANN002, ANN003, ANN202
            command = get_command(self)
            context = command.make_context("program", [], resilient_parsing=True)
            SEEN.append(of_click(command, context))
            raise Seen

        typer.Typer.__call__ = call
    except ImportError:
        pass


def merge(one: dict, other: dict) -> dict:
    """What either takes."""
    known = {name for option in one["options"] for name in option.get("names", ())}
    added = [o for o in other["options"] if o.get("names") and not known & set(o["names"])]
    commands = dict(one.get("commands", {}))
    for name, child in other.get("commands", {}).items():
        commands[name] = merge(commands[name], child) if name in commands else child
    made = {**one, "options": one["options"] + (added if one["options"] else other["options"])}
    return {**made, "commands": commands} if commands else made


def main() -> None:
    """Run the program that the command line names."""
    as_module = sys.argv[1] == "-m"
    name, words = (sys.argv[2], sys.argv[3:]) if as_module else (sys.argv[1], sys.argv[2:])
    sys.argv = [name, *words]
    patch_argparse()
    patch_others()
    entry = None if as_module else next(iter(entry_points(group="console_scripts", name=name)), None)
    if entry is None and not as_module:
        sys.exit(f"no console script is called {name}")
    problem = ""
    try:
        if as_module:
            runpy.run_module(name, run_name="__main__", alter_sys=False)
        else:
            entry.load()()
    except (Seen, SystemExit):
        pass
    except Exception as error:  # noqa: BLE001 - the program's own, after it parsed
        problem = repr(error)
    if not SEEN:
        sys.exit(f"{name} parsed nothing: {problem}")
    found = SEEN[0]
    for other in SEEN[1:]:
        found = merge(found, other)
    release = version(entry.dist.name) if entry is not None and entry.dist is not None else ""
    print(
        "\x1e"
        + json.dumps({"name": name, "version": release, "words": words, "problem": problem, "command": found})
    )


if __name__ == "__main__":
    main()
