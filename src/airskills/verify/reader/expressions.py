"""Expressions, on what is known of their parts."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from airskills.verify.reader import calls, classes
from airskills.verify.reader.flow import Runner
from airskills.verify.reader.values import (
    UNKNOWN,
    Arguments,
    Argv,
    Choice,
    Class,
    Condition,
    External,
    Function,
    Generic,
    Member,
    Rest,
    Scope,
    Super,
    Unknown,
    Value,
    Word,
    is_literal,
    truth,
)

MAX_SIZE = 100_000  # characters or items that a product or a sum may have
_TYPES = (Class, External, Generic)


def evaluate(machine: Runner, node: ast.expr, scope: Scope) -> Value:
    """The value of an expression, unknown where its kind is not understood."""
    handler = _EXPRESSIONS.get(type(node))
    return UNKNOWN if handler is None else handler(machine, node, scope)


def _name(machine: Runner, node: ast.Name, scope: Scope) -> Value:
    return machine.lookup(node.id, scope)


def _constant(_machine: Runner, node: ast.Constant, _scope: Scope) -> Value:
    return UNKNOWN if node.value is ... else node.value


def _attribute(machine: Runner, node: ast.Attribute, scope: Scope) -> Value:
    return calls.attribute(machine, machine.evaluate(node.value, scope), node.attr)


# Methods of containers and loggers: what they are given stays what it is.
_KEEPS = frozenset(
    {"append", "add", "extend", "insert", "update", "setdefault", "debug", "info", "warning", "error"}
)


def _items(machine: Runner, nodes: list[ast.expr], scope: Scope) -> tuple[list[Value], bool]:
    """Values of expressions, with `*x` spread, and whether some `*x` was unknown."""
    found: list[Value] = []
    hidden = False
    for node in nodes:
        if not isinstance(node, ast.Starred):
            found.append(machine.evaluate(node, scope))
            continue
        items = classes.items(machine, machine.evaluate(node.value, scope))
        hidden |= items is None
        found += items or []
    return found, hidden


def _list(machine: Runner, node: ast.List, scope: Scope) -> Value:
    items, hidden = _items(machine, node.elts, scope)
    return UNKNOWN if hidden and not items else items


def _tuple(machine: Runner, node: ast.Tuple, scope: Scope) -> Value:
    items, hidden = _items(machine, node.elts, scope)
    return UNKNOWN if hidden and not items else tuple(items)


def _set(machine: Runner, node: ast.Set, scope: Scope) -> Value:
    items, hidden = _items(machine, node.elts, scope)
    return UNKNOWN if hidden or not all(map(classes.hashable, items)) else set(items)


def _dict(machine: Runner, node: ast.Dict, scope: Scope) -> Value:
    made: dict[Value, Value] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            other = machine.evaluate(value, scope)
            made.update(other if isinstance(other, dict) else {})
            continue
        name = machine.evaluate(key, scope)
        item = machine.evaluate(value, scope)
        if classes.hashable(name):
            made[name] = item
    return made


def _call(machine: Runner, node: ast.Call, scope: Scope) -> Value:
    if isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args:
        place: Scope | None = scope
        while place is not None and place.owner is None:
            place = place.parent
        return Super(place.owner, place.receiver) if place and place.owner else UNKNOWN
    callee = machine.evaluate(node.func, scope)
    arguments = Arguments()
    arguments.positional, arguments.open_positional = _items(machine, node.args, scope)
    for keyword in node.keywords:
        value = machine.evaluate(keyword.value, scope)
        if keyword.arg is not None:
            arguments.named[keyword.arg] = value
        elif isinstance(value, dict):
            arguments.named |= {name: item for name, item in value.items() if isinstance(name, str)}
        else:
            arguments.open_named = True
    if isinstance(callee, Unknown) and getattr(node.func, "attr", "") not in _KEEPS:
        calls.lose(arguments, f"it is passed to {ast.unparse(node.func)[:60]}, which is not read")
    if isinstance(callee, External) and callee.name in {"builtins.locals", "builtins.globals"}:
        return dict(scope.names if callee.name.endswith("locals") else scope.module.names)
    return machine.call(callee, arguments)


def _subscript(machine: Runner, node: ast.Subscript, scope: Scope) -> Value:
    value = machine.evaluate(node.value, scope)
    if isinstance(node.slice, ast.Slice):
        return _slice(machine, value, node.slice, scope)
    return item(value, machine.evaluate(node.slice, scope))


def item(value: Value, key: Value) -> Value:
    """`value[key]`."""
    if isinstance(value, _TYPES) and not isinstance(value, Generic):
        return Generic(value, key if isinstance(key, tuple) else (key,))
    if isinstance(value, Argv) and isinstance(key, int):
        return Word(value.start + key) if key >= 0 else UNKNOWN
    if isinstance(value, dict) and isinstance(key, Word):
        return Choice({str(name): item for name, item in value.items()})
    if isinstance(value, dict | list | tuple | str) and classes.hashable(key):
        try:
            return value[key]
        except (KeyError, IndexError, TypeError):
            return UNKNOWN
    return UNKNOWN


def _slice(machine: Runner, value: Value, node: ast.Slice, scope: Scope) -> Value:
    bounds = [machine.evaluate(part, scope) for part in (node.lower, node.upper, node.step)]
    if isinstance(value, Argv) and isinstance(bounds[0] or 0, int) and bounds[1] is None:
        return Argv(value.start + (bounds[0] or 0))
    if isinstance(value, list | tuple | str) and all(
        bound is None or isinstance(bound, int) for bound in bounds
    ):
        return value[slice(*bounds)] if bounds[2] != 0 else UNKNOWN
    return UNKNOWN


_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Mod: operator.mod,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
}

_PLAIN = (int, float, str, list, tuple, dict, set, frozenset)


def _binary(machine: Runner, node: ast.BinOp, scope: Scope) -> Value:
    return binary(node.op, machine.evaluate(node.left, scope), machine.evaluate(node.right, scope))


def binary(operation: ast.operator, left: Value, right: Value) -> Value:
    """`left operation right`; `|` of types is their union."""
    if isinstance(operation, ast.BitOr) and (isinstance(left, _TYPES) or isinstance(right, _TYPES)):
        return Generic(External("typing.Union"), (left, right))
    if isinstance(operation, ast.Add) and (isinstance(left, list) or isinstance(right, list)):
        # What is known of a list stays known: flags in it are offered.
        parts = [part for part in (left, right) if isinstance(part, list)]
        return [item for part in parts for item in part] if sum(map(len, parts)) < MAX_SIZE else UNKNOWN
    apply = _OPERATORS.get(type(operation))
    if apply is None or not isinstance(left, _PLAIN) or not isinstance(right, _PLAIN) or _large(left, right):
        return UNKNOWN
    try:
        return apply(left, right)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError, KeyError):
        return UNKNOWN


def _large(left: Value, right: Value) -> bool:
    """Whether a product or a number would be too large to hold."""
    sizes = [
        len(v) if isinstance(v, str | list | tuple) else abs(v) if isinstance(v, int | float) else 0
        for v in (left, right)
    ]
    return bool(max(sizes) > MAX_SIZE or sizes[0] * sizes[1] > MAX_SIZE)


def _boolean(machine: Runner, node: ast.BoolOp, scope: Scope) -> Value:
    values: list[Value] = []
    decides = isinstance(node.op, ast.Or)
    for part in node.values:
        value = machine.evaluate(part, scope)
        known = truth(value)
        if known is decides:
            sure = not decides or all(truth(other) is not None for other in values)
            return value if sure else _condition(values, value, decides)
        values.append(value)
    unknown = [value for value in values if truth(value) is None]
    return values[-1] if not unknown else _condition(unknown, UNKNOWN, decides)


def _condition(values: list[Value], decided: Value, alternative: bool) -> Value:  # noqa: FBT001 - which operator
    """`word == "a" or ...` and `word == "a" and ...` still say which word it is; else unknown, or the first choice."""
    rest = [value for value in values if isinstance(value, Rest)]
    if rest and not alternative:
        return rest[0]
    words = [value.words for value in values if isinstance(value, Condition)]
    if words and (not alternative or len(words) == len(values)):
        return Condition(frozenset().union(*words))
    if alternative and not isinstance(decided, Unknown):
        return decided if not is_literal(decided) else UNKNOWN
    objects = [value for value in values if not isinstance(value, Unknown | Condition)]
    return objects[0] if alternative and objects else UNKNOWN


def _unary(machine: Runner, node: ast.UnaryOp, scope: Scope) -> Value:
    value = machine.evaluate(node.operand, scope)
    if isinstance(node.op, ast.Not):
        known = truth(value)
        return UNKNOWN if known is None else not known
    if isinstance(node.op, ast.USub) and isinstance(value, int | float):
        return -value
    return UNKNOWN


def _compare(machine: Runner, node: ast.Compare, scope: Scope) -> Value:
    left = machine.evaluate(node.left, scope)
    result: Value = True
    for operation, part in zip(node.ops, node.comparators, strict=True):
        right = machine.evaluate(part, scope)
        result = _compared(machine, operation, left, right)
        if result is not True:
            return result
        left = right
    return result


def _compared(machine: Runner, operation: ast.cmpop, left: Value, right: Value) -> Value:
    if isinstance(operation, ast.Eq | ast.In):
        words = _words(left, right)
        if words:
            return Condition(words)
    looks_for_flag = (
        isinstance(operation, ast.In | ast.NotIn) and isinstance(left, str) and left.startswith("--")
    )
    if looks_for_flag and (isinstance(right, Unknown | Argv | Word) or right == []):
        machine.flags |= {(word, left) for word in machine.word or {""}}
        return UNKNOWN
    if isinstance(operation, ast.Is | ast.IsNot):
        return _identity(left, right, negated=isinstance(operation, ast.IsNot))
    return _relation(operation, left, right)


def _words(left: Value, right: Value) -> frozenset[str]:
    """The words of the command line that a comparison looks for."""
    if isinstance(right, Word):
        left, right = right, left
    if not isinstance(left, Word):
        return frozenset()
    wanted = right if isinstance(right, list | tuple | set | frozenset | dict) else [right]
    words = {word for word in wanted if isinstance(word, str)}
    return frozenset(words if len(words) == len(wanted) else ())


def _identity(left: Value, right: Value, *, negated: bool) -> Value:
    if _is_type(left) and _is_type(right):
        return (left == right) is not negated
    unsure = (*_UNSURE, External)
    if isinstance(left, unsure) or isinstance(right, unsure):
        return UNKNOWN if left is not right or not isinstance(left, External) else not negated
    literals = is_literal(left) and is_literal(right)
    same = left is right or (literals and left == right and type(left) is type(right))
    return same is not negated


def _is_type(value: Value) -> bool:
    """Whether a value is a type, or None in its place: two of them are the same or not."""
    names = ("builtins.", "typing.", "typing_extensions.", "types.")
    known = isinstance(value, External) and (value.name.startswith(names) or value.name.endswith(".MISSING"))
    return known or value is None or isinstance(value, Generic | Class)


def _relation(operation: ast.cmpop, left: Value, right: Value) -> Value:
    relations: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
        ast.Eq: operator.eq,
        ast.NotEq: operator.ne,
        ast.Lt: operator.lt,
        ast.LtE: operator.le,
        ast.Gt: operator.gt,
        ast.GtE: operator.ge,
        ast.In: lambda one, many: one in many,
        ast.NotIn: lambda one, many: one not in many,
    }
    if isinstance(left, _UNSURE) or isinstance(right, _UNSURE):
        return UNKNOWN
    try:
        answer = relations[type(operation)](left, right)
    except (TypeError, KeyError):
        return UNKNOWN
    if isinstance(operation, ast.In | ast.NotIn):
        found = answer is isinstance(operation, ast.In)
        return answer if found or not _hides(right) else UNKNOWN
    return UNKNOWN if _hides(left) or _hides(right) else answer


_UNSURE = (Unknown, Word, Argv, Choice, Condition, Rest)


def _hides(value: Value) -> bool:
    """Whether a collection holds something unknown."""
    if isinstance(value, list | tuple | set | frozenset | dict):
        return any(isinstance(item, _UNSURE) for item in value)
    return False


def _choice(machine: Runner, node: ast.IfExp, scope: Scope) -> Value:
    known = truth(machine.evaluate(node.test, scope))
    if known is not None:
        return machine.evaluate(node.body if known else node.orelse, scope)
    one, other = machine.evaluate(node.body, scope), machine.evaluate(node.orelse, scope)
    if isinstance(one, Unknown) or (is_literal(one) and not is_literal(other)):
        return UNKNOWN if is_literal(other) else other
    return UNKNOWN if is_literal(one) and one != other else one


def _lambda(_machine: Runner, node: ast.Lambda, scope: Scope) -> Value:
    return Function(node, scope)


def _joined(machine: Runner, node: ast.JoinedStr, scope: Scope) -> Value:
    parts: list[str] = []
    for part in node.values:
        value = part.value if isinstance(part, ast.Constant) else _formatted(machine, part, scope)
        if isinstance(value, Member):
            value = value.value
        if not is_literal(value):
            return UNKNOWN
        parts.append(str(value))
    return "".join(parts)


def _formatted(machine: Runner, part: ast.expr, scope: Scope) -> Value:
    if not isinstance(part, ast.FormattedValue) or part.format_spec is not None:
        return UNKNOWN
    return machine.evaluate(part.value, scope)


def _comprehension(
    machine: Runner, node: ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp, scope: Scope
) -> list[Value] | None:
    """What a comprehension gives, in order; None where it runs over something unknown."""
    inner = Scope(scope.module, scope)
    found: list[Value] = []

    def nested(generators: list[ast.comprehension]) -> bool:
        if not generators:
            if isinstance(node, ast.DictComp):
                found.append((machine.evaluate(node.key, inner), machine.evaluate(node.value, inner)))
            else:
                found.append(machine.evaluate(node.elt, inner))
            return True
        items = classes.items(machine, machine.evaluate(generators[0].iter, inner))
        for value in items or []:
            machine.assign(generators[0].target, value, inner)
            tests = [truth(machine.evaluate(test, inner)) for test in generators[0].ifs]
            if False not in tests and not nested(generators[1:]):
                return False
        return items is not None

    return found if nested(node.generators) else None


def _sequence(machine: Runner, node: ast.ListComp | ast.GeneratorExp, scope: Scope) -> Value:
    found = _comprehension(machine, node, scope)
    return UNKNOWN if found is None else found


def _set_comprehension(machine: Runner, node: ast.SetComp, scope: Scope) -> Value:
    found = _comprehension(machine, node, scope)
    return UNKNOWN if found is None or not all(map(classes.hashable, found)) else set(found)


def _dict_comprehension(machine: Runner, node: ast.DictComp, scope: Scope) -> Value:
    found = _comprehension(machine, node, scope)
    return UNKNOWN if found is None else {key: value for key, value in found if classes.hashable(key)}


def _walrus(machine: Runner, node: ast.NamedExpr, scope: Scope) -> Value:
    value = machine.evaluate(node.value, scope)
    machine.assign(node.target, value, scope)
    return value


def _await(machine: Runner, node: ast.Await, scope: Scope) -> Value:
    return machine.evaluate(node.value, scope)


def _yield(machine: Runner, node: ast.Yield | ast.YieldFrom, scope: Scope) -> Value:
    value = machine.evaluate(node.value, scope)
    scope.yielded += [value] if isinstance(node, ast.Yield) else classes.items(machine, value) or []
    return UNKNOWN


_EXPRESSIONS: dict[type[ast.expr], Callable[[Runner, Any, Scope], Value]] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.Attribute: _attribute,
    ast.List: _list,
    ast.Tuple: _tuple,
    ast.Set: _set,
    ast.Dict: _dict,
    ast.Call: _call,
    ast.Subscript: _subscript,
    ast.BinOp: _binary,
    ast.BoolOp: _boolean,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.IfExp: _choice,
    ast.Lambda: _lambda,
    ast.JoinedStr: _joined,
    ast.ListComp: _sequence,
    ast.GeneratorExp: _sequence,
    ast.SetComp: _set_comprehension,
    ast.DictComp: _dict_comprehension,
    ast.NamedExpr: _walrus,
    ast.Await: _await,
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
}
