"""What all rewards on text share: the text of a completion, and the columns beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

from airskills.rl.errors import MissingPackageError, RewardColumnError


def text_of(completion: Any) -> str:
    """Return the text: the completion itself, or the content of its last message.

    Raises:
        RewardColumnError: if it is neither a string nor a list of messages with text.

    >>> text_of([{"role": "assistant", "content": "4"}])
    '4'
    """
    if isinstance(completion, str):
        return completion
    try:
        content = completion[-1]["content"]
    except (TypeError, KeyError, IndexError) as error:
        raise RewardColumnError(
            f"A completion is {completion!r:.80}, neither text nor a list of messages"
        ) from error
    return content if isinstance(content, str) else ""  # a tool call has no text


def column_of(columns: dict[str, Any], name: str, length: int, reward: str) -> Sequence[Any]:
    """Return a dataset column as long as the completions.

    Raises:
        RewardColumnError: if it is missing or of another length.
    """
    values: Sequence[Any] | None = columns.get(name)
    if values is None:
        present = ", ".join(sorted(columns)) or "none"
        raise RewardColumnError(
            f"{reward} reads the column {name!r}; it got {present}", help="Add it to the dataset"
        )
    if len(values) != length:
        raise RewardColumnError(f"Column {name!r} has {len(values)} values for {length} completions")
    return values


def load(module: str, package: str, needed_by: str) -> Any:
    """Import an optional package at first use.

    Raises:
        MissingPackageError: if it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingPackageError(package, needed_by) from error


@dataclass(frozen=True)
class TextReward:
    """Base of rewards that look at one text at a time."""

    __name__: ClassVar[str] = "text_reward"

    def __call__(self, completions: Any, **columns: Any) -> list[float | None]:  # noqa: ARG002 - a trainer passes more than is read
        """Score each completion, text or list of messages; an empty batch gives an empty list."""
        return [self.score(text_of(completion)) for completion in completions]

    def score(self, text: str) -> float | None:
        """Return the reward of one text, `None` if it does not apply."""
        raise NotImplementedError


def unproven(
    reward: Any, gold: Sequence[Any], columns: Mapping[str, Any] | None = None, *, full: float = 1.0
) -> list[int]:
    """Return the rows whose gold answer does not get the full reward: run it once over a dataset before training.

    Args:
        reward: any reward.
        gold: completions that must score `full`.
        columns: what the reward reads beside the completions.
        full: the largest reward.
    """
    scores = reward(completions=gold, **(columns or {}))
    return [i for i, score in enumerate(scores) if score is None or score < full]
