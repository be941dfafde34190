"""click and typer as the machine sees them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any

from airskills.verify.flags import NARGS
from airskills.verify.reader import records
from airskills.verify.reader.classes import class_names, find, mro
from airskills.verify.reader.flow import Done, Root, Runner
from airskills.verify.reader.options import Draft, texts
from airskills.verify.reader.values import (
    UNKNOWN,
    Arguments,
    Bound,
    Class,
    External,
    Function,
    Generic,
    Instance,
    Native,
    Unknown,
    Value,
    truth,
)

_DYNAMIC = frozenset({"get_command", "list_commands", "resolve_command"})
_PARSING = frozenset({"parse_args", "make_parser", "get_params"})
_SUFFIX = re.compile(r"[-_](?:command|cmd|group|grp)$")


class Command:
    """A command or group of click."""

    def __init__(self, draft: Draft | None = None) -> None:
        self.draft = draft or Draft()
        self.name = ""

    def attribute(self, machine: Runner, name: str) -> Value:
        """Decorators that make subcommands, and `add_command`."""
        if name in {"command", "group"}:
            return Native(name, lambda arguments: _command(machine, arguments, self))
        if name == "add_command":
            return Native(name, lambda arguments: self.add(machine, arguments))
        if name == "name":
            return self.name or UNKNOWN
        if name in {"main", "__call__"}:
            return Native(name, lambda arguments: self.call(machine, arguments))
        if name in {"result_callback", "resultcallback"}:
            return Native(name, lambda _: Native(name, lambda given: given.get(0, "f", UNKNOWN)))
        return UNKNOWN

    def adopt(self, machine: Runner, owner: Instance) -> None:
        """Become part of an object of a class that is read, which may make its flags itself."""
        _settings(machine, self.draft, Arguments([], {"cls": owner.cls}))
        self.draft.open = f"{owner.cls.name} makes its flags itself"

    def is_instance(self, name: str) -> bool:
        """Whether click's class of that name would say so."""
        return name in {"Command", "BaseCommand", "Group", "MultiCommand", "object"}

    def add(self, machine: Runner, arguments: Arguments) -> Value:
        """Register a command that was made elsewhere."""
        command = _native(machine, arguments.get(0, "cmd", UNKNOWN))
        name = arguments.get(1, "name") or (command.name if isinstance(command, Command) else "")
        if isinstance(command, Command) and isinstance(name, str):
            for alias in name.split("|"):  # how Hugging Face's command line writes two names
                self.draft.commands[alias.strip()] = command.draft
        else:
            self.draft.open_commands = "a subcommand is computed"

    def call(self, machine: Runner, _arguments: Arguments) -> Value:
        """Read the command line."""
        machine.roots.append(Root(machine.word, self, strict=True))
        raise Done


def _native(machine: Runner, command: Value) -> Value:
    """The command inside an object; one that loads itself later is loaded now."""
    if not isinstance(command, Instance):
        return command
    load = machine.attribute(command, "materialize")
    if not isinstance(load, Unknown):
        loaded = machine.call(load, Arguments())
        command = loaded if isinstance(loaded, Command | Instance) else command
    return command.native if isinstance(command, Instance) else command


def _command(machine: Runner, arguments: Arguments, parent: Command | None = None) -> Value:
    """`@command(...)` and `@group(...)`, with and without parentheses."""
    if arguments.positional and isinstance(arguments.positional[0], Function | Class):
        return _make(machine, Arguments(), arguments.positional[0], parent)
    return Native("command", lambda given: _make(machine, arguments, given.get(0, "f", UNKNOWN), parent))


def _make(machine: Runner, arguments: Arguments, target: Value, parent: Command | None) -> Value:
    made = Command()
    function = target if isinstance(target, Function) else None
    for add in reversed(function.notes.get("click", [])) if function else []:
        add(made.draft)
    if isinstance(target, Command):
        made.draft = target.draft
    name = arguments.get(0, "name")
    if not isinstance(name, str) and name is not None:
        made.draft.open = "its name is computed"
    made.name = (
        name
        if isinstance(name, str)
        else _SUFFIX.sub("", function.name.lower().replace("_", "-"))
        if function
        else ""
    )
    _settings(machine, made.draft, arguments)
    if parent is not None and made.name:
        parent.draft.commands[made.name] = made.draft
    elif parent is not None:
        parent.draft.open_commands = "a name of a subcommand is computed"
    return made


def _settings(machine: Runner, draft: Draft, arguments: Arguments) -> None:
    """What a command's class and its settings let through."""
    settings = arguments.named.get("context_settings", {})
    if not isinstance(settings, dict) or truth(settings.get("ignore_unknown_options", False)) is not False:
        draft.open = "unknown flags are passed on"
    cls = arguments.named.get("cls")
    if isinstance(cls, Unknown):
        draft.open = draft.open_commands = "its class is computed"
    if isinstance(cls, Class):
        _overrides(machine, draft, cls)


def _overrides(machine: Runner, draft: Draft, cls: Class) -> None:
    """What a class of commands changes when it runs."""
    for base in mro(cls):
        names = class_names(machine, base) if isinstance(base, Class) else {}
        if any("self.commands" not in _text(names[name]) for name in _DYNAMIC & names.keys()):
            draft.open_commands = f"{cls.name} finds subcommands when it runs"
        draft.aliases |= dict(_renames(names.get("get_command")))
        if _PARSING & names.keys() or ("__init__" in names and "params" in _text(names["__init__"])):
            draft.open = f"{cls.name} changes its flags when it runs"


def _renames(function: Value) -> Iterator[tuple[str, str]]:
    """`"server" if name == "ui" else name`: another word for a subcommand, and the word it stands for."""
    for node in ast.walk(function.node) if isinstance(function, Function) else ():
        if (
            isinstance(node, ast.IfExp)
            and isinstance(node.test, ast.Compare)
            and isinstance(node.test.ops[0], ast.Eq)
        ):
            real, other = node.body, node.test.comparators[0]
            if isinstance(real, ast.Constant) and isinstance(other, ast.Constant):
                yield str(other.value), str(real.value)


def _text(function: Value) -> str:
    return ast.unparse(function.node) if isinstance(function, Function) else ""


def _parameter(add: Callable[[Draft], None]) -> Native:
    """A decorator that adds a parameter to a function, or to the command that was made of it."""

    def decorate(given: Arguments) -> Value:
        target = given.get(0, "f", UNKNOWN)
        target = target.native if isinstance(target, Instance) else target
        if isinstance(target, Command):
            add(target.draft)
        elif isinstance(target, Function | Class):
            target.notes["click"] = [*target.notes.get("click", []), add]
        return given.get(0, "f", UNKNOWN)

    return Native("parameter", decorate)


def _option(machine: Runner, arguments: Arguments) -> Value:
    """`@option("--name", ...)`."""

    def add(draft: Draft) -> None:
        names, flag = _declared(arguments.positional)
        if arguments.open_positional or (not names and len(arguments.positional) == 0):
            draft.open = "a name of a flag is computed"
            return
        if any(isinstance(name, Unknown) for name in arguments.positional):
            draft.open = "a name of a flag is computed"
        if names:
            nargs, kind, choices = _accepts(machine, arguments, flag=flag)
            draft.add(names, nargs, kind, choices)
        elif isinstance(arguments.positional[0], str):
            draft.add(
                [f"--{arguments.positional[0].replace('_', '-')}"], *_accepts(machine, arguments, flag=False)
            )

    return _parameter(add)


def _declared(declarations: list[Value]) -> tuple[list[str], bool]:
    """Flags that an option declares, and whether it has a second one that switches it off."""
    names: list[str] = []
    two = False
    for text in declarations:
        parts = re.split(r"\s*[/;]\s*", text) if isinstance(text, str) and not text.isidentifier() else []
        two |= len(parts) > 1
        names += [part.strip() for part in parts if part.strip().startswith(("-", "+"))]
    return names, two


def _accepts(machine: Runner, arguments: Arguments, *, flag: bool) -> tuple[NARGS, str, tuple[str, ...]]:
    """How many values an option takes, and which."""
    named = arguments.named
    if flag or truth(named.get("count", False)) or truth(named.get("is_flag", False)):
        return 0, "", ()
    if arguments.open_named or any(
        isinstance(named.get(key), Unknown) for key in ("is_flag", "nargs", "count")
    ):
        return None, "", ()
    if "flag_value" in named and not isinstance(named["flag_value"], Unknown):
        return ("?" if named.get("is_flag") is False else 0), "", ()
    count = named.get("nargs", 1)
    kind, choices = _type(machine, named.get("type"))
    return (count if isinstance(count, int) and count > 0 else "*"), kind, choices


def _type(machine: Runner, value: Value) -> tuple[str, tuple[str, ...]]:
    if isinstance(value, ChoiceType):
        return "", texts(machine, value.values) if value.exact else ()
    name = value.name.rpartition(".")[2] if isinstance(value, External) else ""
    return {"int": "int", "INT": "int", "float": "float", "FLOAT": "float"}.get(name, ""), ()


class ChoiceType:
    """`click.Choice(...)`; `exact` when upper and lower case differ."""

    def __init__(self, arguments: Arguments) -> None:
        self.values = arguments.get(0, "choices", UNKNOWN)
        self.exact = truth(arguments.get(1, "case_sensitive", True)) is True


def _argument(_machine: Runner, arguments: Arguments) -> Value:
    count = arguments.named.get("nargs", 1)
    required = arguments.named.get("required", "default" not in arguments.named)
    nargs: NARGS = "*" if count == -1 else ("?" if required is False else 1)
    return _parameter(lambda draft: draft.add((), nargs))


def _fixed(*names: str) -> Callable[[Runner, Arguments], Value]:
    """A decorator that adds a flag of a fixed name, or of the names that it is given."""

    def model(_machine: Runner, arguments: Arguments) -> Value:
        given, _ = _declared(arguments.positional)
        return _parameter(lambda draft: draft.add(given or names, 0))

    return model


def _collection(_machine: Runner, arguments: Arguments) -> Value:
    """`click.CommandCollection(sources=[...])`."""
    made = Command()
    for source in arguments.named.get("sources", []) or []:
        if isinstance(source, Command):
            made.draft.commands |= source.draft.commands
    return made


def _group(machine: Runner, arguments: Arguments) -> Value:
    """`click.Group(...)` called as a class; what a child of it would find when it runs is not known."""
    made = Command()
    name = arguments.get(0, "name")
    made.name = name if isinstance(name, str) else ""
    _settings(machine, made.draft, arguments)
    commands = arguments.named.get("commands", {})
    for word, command in commands.items() if isinstance(commands, dict) else []:
        if isinstance(command, Command):
            made.draft.commands[word] = command.draft
    if arguments.named.get("params") is not None:
        made.draft.open = "its parameters are objects"
    return made


# --- typer


class Declared:
    """What `typer.Option(...)` and `typer.Argument(...)` give."""

    def __init__(self, arguments: Arguments, *, positional: bool) -> None:
        self.arguments = arguments
        self.positional = positional

    @property
    def names(self) -> list[str]:
        """Flags that it declares itself."""
        return _declared(
            [name for name in self.arguments.positional if isinstance(name, str) and name.startswith("-")]
        )[0]

    @property
    def two(self) -> bool:
        """Whether it declares a flag to switch it off."""
        return any(
            isinstance(name, str) and name.startswith("-") and "/" in name
            for name in self.arguments.positional
        )


class App(Command):
    """`typer.Typer()`: commands come from functions, whose parameters are the flags."""

    def __init__(self, draft: Draft, name: str) -> None:
        super().__init__(draft)
        self.name = name
        self.has_callback = False

    def attribute(self, machine: Runner, name: str) -> Value:
        """Decorators that make subcommands, `add_typer` and `callback`."""
        if name == "command":
            return Native(
                name, lambda arguments: Native(name, lambda given: self.register(machine, arguments, given))
            )
        if name == "callback":
            return Native(name, lambda _: Native(name, lambda given: self.own(machine, given)))
        if name == "add_typer":
            return Native(name, self.add_app)
        return super().attribute(machine, name)

    def register(self, machine: Runner, arguments: Arguments, given: Arguments) -> Value:
        """A function becomes a subcommand."""
        function = given.get(0, "f", UNKNOWN)
        name = arguments.get(0, "name")
        draft = Draft()
        signature(machine, draft, function)
        _settings(machine, draft, arguments)
        if name is None and isinstance(function, Function | Class):
            name = (
                function.name.lower().replace("_", "-")
                if isinstance(function, Function)
                else function.name.lower()
            )
        if isinstance(name, str):
            self.draft.commands[name] = draft
        else:
            self.draft.open_commands = "a name of a subcommand is computed"
        return function

    def own(self, machine: Runner, given: Arguments) -> Value:
        """The callback's parameters are flags of the group."""
        self.has_callback = True
        signature(machine, self.draft, given.get(0, "f", UNKNOWN))
        return given.get(0, "f", UNKNOWN)

    def add_app(self, arguments: Arguments) -> Value:
        """Another application becomes a group."""
        app, name = arguments.get(0, "typer_instance", UNKNOWN), arguments.named.get("name")
        name = name or (app.name if isinstance(app, App) else "")
        if isinstance(app, App) and isinstance(name, str) and name:
            self.draft.commands[name] = app.draft
        elif isinstance(app, App) and not isinstance(name, Unknown):
            self.draft.commands |= app.draft.commands
        else:
            self.draft.open_commands = "a group of subcommands is computed"

    def call(self, machine: Runner, arguments: Arguments) -> Value:
        """Read the command line; one command without a callback is the program itself."""
        if len(self.draft.commands) == 1 and not self.has_callback and not self.draft.open_commands:
            self.draft = next(iter(self.draft.commands.values()))
        return super().call(machine, arguments)


def _typer(machine: Runner, arguments: Arguments) -> Value:
    draft = Draft()
    _settings(machine, draft, arguments)
    name = arguments.named.get("name")
    app = App(draft, name if isinstance(name, str) else "")
    if isinstance(arguments.named.get("callback"), Function):
        app.own(machine, Arguments([arguments.named["callback"]]))
    if truth(arguments.named.get("add_completion", True)) is not False:
        draft.add(["--install-completion"], 0)
        draft.add(["--show-completion"], 0)
    return app


def _typer_run(machine: Runner, arguments: Arguments) -> Value:
    app = App(Draft(), "")
    app.register(machine, Arguments(), arguments)
    return app.call(machine, Arguments())


def signature(machine: Runner, draft: Draft, function: Value) -> None:
    """The flags that typer makes of a function's parameters; of a class those of its `__init__`."""
    target = find(machine, mro(function), "__init__") if isinstance(function, Class) else function
    target = target.function if isinstance(target, Bound) else target
    target = target.notes.get("wrapped", target) if isinstance(target, Function) else target
    if not isinstance(target, Function):
        draft.open = "its function is not known"
        return
    spec = target.node.args
    parameters = [*spec.posonlyargs, *spec.args][isinstance(function, Class) :]
    values = [None] * (len(parameters) - len(spec.defaults)) + list(spec.defaults) if parameters else []
    for parameter, default in [
        *zip(parameters, values[-len(parameters) :] if parameters else [], strict=True),
        *zip(spec.kwonlyargs, spec.kw_defaults, strict=True),
    ]:
        _from_parameter(machine, draft, target, parameter, default)


def _from_parameter(
    machine: Runner, draft: Draft, function: Function, parameter: ast.arg, default: ast.expr | None
) -> None:
    annotation = (
        records.read_type(machine, parameter.annotation, function.scope) if parameter.annotation else UNKNOWN
    )
    if isinstance(annotation, External) and annotation.name.rpartition(".")[2] == "Context":
        return
    declared, required = None, default is None
    value = machine.evaluate(default, function.scope) if default is not None else None
    if isinstance(value, Declared):
        declared = value
        required = bool(value.arguments.positional[:1] == [UNKNOWN])
    if isinstance(annotation, Generic):
        declared = next((part for part in annotation.arguments[1:] if isinstance(part, Declared)), declared)
    if isinstance(default, ast.Call) and declared is None and isinstance(value, Unknown):
        draft.open = f"what {parameter.arg} takes is computed"
    kind = records.without_none(records.kind(machine, annotation))
    if declared.positional if declared else required:
        draft.add((), "*" if kind.name == "list" else (1 if required else "?"))
        return
    names = declared.names if declared else []
    plain = f"--{parameter.arg.replace('_', '-')}"
    is_flag = kind.name == "bool"
    if not names:
        names = [plain, plain.replace("--", "--no-", 1)] if is_flag else [plain]
    choices = tuple(map(str, kind.values)) if kind.name == "literal" and _exact(declared) else ()
    number = kind.name if kind.name in {"int", "float"} else ""
    flag_like = is_flag or (declared is not None and truth(declared.arguments.named.get("count", False)))
    draft.add(
        names,
        0 if flag_like else (None if kind == records.ANY and parameter.annotation is None else 1),
        number,
        choices,
    )


def _hub_command(machine: Runner, arguments: Arguments) -> Value:
    """Hugging Face's own builder of commands, which reads signatures as typer does."""
    made = Command()
    function, name = arguments.get(0, "func", UNKNOWN), arguments.named.get("name")
    made.name = name if isinstance(name, str) else getattr(function, "name", "").lower().replace("_", "-")
    signature(machine, made.draft, function)
    return made


def _exact(declared: Declared | None) -> bool:
    return declared is None or truth(declared.arguments.named.get("case_sensitive", True)) is True


MODELS: dict[str, Any] = {
    "typer.Typer": _typer,
    "typer.run": _typer_run,
    "huggingface_hub.cli._framework.build_command": _hub_command,
    "huggingface_hub.cli._framework.Option": lambda _, arguments: Declared(arguments, positional=False),
    "huggingface_hub.cli._framework.Argument": lambda _, arguments: Declared(arguments, positional=True),
    "typer.Option": lambda _, arguments: Declared(arguments, positional=False),
    "typer.Argument": lambda _, arguments: Declared(arguments, positional=True),
}
for _library in ("click", "rich_click"):
    MODELS |= {
        f"{_library}.command": _command,
        f"{_library}.group": _command,
        f"{_library}.option": _option,
        f"{_library}.argument": _argument,
        f"{_library}.version_option": _fixed("--version"),
        f"{_library}.confirmation_option": _fixed("--yes"),
        f"{_library}.password_option": lambda machine, arguments: _option(
            machine, Arguments(arguments.positional or ["--password"], arguments.named)
        ),
        f"{_library}.help_option": _fixed("--help"),
        f"{_library}.Group": _group,
        f"{_library}.Command": _group,
        f"{_library}.CommandCollection": _collection,
        f"{_library}.Choice": lambda _machine, arguments: ChoiceType(arguments),
    }
