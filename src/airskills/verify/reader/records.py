"""Fields of dataclasses and pydantic models, with the types that their annotations name."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from airskills.verify.reader.classes import class_names, find, is_enum, members, mro
from airskills.verify.reader.flow import Runner
from airskills.verify.reader.values import (
    UNKNOWN,
    Arguments,
    Class,
    External,
    Generic,
    Instance,
    Member,
    Native,
    Scope,
    Unknown,
    Value,
    is_literal,
)

MISSING = External("dataclasses.MISSING")
# Bases that bring no fields. Any other base that is not read makes the fields of a class open.
PLAIN = frozenset(
    {
        "object",
        "ABC",
        "Generic",
        "Protocol",
        "BaseModel",
        "Enum",
        "PushToHubMixin",
        "Mapping",
        "dict",
        "BaseSettings",
    }
)


@dataclass(frozen=True, eq=False)
class Field:
    """A field of a record.

    Attributes:
        name: its name.
        annotation: the expression that says its type.
        scope: where that expression is read.
        value: the default, or what `field(...)`, `Field(...)` or another factory was called with; None: no default.
        owner: the class that declares it.
    """

    name: str
    annotation: ast.expr
    scope: Scope
    value: ast.expr | None
    owner: Class

    def attribute(self, machine: Runner, name: str) -> Value:
        """What `dataclasses.Field` and pydantic's `FieldInfo` answer."""
        if name == "name":
            return self.name
        if name in {"type", "annotation"}:
            return type_of(machine, self)
        if name == "default":
            return default(machine, self)
        if name == "metadata":
            return metadata(machine, self)
        return {"init": True, "default_factory": MISSING}.get(name, UNKNOWN)


def is_dataclass(cls: Class) -> bool:
    """Whether a class, or one of its bases, is a dataclass or a pydantic model."""
    return any(base.dataclass for base in mro(cls) if isinstance(base, Class)) or is_model(cls)


def is_model(cls: Class) -> bool:
    """Whether a class is a pydantic model."""
    return any(
        isinstance(b, External) and b.name.rpartition(".")[2] in {"BaseModel", "BaseSettings"}
        for b in mro(cls)
    )


def fields(machine: Runner, cls: Class) -> list[Field]:
    """Fields in the order of definition, those of bases first; class variables are left out."""
    found: dict[str, Field] = {}
    for base in reversed(mro(cls)):
        if isinstance(base, Class):
            found |= {field.name: field for field in _own(machine, base)}
    return [field for field in found.values() if not _is_class_variable(field)]


def missing_bases(cls: Class) -> list[str]:
    """Bases that are not read and may bring fields of their own."""
    names = [
        base.name if isinstance(base, External) else "?" for base in mro(cls) if not isinstance(base, Class)
    ]
    return [name for name in names if name.rpartition(".")[2] not in PLAIN]


def _own(machine: Runner, cls: Class) -> Iterator[Field]:
    scope = Scope(cls.scope.module, cls.scope, class_names(machine, cls))
    for statement in _statements(cls.node.body):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield Field(statement.target.id, statement.annotation, scope, statement.value, cls)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a class body, those below `if` included."""
    for statement in body:
        if isinstance(statement, ast.If):
            yield from _statements([*statement.body, *statement.orelse])
        else:
            yield statement


def _is_class_variable(field: Field) -> bool:
    text = ast.unparse(field.annotation).strip("'\"")
    return text.startswith(("ClassVar", "typing.ClassVar")) or field.name == "model_config"


def type_of(machine: Runner, field: Field) -> Value:
    """The type that a field's annotation names."""
    return read_type(machine, field.annotation, field.scope)


def read_type(machine: Runner, annotation: ast.expr, scope: Scope) -> Value:
    """The type that an annotation names; quoted ones are read as well."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return UNKNOWN
    return machine.evaluate(annotation, scope)


def factory(machine: Runner, field: Field) -> Arguments | None:
    """Arguments of the `field(...)` or `Field(...)` that describes a field, also inside `Annotated`; else None."""
    for node in (field.value, *_annotated(field.annotation)):
        if isinstance(node, ast.Call) and _ends(node.func) in {"field", "Field", "HfArg", "Arg"}:
            scope = field.scope
            arguments = Arguments([machine.evaluate(argument, scope) for argument in node.args])
            for word in node.keywords:
                if word.arg is None:
                    arguments.open_named = True
                else:
                    arguments.named[word.arg] = machine.evaluate(word.value, scope)
            return arguments
    return None


def _annotated(annotation: ast.expr) -> list[ast.expr]:
    if isinstance(annotation, ast.Subscript) and _ends(annotation.value) == "Annotated":
        return annotation.slice.elts[1:] if isinstance(annotation.slice, ast.Tuple) else []
    return []


def _ends(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def default(machine: Runner, field: Field) -> Value:
    """The default of a field; `MISSING` where it has none."""
    arguments = factory(machine, field)
    if arguments is None:
        return MISSING if field.value is None else machine.evaluate(field.value, field.scope)
    made = arguments.named.get("default_factory")
    if isinstance(made, Class):
        return Instance(made)  # its own defaults are read when somebody asks
    if made is not None and made != MISSING:
        return machine.call(made, Arguments())
    found = arguments.named.get("default", arguments.positional[0] if arguments.positional else MISSING)
    return MISSING if isinstance(found, Unknown) and "default" not in arguments.named else found


def metadata(machine: Runner, field: Field) -> Value:
    """The `metadata` of a dataclass field; an empty dictionary where it has none."""
    arguments = factory(machine, field)
    found = arguments.named.get("metadata", {}) if arguments else {}
    aliases = arguments.named.get("aliases") if arguments else None
    return {**(found if isinstance(found, dict) else {}), **({"aliases": aliases} if aliases else {})}


# --- what a class answers to code that looks at it


def _model_fields(machine: Runner, cls: Class) -> Value:
    return {field.name: field for field in fields(machine, cls)} if is_model(cls) else UNKNOWN


def _dataclass_fields(machine: Runner, cls: Class) -> Value:
    found = find(machine, mro(cls), "__dataclass_fields__")
    return {field.name: field for field in fields(machine, cls)} if isinstance(found, Unknown) else found


def _annotations(machine: Runner, cls: Class) -> Value:
    return {field.name: type_of(machine, field) for field in _own(machine, cls)}


def _members(machine: Runner, cls: Class) -> Value:
    return {member.name: member for member in members(machine, cls)} if is_enum(cls) else UNKNOWN


def _subclasses(machine: Runner, cls: Class) -> Value:
    """Classes whose base it is, as far as modules around it import them; not known where there are none."""

    def found(_: Arguments) -> Value:
        return [other for other in machine.classes(cls.scope.module.name) if cls in other.bases] or UNKNOWN

    return Native("__subclasses__", found)


CLASS_ATTRIBUTES: dict[str, Callable[[Runner, Class], Any]] = {
    "__name__": lambda _, cls: cls.name,
    "__qualname__": lambda _, cls: cls.name,
    "__module__": lambda _, cls: cls.scope.module.name,
    "__doc__": lambda _, cls: ast.get_docstring(cls.node) or "",
    "__dataclass_fields__": _dataclass_fields,
    "__annotations__": _annotations,
    "model_fields": _model_fields,
    "__fields__": _model_fields,
    "__members__": _members,
    "__subclasses__": _subclasses,
}


# --- types, as far as a value can be judged by them


@dataclass(frozen=True)
class Kind:
    """What a type admits.

    Attributes:
        name: `str`, `int`, `float`, `bool`, `none`, `list`, `dict`, `record`, `literal`, `union` or `any`.
        parts: the alternatives of a union, the items of a list (one) or of a dictionary (key, value).
        values: what a literal type or an enumeration admits.
        record: the class of a record.
    """

    name: str
    parts: tuple[Kind, ...] = ()
    values: tuple[Value, ...] = ()
    record: Class | None = None


ANY = Kind("any")
_SCALARS = {"str": "str", "int": "int", "float": "float", "bool": "bool", "NoneType": "none"}
_LISTS = frozenset(
    {"list", "List", "Sequence", "tuple", "Tuple", "set", "Set", "frozenset", "Iterable", "Collection"}
)
_DICTS = frozenset({"dict", "Dict", "Mapping", "MutableMapping", "OrderedDict"})


def kind(machine: Runner, value: Value) -> Kind:
    """What a type admits; anything where that is not known."""
    if value is None:
        return Kind("none")
    if isinstance(value, External):
        return _external_kind(value.name.rpartition(".")[2])
    if isinstance(value, Class):
        return _class_kind(machine, value)
    if isinstance(value, Generic):
        return _generic_kind(machine, value)
    return ANY


def _external_kind(name: str) -> Kind:
    if name in _SCALARS:
        return Kind(_SCALARS[name])
    if name in _LISTS:
        return Kind("list", (ANY,))
    return Kind("dict", (ANY, ANY)) if name in _DICTS else ANY


def _class_kind(machine: Runner, cls: Class) -> Kind:
    if is_enum(cls):
        values = tuple(member.value for member in members(machine, cls))
        known = all(is_literal(value) and value is not None for value in values)
        return Kind("literal", values=values) if known and values else ANY
    return Kind("record", record=cls) if is_dataclass(cls) else ANY


def is_union(value: Generic) -> bool:
    """Whether it is `Optional[...]` or `Union[...]`, which `a | b` is read as."""
    return _origin(value) in {"Union", "Optional"}


def _origin(value: Generic) -> str:
    return value.origin.name.rpartition(".")[2] if isinstance(value.origin, External) else ""


def _generic_kind(machine: Runner, value: Generic) -> Kind:
    name = _origin(value)
    if is_union(value):
        parts = [kind(machine, part) for part in value.arguments]
        return _union([*parts, Kind("none")] if name == "Optional" else parts)
    if name == "Literal":
        values = [part.value if isinstance(part, Member) else part for part in literals(value.arguments)]
        known = all(is_literal(part) for part in values)
        return Kind("literal", values=tuple(values)) if known else ANY
    if name in {"Annotated", "Required", "NotRequired", "Final", "ClassVar"}:
        return kind(machine, value.arguments[0])
    if name in _LISTS:
        return Kind("list", (kind(machine, value.arguments[0]) if value.arguments else ANY,))
    if name in _DICTS:
        return Kind("dict", (ANY, kind(machine, value.arguments[-1])))
    return kind(machine, value.origin) if isinstance(value.origin, Class) else ANY


def literals(arguments: tuple[Value, ...]) -> Iterator[Value]:
    """What a `Literal` admits, those inside it included."""
    for part in arguments:
        if (
            isinstance(part, Generic)
            and isinstance(part.origin, External)
            and part.origin.name.endswith("Literal")
        ):
            yield from literals(part.arguments)
        else:
            yield part


def _union(parts: list[Kind]) -> Kind:
    flat = [inner for part in parts for inner in (part.parts if part.name == "union" else (part,))]
    if any(part == ANY for part in flat):
        return ANY
    unique = tuple(dict.fromkeys(flat))
    return unique[0] if len(unique) == 1 else Kind("union", unique)


def without_none(found: Kind) -> Kind:
    """The same without `None`."""
    return _union([part for part in found.parts if part.name != "none"]) if found.name == "union" else found
