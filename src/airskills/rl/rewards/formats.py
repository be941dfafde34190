"""Rewards for the form of an answer: a pattern, tags in order, JSON of a schema."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any, ClassVar

from airskills.rl.errors import RewardParameterError
from airskills.rl.rewards.text import TextReward, load

FENCE = re.compile(r"\s*```(?:json)?\s*\n(.*)\n\s*```\s*", re.DOTALL)


@dataclass(frozen=True)
class FormatMatch(TextReward):
    r"""1 if the whole text matches the pattern (dot matches newlines), else 0.

    >>> FormatMatch(r"\d+")(["42", "42!"])
    [1.0, 0.0]
    """

    pattern: str
    __name__: ClassVar[str] = "format_match"

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern, re.DOTALL)
        except re.error as error:
            raise RewardParameterError(
                f"pattern {self.pattern!r} is not a regular expression: {error}"
            ) from error

    def score(self, text: str) -> float:
        """1 or 0."""
        return float(re.fullmatch(self.pattern, text, re.DOTALL) is not None)


@dataclass(frozen=True)
class TagFormat(TextReward):
    """1 if the text is exactly the tags in order, each once, none empty, and nothing but space around them.

    A second `<think>`, a tag inside another, and words after the last tag score 0.

    >>> TagFormat(("think", "answer"))(["<think>a</think> <answer>b</answer>", "<answer>b</answer>"])
    [1.0, 0.0]
    """

    tags: tuple[str, ...] = ("think", "answer")
    __name__: ClassVar[str] = "tag_format"

    def __post_init__(self) -> None:
        object.__setattr__(self, "tags", tuple(self.tags))
        if not self.tags or not all(tag.isidentifier() for tag in self.tags):
            raise RewardParameterError(f"tags is {self.tags!r}; it must be one or more words")

    def score(self, text: str) -> float:
        """1 or 0."""
        marks = [mark for tag in self.tags for mark in (f"<{tag}>", f"</{tag}>")]
        if any(text.count(mark) != 1 for mark in marks):
            return 0.0
        pieces = re.split("|".join(map(re.escape, marks)), text)
        in_order = re.findall("|".join(map(re.escape, marks)), text) == marks
        outside, inside = pieces[::2], pieces[1::2]
        return float(
            in_order
            and not any(piece.strip() for piece in outside)
            and all(piece.strip() for piece in inside)
        )


@dataclass(frozen=True)
class JsonSchema(TextReward):
    """1 if the text, or the one fenced block it consists of, is JSON that satisfies the schema, else 0.

    Uses jsonschema-rs, or jsonschema where that is missing. `NaN` and `Infinity` are not JSON. References to
    other documents are not fetched.

    Attributes:
        schema: a mapping, or its JSON text.

    >>> JsonSchema({"type": "object", "required": ["a"]})(['{"a": 1}', "{}", "a"])
    [1.0, 0.0, 0.0]
    """

    schema: Any
    __name__: ClassVar[str] = "json_schema"

    def __post_init__(self) -> None:
        text = self.schema if isinstance(self.schema, str) else json.dumps(self.schema, sort_keys=True)
        object.__setattr__(self, "schema", text)
        _validator(text)

    def score(self, text: str) -> float:
        """1 or 0."""
        fenced = FENCE.fullmatch(text)
        try:
            value = json.loads(fenced[1] if fenced else text, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return 0.0
        return float(_validator(self.schema)(value))


def _refuse(constant: str) -> None:
    raise ValueError(constant)


@cache
def _validator(schema: str) -> Callable[[Any], bool]:
    """Compile a schema once per process.

    Raises:
        RewardParameterError: if it is not JSON or not a schema.
    """
    try:
        parsed = json.loads(schema)
        if find_spec("jsonschema_rs"):
            return _fast_validator(parsed)
        return _slow_validator(parsed)
    except ValueError as error:
        raise RewardParameterError(f"schema is not a JSON schema: {str(error).splitlines()[0]}") from error


def _fast_validator(schema: Any) -> Callable[[Any], bool]:
    rust = load("jsonschema_rs", "jsonschema-rs", "JsonSchema")
    validator: Callable[[Any], bool] = rust.validator_for(schema).is_valid
    return validator


def _slow_validator(schema: Any) -> Callable[[Any], bool]:
    library = load("jsonschema", "jsonschema", "JsonSchema")
    kind = library.validators.validator_for(schema, default=library.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except library.SchemaError as error:
        raise ValueError(error.message) from error
    validator: Callable[[Any], bool] = kind(schema).is_valid
    return validator
