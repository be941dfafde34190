"""What is changed in a unit before a checker reads it, always on the same line, so that it judges what it should.

Each change is a small class with the case it exists for.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from airskills.verify.edits import Span, Wrap
from airskills.verify.syntax import Syntax
from airskills.verify.uses import Use, Uses

PRELUDE = "airskills_prelude_"
SOME = f"{PRELUDE}some"
ANY = f"{PRELUDE}any"
WIDE = f"{PRELUDE}wide"
WIRE = f"{PRELUDE}wire_"
UNPINNED = f"{PRELUDE}unpinned_"
# The first line of every virtual file, and the module that it imports from.
PRELUDE_LINE = f"from {PRELUDE} import some as {SOME}, anything as {ANY}, wide as {WIDE}, reveal_type"
# Their arguments are written `(value,)[0]`: what is called there is not told what type is expected of it, and answers with that.
# `Boundless` is what has every attribute: a class below an unknown one, which would else pass for a bool.
PRELUDE_SOURCE = '''\
"""Helpers of the rewrites; read by the checker, never run."""
from typing import Any, Protocol, TypeVar, overload, reveal_type as reveal_type
T = TypeVar("T")
class Boundless(Protocol):
    airskills_nothing_: Any
B = TypeVar("B", bound=Boundless)
anything: Any
@overload
def some(value: None) -> None: ...
@overload
def some(value: T | None) -> T: ...
def some(value): return value
@overload
def wide(value: B) -> B: ...
@overload
def wide(value: bool) -> bool: ...
@overload
def wide(value: int) -> int: ...
@overload
def wide(value: float) -> float: ...
@overload
def wide(value: str) -> str: ...
@overload
def wide(value: bytes) -> bytes: ...
@overload
def wide(value: T) -> T: ...
def wide(value): return value
'''


class Rewrite(Protocol):
    """Finds wraps in a unit."""

    def __call__(self, uses: Uses) -> Iterator[Wrap]:
        """The wraps of one unit."""


class WithoutNone:
    """`tokenizer = AutoTokenizer.from_pretrained(...)`: typed `Tokenizer | None`, and no example tests for None.

    The result of a call that is kept, or of which an attribute is taken at once, is taken to be something. Classes are
    left alone: what they make is never None.
    """

    def __call__(self, uses: Uses) -> Iterator[Wrap]:
        """Every result that may be None."""
        of = uses.syntax.of
        for node in (*of(ast.Assign, ast.NamedExpr), *of(ast.Attribute)):
            if _may_be_none(node.value) and uses.is_sound(node.value):
                yield Wrap(uses.span(node.value), f"{SOME}((", ",)[0])")


def _may_be_none(value: ast.expr) -> bool:
    if not isinstance(value, ast.Call):
        return isinstance(value, ast.Await)
    node = value.func
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return not name[:1].isupper() and name != "super"


@dataclass(frozen=True, slots=True)
class Unpinned:
    """`import transformers` in a skill that does not pin it, while another skill's pin lies in the same root.

    No pin, no proof: what such an import brings is unknown, whoever else knows it.
    """

    pinned: Callable[[Use], bool]

    def __call__(self, uses: Uses) -> Iterator[Wrap]:
        """The module of every import that no pin covers."""
        for span, use in _modules(uses).items():
            if not self.pinned(use):
                yield Wrap(span, f"{UNPINNED}{use.module.replace('.', '_')}", replace=True)


@dataclass(frozen=True, slots=True)
class OwnModules:
    """`from fixtures import tiny`: a file of the skill, which the checker finds under a name of its own.

    Many skills have a file of that name, and all are checked together.
    """

    names: Mapping[str, str]

    def __call__(self, uses: Uses) -> Iterator[Wrap]:
        """The module of every import of such a file."""
        for span, use in _modules(uses).items():
            if use.module in self.names:
                bare = use.kind == "import" and use.span == span
                name = f"{self.names[use.module]}{f' as {use.module}' if bare else ''}"
                yield Wrap(span, name, replace=True)


def _modules(uses: Uses) -> dict[Span, Use]:
    """Where the module of each import is written, once for all names that are taken from it."""
    imports = (use for use in uses.all if use.kind in {"import", "from"})
    return {span: use for use in imports if (span := uses.module_span(use)) is not None}


class LiteralKeywords:
    """`options = {"max_seq_length": 512}` and then `SFTConfig(**options)`: the keywords are written, only not there.

    A dictionary that is bound once, to literal keys, and only ever expanded, is written out where it is expanded.
    """

    def __call__(self, uses: Uses) -> Iterator[Wrap]:
        """Every expansion of a known dictionary."""
        known = _literal_dictionaries(uses.syntax)
        for node in uses.syntax.of(ast.Call) if known else ():
            given = {keyword.arg for keyword in node.keywords}
            for keyword in node.keywords:
                keys = known.get(keyword.value.id) if isinstance(keyword.value, ast.Name) else None
                if keyword.arg is None and keys and not given & set(keys) and uses.is_sound(node):
                    written = ", ".join(f"{key}={ANY}" for key in keys)
                    yield Wrap(uses.span(keyword), written, replace=True)


def _literal_dictionaries(syntax: Syntax) -> dict[str, tuple[str, ...]]:
    """Names bound once to a dictionary whose keys are identifiers, and used for nothing but `**name`."""
    stars = (node.value for node in syntax.of(ast.keyword) if node.arg is None)
    expanded = Counter(value.id for value in stars if isinstance(value, ast.Name))
    if not expanded:
        return {}
    bound: dict[str, list[ast.expr]] = {}
    read = Counter(node.id for node in syntax.of(ast.Name) if isinstance(node.ctx, ast.Load))
    for node in syntax.of(ast.Assign):
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            bound.setdefault(node.targets[0].id, []).append(node.value)
    once = {name: values[0] for name, values in bound.items() if len(values) == 1}
    found = {name: _keys(value) for name, value in once.items() if expanded[name] == read[name]}
    return {name: keys for name, keys in found.items() if keys}


def _keys(value: ast.expr) -> tuple[str, ...]:
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "dict":
        plain = not value.args and all(keyword.arg for keyword in value.keywords)
        return tuple(keyword.arg or "" for keyword in value.keywords) if plain else ()
    if not isinstance(value, ast.Dict):
        return ()
    keys = [key.value if isinstance(key, ast.Constant) else None for key in value.keys]
    plain = all(isinstance(key, str) and key.isidentifier() for key in keys) and len(set(keys)) == len(keys)
    return tuple(str(key) for key in keys) if plain else ()
