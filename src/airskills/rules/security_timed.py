"""Code that waits: what is done only from a certain day on, so that nobody who tries the skill sees it."""

from __future__ import annotations

import ast
import re

from airskills.rules.security_names import Names

_CLOCK = re.compile(r"(?:^|\.)(?:today|now|utcnow)$")
_GRAVE = re.compile(
    r"(?:^|\.)(?:rmtree|unlink|rmdir|removedirs|urlopen|urlretrieve|system|popen|exec|eval)$|^os\.remove$|^subprocess\.|^requests\."
)
_DAY = re.compile(r"20\d\d-[01]\d-[0-3]\d")
_EPOCH = range(1_600_000_000, 4_000_000_000)  # seconds of days that are not long past


def waits(test: ast.expr, names: Names, clocks: frozenset[str]) -> bool:
    """Whether a condition compares the clock with a day that stands in the code; `clocks` are variables that hold it."""
    for node in ast.walk(test):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(_is_clock(side, names, clocks) for side in sides) and any(
                _is_day(side, names) for side in sides
            ):
                return True
    return False


def grave(body: list[ast.stmt], names: Names) -> bool:
    """Whether statements delete files, run programs or ask another machine."""
    calls = (node for statement in body for node in ast.walk(statement) if isinstance(node, ast.Call))
    return any(_GRAVE.search(names.dotted(call.func)) for call in calls)


def _is_clock(node: ast.expr, names: Names, clocks: frozenset[str]) -> bool:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and is_clock(names.dotted(inner.func)):
            return True
        if isinstance(inner, ast.Name) and inner.id in clocks:
            return True
    return False


def is_clock(name: str) -> bool:
    """Whether a function of this name says what time it is."""
    return name == "time.time" or _CLOCK.search(name) is not None


def _is_day(node: ast.expr, names: Names) -> bool:
    if isinstance(node, ast.Constant):
        return (
            node.value in _EPOCH if isinstance(node.value, int) else _DAY.match(str(node.value)) is not None
        )
    if not isinstance(node, ast.Call) or not names.dotted(node.func).endswith(
        ("date", "datetime", "fromisoformat", "strptime")
    ):
        return False
    if not node.args or not all(isinstance(argument, ast.Constant) for argument in node.args):
        return False
    return len(node.args) > 2 or _DAY.match(names.text(node.args[0])) is not None
