"""Builtins and the parts of the standard library that programs build their parsers with."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from typing import Any

from airskills.verify.reader import records
from airskills.verify.reader.classes import hashable, is_enum, items, mro
from airskills.verify.reader.flow import Raised, Runner
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
    Unknown,
    Value,
    Word,
    is_literal,
    truth,
)

_SAFE = (str, int, float, bytes, bool)


def method(machine: Runner, value: Value, name: str) -> Value:
    """A method of a literal; unknown for everything else."""
    if isinstance(value, Argv):
        return Native(name, lambda arguments: _argv_method(machine, value, name, arguments))
    if isinstance(value, dict) and name in _DICT:
        return Native(name, lambda arguments: _DICT[name](machine, value, arguments))
    if isinstance(value, list) and name in _LIST:
        return Native(name, lambda arguments: _LIST[name](machine, value, arguments))
    if isinstance(value, set) and name in {"add", "update"}:
        return Native(name, lambda arguments: _add(machine, value, name, arguments))
    if isinstance(value, str) and name in _STRING:
        return Native(name, lambda arguments: _string(machine, value, name, arguments))
    return UNKNOWN


_STRING = frozenset(
    [
        "replace",
        "lower",
        "upper",
        "strip",
        "lstrip",
        "rstrip",
        "split",
        "rsplit",
        "join",
        "startswith",
        "endswith",
        "removeprefix",
        "removesuffix",
        "title",
        "capitalize",
        "format",
        "partition",
        "rpartition",
        "splitlines",
        "casefold",
    ]
)


def _string(machine: Runner, value: str, name: str, arguments: Arguments) -> Value:
    positional = [items(machine, a) if name == "join" else a for a in arguments.positional]
    flat = [part for item in positional for part in (item if isinstance(item, list | tuple) else [item])]
    if arguments.open_positional or arguments.open_named or not all(isinstance(part, _SAFE) for part in flat):
        return UNKNOWN
    if not all(isinstance(part, _SAFE) for part in arguments.named.values()):
        return UNKNOWN
    try:
        return getattr(value, name)(*positional, **arguments.named)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError, MemoryError):
        return UNKNOWN


def _argv_method(machine: Runner, argv: Argv, name: str, arguments: Arguments) -> Value:
    if name == "pop":
        index = arguments.get(0, "index", -1)
        return Word(argv.start + index) if isinstance(index, int) and index >= 0 else UNKNOWN
    if name == "insert" and argv.start + arguments.get(0, "index", 0) == 1:
        word = arguments.get(1, "object", "")
        machine.default = word if isinstance(word, str) else machine.default
    return argv if name == "copy" else UNKNOWN


def _add(machine: Runner, value: set[Value], name: str, arguments: Arguments) -> Value:
    new = (
        arguments.positional
        if name == "add"
        else [i for a in arguments.positional for i in items(machine, a) or []]
    )
    value.update(item for item in new if hashable(item))


def _dict_get(_machine: Runner, value: dict[Value, Value], arguments: Arguments) -> Value:
    key = arguments.get(0, "key", UNKNOWN)
    if isinstance(key, Word):
        return Choice({str(name): item for name, item in value.items()})
    return value.get(key, arguments.get(1, "default")) if hashable(key) else UNKNOWN


def _dict_pop(_machine: Runner, value: dict[Value, Value], arguments: Arguments) -> Value:
    key = arguments.get(0, "key", UNKNOWN)
    return value.pop(key, arguments.get(1, "default")) if hashable(key) else UNKNOWN


def _dict_update(_machine: Runner, value: dict[Value, Value], arguments: Arguments) -> Value:
    other = arguments.get(0, "other", {})
    value.update(other if isinstance(other, dict) else {})
    value.update(arguments.named)


def _dict_default(_machine: Runner, value: dict[Value, Value], arguments: Arguments) -> Value:
    key = arguments.get(0, "key", UNKNOWN)
    return value.setdefault(key, arguments.get(1, "default")) if hashable(key) else UNKNOWN


_DICT: dict[str, Callable[[Runner, dict[Value, Value], Arguments], Value]] = {
    "items": lambda _, value, __: list(value.items()),
    "keys": lambda _, value, __: list(value),
    "values": lambda _, value, __: list(value.values()),
    "copy": lambda _, value, __: dict(value),
    "get": _dict_get,
    "pop": _dict_pop,
    "update": _dict_update,
    "setdefault": _dict_default,
}


def _extend(machine: Runner, value: list[Value], arguments: Arguments) -> Value:
    value += items(machine, arguments.get(0, "iterable", [])) or []


def _insert(_machine: Runner, value: list[Value], arguments: Arguments) -> Value:
    index = arguments.get(0, "index", 0)
    value.insert(index if isinstance(index, int) else len(value), arguments.get(1, "object", UNKNOWN))


def _list_pop(_machine: Runner, value: list[Value], arguments: Arguments) -> Value:
    index = arguments.get(0, "index", -1)
    return value.pop(index) if isinstance(index, int) and -len(value) <= index < len(value) else UNKNOWN


_LIST: dict[str, Callable[[Runner, list[Value], Arguments], Value]] = {
    "append": lambda _, value, arguments: value.append(arguments.get(0, "object", UNKNOWN)),
    "extend": _extend,
    "insert": _insert,
    "pop": _list_pop,
    "copy": lambda _, value, __: list(value),
    "reverse": lambda _, value, __: value.reverse(),
}


# --- functions


def external(machine: Runner, name: str, arguments: Arguments) -> Value:
    """What a function gives that is not read."""
    short = name.removeprefix("builtins.")
    handler = _FUNCTIONS.get(short)
    if handler is not None:
        return handler(machine, arguments)
    if name.startswith(("typing.", "typing_extensions.")) and short.endswith(("TypeVar", "NewType")):
        return arguments.get(1, "tp", UNKNOWN) if short.endswith("NewType") else UNKNOWN
    return UNKNOWN


def _first(arguments: Arguments) -> Value:
    return arguments.get(0, "", UNKNOWN)


def _sequence(machine: Runner, arguments: Arguments) -> list[Value] | None:
    return items(machine, arguments.positional[0]) if arguments.positional else []


def _list(machine: Runner, arguments: Arguments) -> Value:
    if arguments.positional and isinstance(arguments.positional[0], Argv):
        return arguments.positional[0]
    found = _sequence(machine, arguments)
    return UNKNOWN if found is None else found


def _tuple(machine: Runner, arguments: Arguments) -> Value:
    found = _sequence(machine, arguments)
    return UNKNOWN if found is None else tuple(found)


def _set(machine: Runner, arguments: Arguments) -> Value:
    found = _sequence(machine, arguments)
    return UNKNOWN if found is None or not all(map(hashable, found)) else set(found)


def _dict(_machine: Runner, arguments: Arguments) -> Value:
    base = arguments.get(0, "", {})
    if isinstance(base, list) and all(
        isinstance(pair, tuple) and len(pair) == 2 and hashable(pair[0]) for pair in base
    ):
        base = dict(base)
    return {**base, **arguments.named} if isinstance(base, dict) else UNKNOWN


def _reversed(machine: Runner, arguments: Arguments) -> Value:
    found = _sequence(machine, arguments)
    return UNKNOWN if found is None else found[::-1]


def _sorted(machine: Runner, arguments: Arguments) -> Value:
    """Sorted where the order is known; the order of a list of flags does not matter."""
    found = _sequence(machine, arguments)
    if found is None:
        return UNKNOWN
    comparable = all(isinstance(item, str) for item in found) and "key" not in arguments.named
    return sorted(found) if comparable else found


def _enumerate(machine: Runner, arguments: Arguments) -> Value:
    found = _sequence(machine, arguments)
    start = arguments.get(1, "start", 0)
    return UNKNOWN if found is None else list(enumerate(found, start if isinstance(start, int) else 0))


def _zip(machine: Runner, arguments: Arguments) -> Value:
    columns = [items(machine, argument) for argument in arguments.positional]
    return UNKNOWN if None in columns else list(zip(*[c or [] for c in columns], strict=False))


def _map(machine: Runner, arguments: Arguments) -> Value:
    found = items(machine, arguments.get(1, "", UNKNOWN))
    return (
        UNKNOWN if found is None else [machine.call(_first(arguments), Arguments([item])) for item in found]
    )


def _filter(machine: Runner, arguments: Arguments) -> Value:
    found, test = items(machine, arguments.get(1, "", UNKNOWN)), _first(arguments)
    if found is None:
        return UNKNOWN
    kept = [item if test is None else machine.call(test, Arguments([item])) for item in found]
    return [item for item, keep in zip(found, kept, strict=True) if truth(keep) is not False]


def _next(machine: Runner, arguments: Arguments) -> Value:
    found = _sequence(machine, arguments)
    if found is None:
        return UNKNOWN
    return found[0] if found else arguments.get(1, "default", UNKNOWN)


def _any(machine: Runner, arguments: Arguments) -> Value:
    found = [truth(item) for item in _sequence(machine, arguments) or [UNKNOWN]]
    return True if True in found else UNKNOWN if None in found else False


def _all(machine: Runner, arguments: Arguments) -> Value:
    sequence = _sequence(machine, arguments)
    found = [None] if sequence is None else [truth(item) for item in sequence]
    return False if False in found else UNKNOWN if None in found else True


def _len(_machine: Runner, arguments: Arguments) -> Value:
    value = _first(arguments)
    return len(value) if isinstance(value, str | list | tuple | dict | set) else UNKNOWN


def _str(_machine: Runner, arguments: Arguments) -> Value:
    value = arguments.get(0, "object", "")
    return str(value) if is_literal(value) else UNKNOWN


def _number(kind: type[int | float]) -> Callable[[Runner, Arguments], Value]:
    def convert(_machine: Runner, arguments: Arguments) -> Value:
        value = arguments.get(0, "", 0)
        try:
            return kind(value) if isinstance(value, int | float | str) and len(str(value)) < 100 else UNKNOWN
        except (ValueError, OverflowError):
            return UNKNOWN

    return convert


def _bool(_machine: Runner, arguments: Arguments) -> Value:
    known = truth(arguments.get(0, "", False))
    return UNKNOWN if known is None else known


def _range(_machine: Runner, arguments: Arguments) -> Value:
    bounds = arguments.positional
    return (
        range(*bounds)
        if bounds and len(bounds) < 4 and all(type(b) is int for b in bounds) and 0 not in bounds[2:]
        else UNKNOWN
    )


def _getattr(machine: Runner, arguments: Arguments) -> Value:
    name = arguments.get(1, "", UNKNOWN)
    found = machine.attribute(_first(arguments), name) if isinstance(name, str) else UNKNOWN
    if isinstance(found, Unknown) and isinstance(_first(arguments), Class | Instance | Function | Module):
        return arguments.get(2, "", UNKNOWN)
    return found


def _hasattr(machine: Runner, arguments: Arguments) -> Value:
    owner, name = _first(arguments), arguments.get(1, "", UNKNOWN)
    if not isinstance(owner, Class | Instance | Function) or not isinstance(name, str):
        return UNKNOWN
    if not isinstance(machine.attribute(owner, name), Unknown):
        return True
    unread = isinstance(owner, Class) and any(not isinstance(base, Class) for base in mro(owner))
    return UNKNOWN if unread or isinstance(owner, Instance) else False


def _setattr(_machine: Runner, arguments: Arguments) -> Value:
    owner, name = _first(arguments), arguments.get(1, "", UNKNOWN)
    if isinstance(name, str) and isinstance(owner, Instance):
        owner.names[name] = arguments.get(2, "", UNKNOWN)
    elif isinstance(name, str) and isinstance(owner, Function | Class):
        owner.notes[name] = arguments.get(2, "", UNKNOWN)


_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,), "int": (int,), "float": (float,), "bool": (bool,), "list": (list,), "dict": (dict,),
    "tuple": (tuple,), "set": (set,), "Iterable": (list, tuple, dict, set, str), "Sequence": (list, tuple, str),
    "Mapping": (dict,), "Callable": (Function, Bound, Native), "type": (Class,),
}  # fmt: skip


def _isinstance(_machine: Runner, arguments: Arguments) -> Value:
    value, wanted = _first(arguments), arguments.get(1, "", UNKNOWN)
    answers = [_is_instance(value, kind) for kind in _kinds(wanted)]
    return True if True in answers else UNKNOWN if None in answers or not answers else False


def _kinds(wanted: Value) -> list[Value]:
    if (
        isinstance(wanted, Generic)
        and isinstance(wanted.origin, External)
        and wanted.origin.name.endswith("Union")
    ):
        return [kind for part in wanted.arguments for kind in _kinds(part)]
    return [kind for part in wanted for kind in _kinds(part)] if isinstance(wanted, tuple) else [wanted]


def _is_instance(value: Value, kind: Value) -> bool | None:
    short = kind.name.rpartition(".")[2] if isinstance(kind, External) else ""
    if isinstance(value, Function | Bound) and short:
        return short in {"Callable", "FunctionType", "MethodType", "object"}
    if hasattr(value, "is_instance") and short:
        return bool(value.is_instance(short))
    if isinstance(value, Instance | Member) and isinstance(kind, Class):
        return (
            kind in mro(value.cls) or None
            if any(not isinstance(b, Class) for b in mro(value.cls))
            else kind in mro(value.cls)
        )
    if short == "type" and isinstance(value, Generic | External):
        return _is_class(value)
    if short in _PYTHON_TYPES:
        known = is_literal(value) or isinstance(
            value, list | dict | tuple | set | Class | Function | Bound | Native
        )
        return isinstance(value, _PYTHON_TYPES[short]) if known else None
    literal = is_literal(value) or isinstance(value, list | dict | tuple | set)
    return False if literal and isinstance(kind, Class) else None


_PLAIN = frozenset(map(External, ("builtins.str", "builtins.int", "builtins.float", "builtins.bool")))


def _is_class(hint: Generic | External) -> bool | None:
    """Whether a hint that is no class of the package is one: `str` is, `list[int]` and `Literal["a"]` are none."""
    return False if isinstance(hint, Generic) else (hint in _PLAIN or None)


def _is_typeddict(_machine: Runner, arguments: Arguments) -> Value:
    hint = _first(arguments)
    if isinstance(hint, Class):
        names = {base.name.rpartition(".")[2] for base in mro(hint) if isinstance(base, External)}
        return True if "TypedDict" in names else (UNKNOWN if names else False)
    return False if isinstance(hint, Generic) or hint in _PLAIN else UNKNOWN


def _issubclass(_machine: Runner, arguments: Arguments) -> Value:
    cls, wanted = _first(arguments), arguments.get(1, "", UNKNOWN)
    if not isinstance(cls, Class):
        return False if cls in _PLAIN else UNKNOWN
    bases = mro(cls)
    ends = {base.name.rpartition(".")[2] for base in bases if isinstance(base, External)}
    for kind in _kinds(wanted):
        if kind in bases or (isinstance(kind, External) and kind.name.rpartition(".")[2] in ends):
            return True
    return (
        is_enum(cls)
        if wanted == External("enum.Enum")
        else (False if all(isinstance(b, Class) for b in bases) else UNKNOWN)
    )


def _type(_machine: Runner, arguments: Arguments) -> Value:
    value = _first(arguments)
    if isinstance(value, Instance | Member):
        return value.cls
    if value is None:
        return External("types.NoneType")
    return External(f"builtins.{type(value).__name__}") if is_literal(value) else UNKNOWN


def _vars(_machine: Runner, arguments: Arguments) -> Value:
    value = _first(arguments)
    return value.names if isinstance(value, Instance | Module) else UNKNOWN


def _exit(_machine: Runner, _arguments: Arguments) -> Value:
    raise Raised


def _same(_machine: Runner, arguments: Arguments) -> Value:
    return arguments.get(0, "", UNKNOWN)


def _copy(_machine: Runner, arguments: Arguments) -> Value:
    value = _first(arguments)
    if isinstance(value, dict):
        return {key: dict(item) if isinstance(item, dict) else item for key, item in value.items()}
    return copy.copy(value) if isinstance(value, list | set) else value


def _decorator(_machine: Runner, arguments: Arguments) -> Value:
    """A decorator, with and without parentheses, under which a function stays what it is."""
    first = arguments.get(0, "", None)
    return (
        first
        if isinstance(first, Function | Class | Bound)
        else Native("decorator", lambda given: given.get(0, "", UNKNOWN))
    )


def _cache(_machine: Runner, arguments: Arguments) -> Value:
    """`@cache` and `@lru_cache(...)`: the function remembers what it gave."""

    def remember(given: Arguments) -> Value:
        function = given.get(0, "", UNKNOWN)
        if isinstance(function, Function):
            function.notes["cache"] = {}
        return function

    bare = arguments.positional and isinstance(arguments.positional[0], Function)
    return remember(arguments) if bare else Native("cache", remember)


def _wraps(_machine: Runner, arguments: Arguments) -> Value:
    wrapped = _first(arguments)

    def mark(given: Arguments) -> Value:
        wrapper = given.get(0, "", UNKNOWN)
        if isinstance(wrapper, Function) and isinstance(wrapped, Function):
            original = wrapped.notes.get("wrapped", wrapped)
            wrapper.notes = {**wrapped.notes, "wrapped": original, "name": wrapped.name}
        return wrapper

    return Native("wraps", mark)


def _partial(machine: Runner, arguments: Arguments) -> Value:
    function = _first(arguments)
    rest = arguments.positional[1:]
    return Native(
        "partial",
        lambda given: machine.call(
            function,
            Arguments(
                [*rest, *given.positional],
                {**arguments.named, **given.named},
                arguments.open_positional or given.open_positional,
                arguments.open_named or given.open_named,
            ),
        ),
    )


def _import_module(machine: Runner, arguments: Arguments) -> Value:
    name, package = arguments.get(0, "name", UNKNOWN), arguments.get(1, "package", "")
    if not isinstance(name, str):
        return UNKNOWN
    dots = len(name) - len(name.lstrip("."))
    if dots and isinstance(package, str):
        name = ".".join([*package.split(".")[: len(package.split(".")) - dots + 1], name.lstrip(".")])
    return machine.module(name) or External(name)


def _fields(machine: Runner, arguments: Arguments) -> Value:
    cls = _first(arguments)
    cls = cls.cls if isinstance(cls, Instance) else cls
    return tuple(records.fields(machine, cls)) if isinstance(cls, Class) else UNKNOWN


def _is_dataclass(_machine: Runner, arguments: Arguments) -> Value:
    cls = _first(arguments)
    if isinstance(cls, Class):
        return records.is_dataclass(cls)
    return (
        False
        if isinstance(cls, External | Generic) or is_literal(cls) or isinstance(cls, list | tuple)
        else UNKNOWN
    )


def _type_hints(machine: Runner, arguments: Arguments) -> Value:
    cls = _first(arguments)
    if isinstance(cls, Class):
        return {field.name: records.type_of(machine, field) for field in records.fields(machine, cls)}
    if isinstance(cls, Function) and not isinstance(cls.node, ast.Lambda):
        spec = cls.node.args
        known = [p for p in (*spec.args, *spec.kwonlyargs) if p.annotation is not None]
        return {p.arg: records.read_type(machine, p.annotation, cls.scope) for p in known if p.annotation}
    return UNKNOWN


def _get_args(_machine: Runner, arguments: Arguments) -> Value:
    value = _first(arguments)
    if not isinstance(value, Generic):
        return () if isinstance(value, External | Class) else UNKNOWN
    if isinstance(value.origin, External) and value.origin.name.endswith("Literal"):
        return tuple(
            part.value if isinstance(part, Member) else part for part in records.literals(value.arguments)
        )
    none = External("types.NoneType")
    return tuple(none if part is None else part for part in _flat_union(value))


def _flat_union(value: Generic) -> tuple[Value, ...]:
    name = value.origin.name.rpartition(".")[2] if isinstance(value.origin, External) else ""
    if name == "Optional":
        return (*value.arguments, None)
    if name != "Union":
        return value.arguments
    parts: list[Value] = []
    for part in value.arguments:
        inner = (
            isinstance(part, Generic)
            and isinstance(part.origin, External)
            and part.origin.name.endswith(("Union", "Optional"))
        )
        parts += _flat_union(part) if inner else [part]
    return tuple(parts)


def _get_origin(_machine: Runner, arguments: Arguments) -> Value:
    value = _first(arguments)
    if isinstance(value, Generic):
        name = value.origin.name if isinstance(value.origin, External) else ""
        return External("typing.Union") if name.endswith("Optional") else value.origin
    return None if isinstance(value, External | Class) else UNKNOWN


def _environment(_machine: Runner, arguments: Arguments) -> Value:
    """An environment variable: its default, as where nobody has set it."""
    default = arguments.get(1, "default")
    return UNKNOWN if default is None else default


def _print(_machine: Runner, _arguments: Arguments) -> Value:
    return None


_FUNCTIONS: dict[str, Callable[[Runner, Arguments], Any]] = {
    "list": _list,
    "iter": _list,
    "tuple": _tuple,
    "set": _set,
    "frozenset": _set,
    "dict": _dict,
    "collections.OrderedDict": _dict,
    "collections.defaultdict": lambda _, __: {},
    "reversed": _reversed,
    "sorted": _sorted,
    "enumerate": _enumerate,
    "zip": _zip,
    "map": _map,
    "filter": _filter,
    "next": _next,
    "any": _any,
    "all": _all,
    "len": _len,
    "str": _str,
    "int": _number(int),
    "float": _number(float),
    "bool": _bool,
    "range": _range,
    "getattr": _getattr,
    "hasattr": _hasattr,
    "setattr": _setattr,
    "isinstance": _isinstance,
    "issubclass": _issubclass,
    "type": _type,
    "vars": _vars,
    "print": _print,
    "os.getenv": _environment,
    "os.environ.get": _environment,
    "exit": _exit,
    "quit": _exit,
    "sys.exit": _exit,
    "os._exit": _exit,
    "copy.copy": _copy,
    "copy.deepcopy": _copy,
    "typing.cast": lambda _, arguments: arguments.get(1, "val", UNKNOWN),
    "textwrap.dedent": _same,
    "inspect.cleandoc": _same,
    "inspect.unwrap": _same,
    "functools.wraps": _wraps,
    "functools.partial": _partial,
    "functools.lru_cache": _cache,
    "functools.cache": _cache,
    "functools.total_ordering": _decorator,
    "contextlib.contextmanager": _decorator,
    "abc.abstractmethod": _decorator,
    "typing.override": _decorator,
    "typing.overload": _decorator,
    "typing_extensions.override": _decorator,
    "importlib.import_module": _import_module,
    "dataclasses.fields": _fields,
    "dataclasses.is_dataclass": _is_dataclass,
    "typing.get_type_hints": _type_hints,
    "typing.is_typeddict": _is_typeddict,
    "typing.get_args": _get_args,
    "typing.get_origin": _get_origin,
    "typing_extensions.get_args": _get_args,
    "typing_extensions.get_origin": _get_origin,
}
