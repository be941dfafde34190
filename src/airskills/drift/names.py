"""What a module binds, as data: the compact form that is cached and compared.

Every class is a named tuple, so that JSON holds it as a list and reading one back costs a call. Texts of expressions
are normal: quotes, spaces and line ends of the source do not count.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

POSITIONAL, EITHER, VARIABLE, KEYWORD, KEYWORDS = "/a*kw"  # `def f(a, /, b, *c, d, **e)`


class Parameter(NamedTuple):
    """One parameter: `kind` is one of the five letters above, `default` None where a value must be given."""

    name: str
    kind: str
    default: str | None
    annotation: str = ""


class Notice(NamedTuple):
    """A deprecation that the code announces when it runs.

    Attributes:
        message: its literal text.
        subjects: names that the conditions around it mention; none when it always speaks.
    """

    message: str
    subjects: tuple[str, ...]


class Function(NamedTuple):
    """A function, method or property.

    Attributes:
        parameters: in order, `self` included.
        decorators: as written, without `@`.
        returns: its annotation.
        notices: deprecations that its body announces.
        body: hash of its source, by which a renamed function is known.
        line: 1-based.
    """

    parameters: tuple[Parameter, ...]
    decorators: tuple[str, ...]
    returns: str
    notices: tuple[Notice, ...]
    body: str
    line: int


class Class(NamedTuple):
    """A class.

    Attributes:
        bases: as written, keywords left out.
        decorators: as written, without `@`.
        members: what its body binds, in order.
        attributes: names that its methods set on `self`.
        makes_dataclasses: whether its subclasses become dataclasses: "" no, "fields", or "open" where any keyword is taken.
        line: 1-based.
    """

    bases: tuple[str, ...]
    decorators: tuple[str, ...]
    members: dict[str, Binding]
    attributes: tuple[str, ...]
    makes_dataclasses: str
    line: int


class Alias(NamedTuple):
    """`from module import name`, or `import module` where `name` is ""; `level` counts the leading dots."""

    level: int
    module: str
    name: str


class Value(NamedTuple):
    """An assignment.

    Attributes:
        text: the value, cut at 200 characters; None for a bare annotation.
        annotation: as written.
        field: how a dataclass takes it: "" as usual, "never" into `__init__`, "keyword" only by keyword.
        line: 1-based.
    """

    text: str | None
    annotation: str
    field: str
    line: int


Binding: TypeAlias = Function | Class | Alias | Value


class Module(NamedTuple):
    """One source file.

    Attributes:
        names: what it binds, in order.
        stars: its `from x import *`, each with an empty name.
        exports: literals of `__all__`, or None where there is none or it cannot be read.
        export_of: names of modules whose `__all__` is added to it.
        spare: names that another branch binds too, if the one that is listed fails.
        typing_only: names bound only where `TYPE_CHECKING` is true.
        lazy: names by submodule of an `_import_structure`.
        answers: how it answers for names that no statement binds: "" not at all; "lazy" by `lazy` and `typing_only`;
            "words" perhaps for its `words`; "any" perhaps for every name.
        words: identifiers among the literals of a module that answers with "words".
        patched: attribute names that some code sets on classes.
        handled: names that bare calls get first when it is imported, as `patch(Index)` does.
        notices: deprecations that importing it announces.
        hooked: patterns (as of `fnmatch`) of module paths that an import hook in this file may answer to.
    """

    names: dict[str, Binding]
    stars: tuple[Alias, ...]
    exports: tuple[str, ...] | None
    export_of: tuple[str, ...]
    spare: tuple[str, ...]
    typing_only: tuple[str, ...]
    lazy: dict[str, tuple[str, ...]]
    answers: str
    words: tuple[str, ...]
    patched: tuple[str, ...]
    handled: tuple[str, ...]
    notices: tuple[Notice, ...]
    hooked: tuple[str, ...]


def encode(module: Module) -> list[Any]:
    """A module as JSON values."""
    return [{name: _encode(binding) for name, binding in module.names.items()}, *module[1:]]


def decode(stored: list[Any]) -> Module:
    """What `encode` made of a module, also after a trip through JSON."""
    row = Module._make(stored)
    lists = {field: tuple(getattr(row, field)) for field in _LISTS}
    return row._replace(
        names={name: _decode(binding) for name, binding in stored[0].items()},
        stars=tuple(map(Alias._make, row.stars)),
        exports=None if row.exports is None else tuple(row.exports),
        lazy={name: tuple(found) for name, found in row.lazy.items()},
        notices=_notices(stored[Module._fields.index("notices")]),
        **lists,  # type: ignore[arg-type]  # fields of strings
    )


def _encode(binding: Binding) -> list[Any]:
    if isinstance(binding, Class):
        members = {name: _encode(member) for name, member in binding.members.items()}
        return ["c", *binding._replace(members=members)]  # type: ignore[arg-type]  # JSON's form of them
    return [_LETTERS[type(binding)], *binding]


def _decode(stored: list[Any]) -> Binding:
    letter, *rest = stored
    if letter == "i":
        return Alias(*rest)
    if letter == "v":
        return Value(*rest)
    if letter == "f":
        parameters, decorators, returns, notices, body, line = rest
        found = tuple(map(Parameter._make, parameters))
        return Function(found, tuple(decorators), returns, _notices(notices), body, line)
    bases, decorators, members, attributes, makes_dataclasses, line = rest
    bound = {name: _decode(member) for name, member in members.items()}
    return Class(tuple(bases), tuple(decorators), bound, tuple(attributes), makes_dataclasses, line)


def _notices(stored: list[list[Any]]) -> tuple[Notice, ...]:
    return tuple(Notice(message, tuple(subjects)) for message, subjects in stored)


_LISTS = ("export_of", "spare", "typing_only", "words", "patched", "handled", "hooked")
_LETTERS: dict[type, str] = {Function: "f", Alias: "i", Value: "v"}
