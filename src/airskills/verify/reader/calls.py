"""Attributes and calls: functions and classes that are read run, what is modelled answers, all else is unknown."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from airskills.verify.reader import library, records
from airskills.verify.reader.classes import find, hashable, is_enum, members, mro
from airskills.verify.reader.flow import Raised, Return, Runner
from airskills.verify.reader.values import (
    UNKNOWN,
    Arguments,
    Argv,
    Bound,
    Choice,
    Class,
    External,
    Function,
    Generic,
    Instance,
    Member,
    Module,
    Native,
    Scope,
    Super,
    Unknown,
    Value,
)

# --- attributes


def attribute(machine: Runner, value: Value, name: str) -> Value:
    """`value.name`, unknown where it is not known."""
    look = _ATTRIBUTES.get(type(value))
    if look is not None:
        return look(machine, value, name)
    if hasattr(value, "attribute"):
        return value.attribute(machine, name)
    return library.method(machine, value, name)


def _of_module(machine: Runner, module: Module, name: str) -> Value:
    return machine.in_module(module, name)


def _of_external(_machine: Runner, value: External, name: str) -> Value:
    full = f"{value.name}.{name}"
    return Argv() if full == "sys.argv" else External(full)


def _of_member(_machine: Runner, member: Member, name: str) -> Value:
    return {"value": member.value, "_value_": member.value, "name": member.name}.get(name, UNKNOWN)


def _of_choice(machine: Runner, choice: Choice, name: str) -> Value:
    return Choice({word: attribute(machine, item, name) for word, item in choice.options.items()})


def _of_generic(_machine: Runner, value: Generic, name: str) -> Value:
    return {"__args__": value.arguments, "__origin__": value.origin}.get(name, UNKNOWN)


def set_attribute(value: Value, name: str, new: Value) -> None:
    """`value.name = new`, where that is remembered."""
    if isinstance(value, Instance | Module):
        value.names[name] = new
    elif isinstance(value, Function | Class):
        value.notes[name] = new


def _of_function(_machine: Runner, function: Function, name: str) -> Value:
    if name in {"__name__", "__qualname__"}:
        return function.name
    if name == "__module__":
        return function.scope.module.name
    if name == "__doc__" and not isinstance(function.node, ast.Lambda):
        return ast.get_docstring(function.node)
    return function if name == "__wrapped__" else function.notes.get(name, UNKNOWN)


def _bind(machine: Runner, found: Value, cls: Class, instance: Instance | None) -> Value:
    if not isinstance(found, Function):
        return found
    if found.binding == "staticmethod":
        return found
    if found.binding == "classmethod":
        return Bound(found, cls)
    if instance is None:
        return found
    return (
        machine.call(Bound(found, instance), Arguments())
        if found.binding == "property"
        else Bound(found, instance)
    )


def _read(machine: Runner, order: Sequence[Value]) -> list[Value]:
    """The classes of an order before the first for which a model stands."""
    modelled = next((n for n, cls in enumerate(order) if model_of(machine, cls) is not None), len(order))
    return list(order[:modelled])


def _of_instance(machine: Runner, instance: Instance, name: str) -> Value:
    if name in instance.names:
        return instance.names[name]
    if name == "__class__":
        return instance.cls
    if name == "__dict__":
        return instance.names
    found = find(machine, _read(machine, mro(instance.cls)), name)
    if isinstance(found, Unknown) and instance.native is not None:
        return attribute(machine, instance.native, name)
    return _bind(machine, found, instance.cls, instance)


def _of_class(machine: Runner, cls: Class, name: str) -> Value:
    special = records.CLASS_ATTRIBUTES.get(name)
    if special is not None:
        return special(machine, cls)
    found = find(machine, mro(cls), name)
    if is_enum(cls) and not isinstance(found, Function | Unknown):
        return Member(cls, name, found)
    return _bind(machine, found, cls, None)


def _of_super(machine: Runner, value: Super, name: str) -> Value:
    receiver = value.receiver
    cls = receiver.cls if isinstance(receiver, Instance) else receiver
    order = mro(cls) if isinstance(cls, Class) else []
    rest = order[order.index(value.owner) + 1 :] if value.owner in order else mro(value.owner)[1:]
    found = find(machine, _read(machine, rest), name)
    if not isinstance(found, Unknown):
        return _bind(machine, found, cls, receiver if isinstance(receiver, Instance) else None)
    if isinstance(receiver, Instance):
        if name == "__init__":
            return Native("__init__", lambda arguments: _native_init(machine, receiver, arguments))
        if receiver.native is not None:
            return attribute(machine, receiver.native, name)
    return UNKNOWN


_HARMLESS = ("builtins.", "functools.", "copy.", "typing.", "inspect.", "sys.", "logging.")


def _native_init(machine: Runner, instance: Instance, arguments: Arguments) -> Value:
    models = (model_of(machine, base) for base in mro(instance.cls))
    model = next((model for model in models if model is not None), None)
    if model and instance.native is None:
        instance.native = model(machine, arguments)
        if hasattr(instance.native, "adopt"):
            instance.native.adopt(machine, instance)
    return None


def model_of(machine: Runner, value: Value) -> Callable[[Any, Arguments], Value] | None:
    """The model that stands for a class or function, or None."""
    if isinstance(value, External):
        return machine.models.get(value.name) or machine.models.get(f"*.{value.name.rpartition('.')[2]}")
    if isinstance(value, Class):
        return machine.models.get(value.full_name) or machine.models.get(f"*.{value.name}")
    if isinstance(value, Function) and value.owner is None:
        return machine.models.get(f"{value.scope.module.name}.{value.name}")
    return None


_ATTRIBUTES: dict[type, Callable[[Runner, Any, str], Value]] = {
    Module: _of_module,
    External: _of_external,
    Instance: _of_instance,
    Class: _of_class,
    Super: _of_super,
    Member: _of_member,
    Function: _of_function,
    Choice: _of_choice,
    Generic: _of_generic,
}


# --- calls


def call(machine: Runner, callee: Value, arguments: Arguments) -> Value:
    """What a call gives."""
    model = model_of(machine, callee)
    if model is not None:
        return model(machine, arguments)
    perform = _CALLS.get(type(callee))
    if perform is not None:
        return perform(machine, callee, arguments)
    return callee.call(machine, arguments) if hasattr(callee, "call") else UNKNOWN


def _external(machine: Runner, callee: External, arguments: Arguments) -> Value:
    if not callee.name.startswith(_HARMLESS):
        lose(arguments, f"it is passed to {callee.name}, which is not read")
    return library.external(machine, callee.name, arguments)


def lose(arguments: Arguments, reason: str) -> None:
    """Whatever parser is among the arguments may get more flags than are seen."""
    for value in (*arguments.positional, *arguments.named.values()):
        native = value.native if isinstance(value, Instance) else value
        draft = getattr(native, "draft", None)
        if draft is not None:
            draft.open = draft.open or reason


def _each(machine: Runner, choice: Choice, arguments: Arguments) -> Value:
    """Call what belongs to each word as it is called when the command line begins with that word."""
    for word, value in choice.options.items():
        machine.under(frozenset({word}), lambda value=value: machine.call(value, arguments))  # type: ignore[misc]
    return UNKNOWN


def _bound(machine: Runner, bound: Bound, arguments: Arguments) -> Value:
    if isinstance(bound.function, Function):
        return _run(machine, bound.function, arguments, bound.receiver)
    first = [bound.receiver, *arguments.positional]
    return machine.call(
        bound.function, Arguments(first, arguments.named, arguments.open_positional, arguments.open_named)
    )


def instantiate(machine: Runner, cls: Class, arguments: Arguments) -> Value:
    """A new object of a class; a member where the class is an enumeration."""
    if is_enum(cls):
        wanted = arguments.get(0, "value", UNKNOWN)
        return next((member for member in members(machine, cls) if member.value == wanted), UNKNOWN)
    made = Instance(cls)
    init = find(machine, _read(machine, mro(cls)), "__init__")
    if isinstance(init, Function):
        _run(machine, init, arguments, made)
    elif records.is_dataclass(cls):
        _fill(machine, made, arguments)
    else:
        _native_init(machine, made, arguments)
    return made


def _fill(machine: Runner, made: Instance, arguments: Arguments) -> None:
    """What the generated `__init__` of a dataclass does."""
    for number, field in enumerate(records.fields(machine, made.cls)):
        default = records.default(machine, field)
        made.names[field.name] = arguments.get(number, field.name, default)


def decorate(machine: Runner, decorator: Value, target: Value) -> Value:
    """The decorated function or class; the thing itself where the decorator is not known."""
    if (
        isinstance(decorator, External)
        and decorator.name.rpartition(".")[2] in _BINDINGS
        and isinstance(target, Function)
    ):
        target.binding = _BINDINGS[decorator.name.rpartition(".")[2]]
        return target
    if isinstance(decorator, External) and decorator.name.endswith(("dataclass", "dataclasses.dataclass")):
        if isinstance(target, Class):
            target.dataclass = True
        return target
    if "docstring" in getattr(decorator, "name", ""):
        return target  # writes documentation only, at great length
    result = machine.call(decorator, Arguments([target]))
    if isinstance(result, Function) and result is not target and isinstance(target, Function | Class):
        for name, note in target.notes.items():
            result.notes.setdefault(name, note)
    return target if isinstance(result, Unknown | External) or result is None else result


_BINDINGS = {
    "staticmethod": "staticmethod",
    "classmethod": "classmethod",
    "property": "property",
    "cached_property": "property",
    "abstractproperty": "property",
}


def _run(machine: Runner, function: Function, arguments: Arguments, receiver: Value) -> Value:
    """Run a function that is read; one that remembers what it gave does so here."""
    key = (receiver, *arguments.positional, *sorted(arguments.named.items()))
    kept = function.notes.get("cache")
    if kept is None or not all(map(hashable, key)):
        return _run_body(machine, function, arguments, receiver)
    if key not in kept:
        kept[key] = _run_body(machine, function, arguments, receiver)
    return kept[key]


def _run_body(machine: Runner, function: Function, arguments: Arguments, receiver: Value) -> Value:
    if not machine.enter(function.node):
        lose(arguments, f"{function.name} is nested too deeply to be read")
        return UNKNOWN
    around: Scope | None = function.scope
    while around is not None and around.of_class:
        around = around.parent
    scope = Scope(function.scope.module, around, owner=function.owner, receiver=receiver)
    if receiver is not None:
        arguments = Arguments(
            [receiver, *arguments.positional],
            arguments.named,
            arguments.open_positional,
            arguments.open_named,
        )
    try:
        bind(machine, function, arguments, scope)
        if isinstance(function.node, ast.Lambda):
            return machine.evaluate(function.node.body, scope)
        machine.run(function.node.body, scope)
    except Return as done:
        scope.returned.append(done.value)
    except Raised:
        lose(arguments, f"{function.name} could not be followed")
        return UNKNOWN  # more likely something that is not known here than an error of the program
    finally:
        machine.leave()
    if scope.yielded:
        return scope.yielded
    return _returned(scope.returned)


def _returned(values: Sequence[Value]) -> Value:
    """What a function gives that may have returned any of `values`: objects rather than None or unknown."""
    objects = [value for value in values if value is not None and not isinstance(value, Unknown)]
    if len(objects) != 1 and any(
        value is None or isinstance(value, str | int | float | bool) for value in objects
    ):
        return objects[0] if objects and all(value == objects[0] for value in objects) else UNKNOWN
    if objects:
        return (
            objects[0]
            if len(values) == len(objects) or not isinstance(objects[0], str | int | float)
            else UNKNOWN
        )
    return None if values and all(value is None for value in values) else (UNKNOWN if values else None)


def bind(machine: Runner, function: Function, arguments: Arguments, scope: Scope) -> None:
    """Put arguments into the names of a function."""
    spec = function.node.args
    names = [parameter.arg for parameter in (*spec.posonlyargs, *spec.args)]
    named = dict(arguments.named)
    missing = UNKNOWN if arguments.open_positional or arguments.open_named else None
    defaults = dict(zip(names[len(names) - len(spec.defaults) :], spec.defaults, strict=True))
    defaults |= {p.arg: d for p, d in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if d is not None}
    for number, name in enumerate(names):
        if number < len(arguments.positional):
            scope.names[name] = arguments.positional[number]
        elif name in named:
            scope.names[name] = named.pop(name)
    for parameter in spec.kwonlyargs:
        if parameter.arg in named:
            scope.names[parameter.arg] = named.pop(parameter.arg)
    for name in [*names, *(parameter.arg for parameter in spec.kwonlyargs)]:
        if name not in scope.names:
            default = machine.evaluate(defaults[name], function.scope) if name in defaults else UNKNOWN
            scope.names[name] = default if missing is None else UNKNOWN
    if spec.vararg:
        scope.names[spec.vararg.arg] = (
            UNKNOWN if arguments.open_positional else tuple(arguments.positional[len(names) :])
        )
    if spec.kwarg:
        scope.names[spec.kwarg.arg] = UNKNOWN if arguments.open_named else named


_CALLS: dict[type, Callable[[Runner, Any, Arguments], Value]] = {
    Native: lambda _machine, native, arguments: native.call(arguments),
    Function: lambda machine, function, arguments: _run(machine, function, arguments, None),
    Bound: _bound,
    Class: instantiate,
    External: _external,
    Generic: lambda machine, value, arguments: call(machine, value.origin, arguments),
    Choice: _each,
    Instance: lambda machine, value, arguments: call(
        machine, attribute(machine, value, "__call__"), arguments
    ),
}
