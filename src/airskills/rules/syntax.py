"""Whether JSON, YAML and TOML parse: (line, message) of the first fault, or None. Linear in the length of the text."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable

import yaml

MAX_DEPTH = 100
Problem = tuple[int, str]

_KEY = r"""(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_DEEP_KEY = re.compile(rf"(?<![\w.-])(?:{_KEY}[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}}")


def data_problem(language: str, text: str) -> Problem | None:
    """What keeps a JSON, JSON Lines, YAML or TOML text from parsing; None for other languages."""
    parse = _PARSERS.get(language)
    try:
        return parse(text) if parse else None
    except RecursionError:
        return 1, "nested too deeply"
    except ValueError as error:  # a number of over 4,300 digits
        return 1, str(error).partition(";")[0]


def _json_problem(text: str) -> Problem | None:
    """Nothing is wrong with several values in a row or with members out of an object, as documents show them."""
    problem = _value_problem(text)
    if problem and (
        _lines_problem(text) is None or _value_problem(f"{{{text.rstrip().rstrip(',')}}}") is None
    ):
        return None
    return problem


def _value_problem(text: str) -> Problem | None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.lineno, error.msg
    return None


def _lines_problem(text: str) -> Problem | None:
    for number, line in enumerate(text.split("\n"), 1):
        problem = _value_problem(line if line.strip() else "0")
        if problem:
            return number, problem[1]
    return None


def _toml_problem(text: str) -> Problem | None:
    deep = _DEEP_KEY.search(text)  # tomllib takes time that grows with the square of the parts of a key
    if deep:
        return text.count("\n", 0, deep.start()) + 1, f"a key of over {MAX_DEPTH} parts"
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        return int(found[1]) if found else 1, str(error).partition(" (at")[0]
    return None


def _yaml_problem(text: str) -> Problem | None:
    depth = 0
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                return 1, "nested too deeply"
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return (mark.line + 1 if mark else 1), str(getattr(error, "problem", "") or "not YAML")
    return None


_PARSERS: dict[str, Callable[[str], Problem | None]] = {
    "json": _json_problem,
    "jsonl": _lines_problem,
    "toml": _toml_problem,
    "yaml": _yaml_problem,
    "yml": _yaml_problem,
}
