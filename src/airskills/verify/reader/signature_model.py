"""Command lines that are made of a function's signature: jsonargparse and fire."""

from __future__ import annotations

import ast
import sys
from typing import Any

from airskills.verify.reader import records
from airskills.verify.reader.flow import Done, Root, Runner
from airskills.verify.reader.options import Draft
from airskills.verify.reader.values import UNKNOWN, Arguments, Class, External, Function, Generic, Value

MAX_NESTING = 4  # of dataclasses inside dataclasses


class Signature:
    """A program that is a function, or several by name."""

    def __init__(self) -> None:
        self.draft = Draft()


def _jsonargparse(machine: Runner, arguments: Arguments) -> Value:
    """`CLI(components)`: a flag for each parameter, dotted flags for dataclasses."""
    made = Signature()
    _component(machine, made.draft, arguments.get(0, "components", UNKNOWN))
    machine.roots.append(Root(machine.word, made, strict=True))
    raise Done


def _component(machine: Runner, draft: Draft, component: Value) -> None:
    draft.add(["--config"], 1)
    draft.add(["--print_config"], "?")
    if isinstance(component, dict):
        for name, child in component.items():
            if isinstance(name, str) and not name.startswith("_"):
                draft.commands[name] = Draft()
                _component(machine, draft.commands[name], child)
        return
    if not isinstance(component, Function):
        draft.open = "its function is not known"
        return
    draft.dotted = True
    spec = component.node.args
    parameters = [*spec.posonlyargs, *spec.args]
    required = len(parameters) - len(spec.defaults)
    for number, parameter in enumerate([*parameters, *spec.kwonlyargs]):
        if number < required:
            draft.add((), 1)
        else:
            _parameter(machine, draft, component, parameter)
    if spec.kwarg is not None:
        draft.open = "it takes any keyword"


def _parameter(machine: Runner, draft: Draft, function: Function, parameter: ast.arg) -> None:
    annotation = (
        records.read_type(machine, parameter.annotation, function.scope) if parameter.annotation else UNKNOWN
    )
    _flag(machine, draft, parameter.arg, records.without_none(records.kind(machine, annotation)), 0)
    if _takes_object(machine, annotation):
        draft.add([f"--{parameter.arg}.help"], "?")


def _takes_object(machine: Runner, annotation: Value) -> bool:
    """Whether an object of some class may be given, whose own parameters `--name.help CLASS` then shows."""
    if isinstance(annotation, Generic):
        parts = annotation.arguments if records.is_union(annotation) else ()
        return any(_takes_object(machine, part) for part in parts)
    if isinstance(annotation, Class):
        return records.kind(machine, annotation) == records.ANY
    module = annotation.name.partition(".")[0] if isinstance(annotation, External) else ""
    return bool(module) and module not in sys.stdlib_module_names


def _flag(machine: Runner, draft: Draft, name: str, kind: records.Kind, depth: int) -> None:
    number = kind.name if kind.name in {"int", "float"} else ""
    choices = tuple(map(str, kind.values)) if kind.name == "literal" else ()
    draft.add([f"--{name}"], 1, number, choices)
    if kind.name == "record" and kind.record is not None and depth < MAX_NESTING:
        for field in records.fields(machine, kind.record):
            inner = records.without_none(records.kind(machine, records.type_of(machine, field)))
            _flag(machine, draft, f"{name}.{field.name}", inner, depth + 1)


def _fire(machine: Runner, arguments: Arguments) -> Value:
    """`Fire(component)`: a flag for each parameter of a function; anything for other components."""
    made = Signature()
    component = arguments.get(0, "component", UNKNOWN)
    made.draft.dashes = True
    if isinstance(component, dict):
        for name, child in component.items():
            made.draft.commands[str(name)] = _fired(child)
    else:
        made.draft = _fired(component)
    machine.roots.append(Root(machine.word, made, strict=True))
    raise Done


def _fired(component: Value) -> Draft:
    draft = Draft(dashes=True)
    if not isinstance(component, Function) or component.node.args.kwarg is not None:
        draft.open = (
            "any attribute is a flag" if isinstance(component, Class) else "its function takes anything"
        )
        return draft
    spec = component.node.args
    for parameter in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs):
        draft.add([f"--{parameter.arg}", f"--no{parameter.arg}"], "?")
    return draft


MODELS: dict[str, Any] = {
    "pydantic.AliasChoices": lambda _machine, arguments: tuple(arguments.positional),
    "jsonargparse.CLI": _jsonargparse,
    "jsonargparse.auto_cli": _jsonargparse,
    "fire.Fire": _fire,
}
