"""What an environment says of names and calls: run inside it by a keeper, so that only the standard library is at hand.

It imports packages, and calls nothing of theirs but what imports, attributes and signatures call by themselves.
"""

from __future__ import annotations

import importlib
import inspect
import warnings
from importlib.metadata import entry_points
from typing import Any

MISSING = object()


def probe(_target: Any, asked: list[list[str]]) -> list[list[str]]:
    """For each (target, shape) what is found: (`confirmed`, ""), (`refuted`, why) or (`open`, why)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [_probe(target, shape) for target, shape in asked]


def _probe(target: str, shape: str) -> list[str]:
    try:
        return _flag(target[2:].split(" ")) if target.startswith("$ ") else _name(target, shape)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an import can raise anything, and proves nothing then
        return ["open", f"{type(error).__name__}: {error}"[:300]]


def _name(target: str, shape: str) -> list[str]:
    module, _, path = target.partition(":")
    owner: Any = None
    value: Any = importlib.import_module(module)
    names = path.split(".") if path else []
    for number, name in enumerate(names, 1):
        owner, value = value, getattr(value, name, MISSING)
        if value is MISSING:
            value = _submodule(owner, name)
        if value is MISSING:
            # An object may have what its class has not, and a class may be there for type checkers only.
            sure = inspect.ismodule(owner) and number == len(names)
            return ["refuted" if sure else "open", f"`{getattr(owner, '__name__', owner)}` has no `{name}`"]
    return _call(owner, value, path, shape) if shape else ["confirmed", ""]


def _submodule(owner: Any, name: str) -> Any:
    if not hasattr(owner, "__path__"):
        return MISSING
    try:
        return importlib.import_module(f"{owner.__name__}.{name}")
    except ModuleNotFoundError:
        return MISSING


def _call(owner: Any, value: Any, path: str, shape: str) -> list[str]:
    """Whether the signature takes the call."""
    if not callable(value):
        return ["open", "it cannot be called on its class"]
    try:
        signature = inspect.signature(value)
    except (ValueError, TypeError) as error:
        return ["open", f"it shows no signature: {error}"]
    number, *words = shape.split(" ")
    stars, names = {"*", "**"} & set(words), [word for word in words if word not in {"*", "**"}]
    static = inspect.getattr_static(owner, path.rpartition(".")[2], None) if inspect.isclass(owner) else None
    unbound = inspect.isfunction(static) or inspect.ismethoddescriptor(static)
    bound = isinstance(static, (staticmethod, classmethod))
    first = next(iter(signature.parameters), "")
    compiled = inspect.isclass(value) and first in {
        "self",
        "$self",
    }  # as extensions in Rust show their classes
    given = int(number) + (1 if (unbound and not bound) or compiled else 0)
    if any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
        loose = [name for name in names if name not in signature.parameters]
        if loose:
            return ["open", f"`{loose[0]}` goes into **kwargs"]
    bind = signature.bind_partial if stars else signature.bind
    try:
        bind(*[None] * given, **dict.fromkeys(names))
    except TypeError as error:
        return ["refuted", str(error)]
    return ["confirmed", ""]


def _flag(words: list[str]) -> list[str]:
    """Whether a program of click (or typer) has a flag or a subcommand."""
    program, *rest = words
    found = next(iter(entry_points(group="console_scripts", name=program)), None)
    if found is None:
        return ["open", f"{program} is no console script"]
    command: Any = found.load()
    if type(command).__name__ == "Typer":
        command = importlib.import_module("typer.main").get_command(command)
    if not hasattr(command, "params"):
        return ["open", f"{program} is no click command"]
    for word in rest[:-1]:
        command = getattr(command, "commands", {}).get(word)
        if command is None:
            return ["open", f"{word} is no subcommand"]
    last = rest[-1]
    if not last.startswith("-"):
        return (
            ["confirmed", ""]
            if last in {*getattr(command, "commands", {}), command.name}
            else ["open", "a value"]
        )
    flags = {flag for param in command.params for flag in (*param.opts, *param.secondary_opts)} | {"--help"}
    if last in flags:
        return ["confirmed", ""]
    loose = command.ignore_unknown_options or command.context_settings.get("ignore_unknown_options")
    return (
        ["open", "it passes unknown flags on"]
        if loose
        else ["refuted", f"{' '.join(words[:-1])} has no flag {last}"]
    )
