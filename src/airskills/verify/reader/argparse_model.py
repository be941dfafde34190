"""argparse as the machine sees it, and its children in transformers."""

from __future__ import annotations

import ast
from typing import Any

from airskills.verify.flags import NARGS, negated
from airskills.verify.reader import records
from airskills.verify.reader.classes import class_names, find, hashable, items, mro
from airskills.verify.reader.flow import Done, Raised, Root, Runner
from airskills.verify.reader.options import Draft, kind_of, texts
from airskills.verify.reader.values import (
    UNKNOWN,
    Arguments,
    Class,
    External,
    Function,
    Instance,
    Native,
    Rest,
    Unknown,
    Value,
    Word,
    truth,
)

_PLAIN_ACTIONS = frozenset(
    {"store_true", "store_false", "store_const", "append_const", "count", "help", "version"}
)


class Parser:
    """A parser or a group of one.

    Attributes:
        draft: where its options go.
        maker: what makes the parsers of its subcommands.
        owner: the object whose part it is, when its class is one that is read.
        destination: name under which the subcommand is stored.
    """

    def __init__(self, maker: Value, draft: Draft | None = None) -> None:
        self.draft = draft or Draft()
        self.maker = maker
        self.owner: Instance | None = None
        self.destination = ""
        self.dataclasses: list[Class] = []
        self.actions: dict[Value, Value] = {}

    def attribute(self, machine: Runner, name: str) -> Value:
        """A method, with the machine bound."""
        method = _METHODS.get(name)
        return UNKNOWN if method is None else Native(name, lambda arguments: method(self, machine, arguments))

    def adopt(self, machine: Runner, owner: Instance) -> None:
        """Become part of an object of a class that is read; such a class often takes `-` for `_`."""
        self.owner, self.maker = owner, owner.cls
        own = [cls for cls in mro(owner.cls) if isinstance(cls, Class)]
        parse = find(machine, own, "parse_args")
        self.draft.dotted |= isinstance(parse, Function) and ".split('.')" in ast.unparse(parse.node)
        self.draft.dashes |= any(machine.sources.swaps_dashes(cls.scope.module.name) for cls in own)

    def subparsers(self, _machine: Runner, arguments: Arguments) -> Value:
        """`add_subparsers`."""
        destination = arguments.named.get("dest", "")
        self.destination = destination if isinstance(destination, str) else ""
        return Subparsers(self, arguments.named.get("parser_class"))

    def group(self, _machine: Runner, _arguments: Arguments) -> Value:
        """`add_argument_group` and the like: options go to the parser itself."""
        return self

    def add_argument(self, machine: Runner, arguments: Arguments) -> Value:
        """`add_argument`."""
        names = [name for name in arguments.positional if isinstance(name, str)]
        if arguments.open_positional or len(names) < len(arguments.positional):
            self.draft.open = "a name of a flag is computed"
        flags = [name for name in names if name.startswith("-")]
        if not names and not isinstance(arguments.named.get("dest"), str):
            return UNKNOWN
        action = arguments.named.get("action", "store")
        action = self.actions.get(action, action) if hashable(action) else action
        nargs = _arity(machine, arguments, action)
        more = negated(flags) if _is_boolean(action) else ()
        if isinstance(action, Class):
            more = (*more, *_spellings(machine, action, flags))
        kind = kind_of(arguments.named.get("type"))
        plain = arguments.named.get("type", External("builtins.str"))
        convertible = isinstance(plain, External) and plain.name in {
            "builtins.str",
            "builtins.int",
            "builtins.float",
        }
        choices = (
            texts(machine, arguments.named.get("choices")) if convertible or isinstance(plain, Class) else ()
        )
        self.draft.add([*flags, *more], nargs, kind, choices)
        return UNKNOWN

    def parse(self, machine: Runner, arguments: Arguments) -> Value:
        """`parse_args`."""
        return self._root(machine, arguments, strict=True)

    def parse_known(self, machine: Runner, arguments: Arguments) -> Value:
        """`parse_known_args`: unknown words are somebody else's."""
        root = self._root(machine, arguments, strict=False)
        return (Namespace(self), Rest(root))

    def parse_dataclasses(self, machine: Runner, arguments: Arguments) -> Value:
        """`parse_args_into_dataclasses`."""
        remaining = truth(arguments.get(1, "return_remaining_strings", False))
        root = self._root(machine, arguments, strict=remaining is False)
        return [*[UNKNOWN] * len(self.dataclasses), Rest(root)]

    def _root(self, machine: Runner, arguments: Arguments, *, strict: bool) -> int:
        given = arguments.get(0, "args")
        weak = isinstance(given, list) and all(isinstance(word, str) for word in given)
        machine.roots.append(Root(machine.word, self, strict, weak))
        if strict and not weak:
            raise Done
        return len(machine.roots) - 1

    def register(self, _machine: Runner, arguments: Arguments) -> Value:
        """`register("action", name, class)`: another class stands for an action."""
        name, cls = arguments.get(1, "value", UNKNOWN), arguments.get(2, "object", UNKNOWN)
        if hashable(name) and isinstance(cls, Class):
            self.actions[name] = cls

    def set_defaults(self, _machine: Runner, _arguments: Arguments) -> Value:
        """`set_defaults`."""
        return None

    def error(self, _machine: Runner, _arguments: Arguments) -> Value:
        """`error` and `exit`: the program ends."""
        raise Raised


_METHODS = {
    "add_argument": Parser.add_argument,
    "add_argument_group": Parser.group,
    "add_mutually_exclusive_group": Parser.group,
    "add_subparsers": Parser.subparsers,
    "set_defaults": Parser.set_defaults,
    "register": Parser.register,
    "parse_args": Parser.parse,
    "parse_intermixed_args": Parser.parse,
    "parse_known_args": Parser.parse_known,
    "parse_known_intermixed_args": Parser.parse_known,
    "parse_args_into_dataclasses": Parser.parse_dataclasses,
    "error": Parser.error,
    "exit": Parser.error,
}


class Namespace:
    """What `parse_known_args` gives: its subcommand is a word of the command line."""

    def __init__(self, parser: Parser) -> None:
        self.parser = parser

    def attribute(self, _machine: Runner, name: str) -> Value:
        """The value of an option: unknown, but for the subcommand."""
        return Word(1) if name == self.parser.destination else UNKNOWN


class Subparsers:
    """What `add_subparsers` gives."""

    def __init__(self, parser: Parser, maker: Value) -> None:
        self.parser = parser
        self.maker = maker if maker is not None and not isinstance(maker, Unknown) else parser.maker

    def attribute(self, machine: Runner, name: str) -> Value:
        """`add_parser`, and the parsers so far."""
        if name == "add_parser":
            return Native(name, lambda arguments: self.add(machine, arguments))
        return UNKNOWN

    def add(self, machine: Runner, arguments: Arguments) -> Value:
        """Make the parser of a subcommand."""
        name = arguments.get(0, "name", UNKNOWN)
        named = {
            key: value for key, value in arguments.named.items() if key not in {"name", "help", "aliases"}
        }
        made = machine.call(self.maker, Arguments([], named, open_named=arguments.open_named))
        native = made.native if isinstance(made, Instance) else made
        if not isinstance(native, Parser):
            native = made = Parser(self.maker)
        aliases = arguments.named.get("aliases", ())
        names = [name, *(aliases if isinstance(aliases, list | tuple) else [])]
        for word in names:
            if isinstance(word, str):
                self.parser.draft.commands[word] = native.draft
            else:
                self.parser.draft.open_commands = "a name of a subcommand is computed"
        return made


def parser(machine: Runner, arguments: Arguments) -> Value:
    """`ArgumentParser(...)`."""
    made = Parser(External("argparse.ArgumentParser"))
    _inherit(machine, made, arguments)
    return made


def _inherit(machine: Runner, made: Parser, arguments: Arguments) -> None:
    parents = arguments.named.get("parents", [])
    if not isinstance(parents, list | tuple):
        made.draft.open = "a parent parser is computed"
        return
    for parent in parents:
        native = parent.native if isinstance(parent, Instance) else parent
        if isinstance(native, Parser):
            made.draft.options += native.draft.options
            made.draft.open = made.draft.open or native.draft.open
        else:
            made.draft.open = "a parent parser is computed"
    del machine


def group(_machine: Runner, arguments: Arguments) -> Value:
    """`_ArgumentGroup(container, ...)`: options go to the container."""
    container = arguments.get(0, "container", UNKNOWN)
    native = container.native if isinstance(container, Instance) else container
    made = Parser(UNKNOWN, native.draft if isinstance(native, Parser) else None)
    made.actions = native.actions if isinstance(native, Parser) else {}
    return made


def _arity(machine: Runner, arguments: Arguments, action: Value) -> NARGS:
    """How many values follow a flag."""
    named = arguments.named
    nargs = named.get("nargs")
    if isinstance(nargs, External):
        nargs = _NARGS.get(nargs.name.rpartition(".")[2])
    if _is_boolean(action) or (isinstance(action, str) and action in _PLAIN_ACTIONS):
        return 0
    if isinstance(nargs, int | str):
        return "..." if nargs == "A..." else nargs
    if isinstance(action, Class) and nargs is None:
        return _class_arity(machine, action)
    known = isinstance(action, str) and not arguments.open_named and nargs is None
    return 1 if known and not isinstance(named.get("nargs"), Unknown | External) else None


def _spellings(machine: Runner, action: Class, flags: list[str]) -> list[str]:
    """Names that an action class adds to a flag when it is made."""
    made = machine.call(action, Arguments([list(flags), "destination"], open_named=True))
    found = machine.attribute(made, "option_strings")
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


class Action:
    """The part of an action that argparse brings: it keeps its names."""

    def __init__(self, names: Value, *, both: bool) -> None:
        flags = [name for name in names if isinstance(name, str)] if isinstance(names, list | tuple) else None
        self.names = UNKNOWN if flags is None else [*flags, *(negated(flags) if both else ())]

    def attribute(self, _machine: Runner, name: str) -> Value:
        """`option_strings`; nothing else is known."""
        return self.names if name == "option_strings" else UNKNOWN


def _action(*, both: bool) -> Any:
    return lambda _machine, arguments: Action(arguments.get(0, "option_strings", UNKNOWN), both=both)


_NARGS = {"REMAINDER": "...", "PARSER": "...", "OPTIONAL": "?", "ZERO_OR_MORE": "*", "ONE_OR_MORE": "+"}


def _is_boolean(action: Value) -> bool:
    """Whether an action makes `--no-x` beside `--x`."""
    bases = mro(action) if isinstance(action, Class) else [action]
    return any(isinstance(base, External) and base.name.endswith("BooleanOptionalAction") for base in bases)


def _class_arity(machine: Runner, action: Class) -> NARGS:
    """What an action class, or the nearest of its bases that does, passes on as `nargs`."""
    for cls in mro(action):
        if isinstance(cls, External) and cls.name.rpartition(".")[2] not in {
            "Action",
            "_StoreAction",
            "object",
        }:
            return 0 if cls.name.rpartition(".")[2] in _VALUELESS else None
        init = class_names(machine, cls).get("__init__") if isinstance(cls, Class) else None
        calls = (
            [node for node in ast.walk(init.node) if isinstance(node, ast.Call)]
            if isinstance(init, Function)
            else []
        )
        words = [word.value for call in calls for word in call.keywords if word.arg == "nargs"]
        if words:
            value = words[0].value if isinstance(words[0], ast.Constant) else None
            return value if isinstance(value, int | str) else None
    return 1


_VALUELESS = frozenset(
    {
        "_StoreTrueAction",
        "_StoreFalseAction",
        "_StoreConstAction",
        "_CountAction",
        "_HelpAction",
        "_VersionAction",
    }
)


# --- parsers that are made of dataclasses


def hf_parser(machine: Runner, arguments: Arguments) -> Value:
    """`HfArgumentParser(dataclass_types, ...)`: one flag for each field."""
    made = Parser(External("transformers.HfArgumentParser"))
    _inherit(machine, made, arguments)
    given = arguments.get(0, "dataclass_types", ())
    classes = [given] if isinstance(given, Class) else items(machine, given)
    if classes is None or not all(isinstance(cls, Class) for cls in classes):
        made.draft.open = "a dataclass of its parser is not known"
    for cls in classes or []:
        if isinstance(cls, Class):
            made.dataclasses.append(cls)
            add_dataclass(machine, made.draft, cls)
    return made


def add_dataclass(machine: Runner, draft: Draft, cls: Class) -> None:
    """The flags that transformers makes of a dataclass."""
    missing = records.missing_bases(cls)
    if missing:
        draft.open = f"the base {missing[0]} of {cls.name} is not unpacked"
    for field in records.fields(machine, cls):
        arguments = records.factory(machine, field)
        if arguments is None or arguments.named.get("init", True) is not False:
            _add_field(machine, draft, field)


def _add_field(machine: Runner, draft: Draft, field: records.Field) -> None:
    kind = records.without_none(records.kind(machine, records.type_of(machine, field)))
    kind = _first_not_text(kind)
    names = [f"--{field.name}", f"--{field.name.replace('_', '-')}"]
    aliases = records.metadata(machine, field).get("aliases", ())
    names += (
        [aliases]
        if isinstance(aliases, str)
        else [a for a in aliases if isinstance(a, str)]
        if hashable(aliases) or isinstance(aliases, list)
        else []
    )
    if kind.name == "bool":
        draft.add(names, "?")
        if records.default(machine, field) is True:
            draft.add(negated_field(field.name), 0)
    elif kind.name == "list":
        draft.add(names, "+", _scalar(kind.parts[0]))
    else:
        choices = tuple(map(str, kind.values)) if kind.name == "literal" else ()
        draft.add(names, 1, _scalar(kind), choices)


def _first_not_text(kind: records.Kind) -> records.Kind:
    """Of `X | str` the parser takes `X`; choices and numbers are then too narrow, so anything is taken."""
    if kind.name != "union":
        return kind
    names = {part.name for part in kind.parts}
    return (
        next((part for part in kind.parts if part.name in {"bool", "list"}), records.ANY) if names else kind
    )


def negated_field(name: str) -> tuple[str, str]:
    """The two flags that switch a field off."""
    return f"--no_{name}", f"--no-{name.replace('_', '-')}"


def _scalar(kind: records.Kind) -> str:
    return kind.name if kind.name in {"int", "float"} else ""


MODELS: dict[str, Any] = {
    "argparse.ArgumentParser": parser,
    "argparse.Action": _action(both=False),
    "argparse.BooleanOptionalAction": _action(both=True),
    "argparse._ArgumentGroup": group,
    "argparse._MutuallyExclusiveGroup": group,
    "*.HfArgumentParser": hf_parser,
    "transformers.hf_argparser.HfArgumentParser": hf_parser,
}
