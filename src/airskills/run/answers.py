"""What a keeper answers, as data that can be relied on: a job shares a pipe with it and may write anything there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception of a step.

    Attributes:
        type: name of its class.
        text: what it says.
        line: 1-based line of the step's file that it came from; None where it came from none.
        traceback: from the file's own lines on.
    """

    type: str
    text: str
    line: int | None
    traceback: str

    def __str__(self) -> str:
        return f"{self.type}: {self.text}" if self.text else self.type


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning of a step; `line` is that of the step's file where it was its own doing, else None."""

    category: str
    text: str
    line: int | None
    deprecated: bool

    def __str__(self) -> str:
        return f"{self.category}: {self.text}"


@dataclass(frozen=True, slots=True)
class Result:
    """What a step or a call did.

    Attributes:
        seconds: it took.
        raised: what it raised, or None.
        silent: whether the expression held that was to be true afterwards, or what it raised.
        warned: warnings, at most a thousand.
        value: of a call.
    """

    seconds: float = 0.0
    raised: Raised | None = None
    silent: bool | str | None = None
    warned: tuple[Warned, ...] = ()
    value: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a job.

    Attributes:
        end: `exit`, `timeout`, `flood` (it wrote more than 16 MiB), or `lost` (the keeper itself was killed).
        status: wait status of the child; None where it was killed by us.
        results: one for each step that came to an end.
        output: what it wrote, the middle of a long text left out.
        written: bytes it wrote.
        left: command lines of processes it left running, which are dead now.
        seconds: from request to answer.
    """

    end: str
    status: int | None = None
    results: tuple[Result, ...] = ()
    output: str = ""
    written: int = 0
    left: tuple[str, ...] = ()
    seconds: float = 0.0


def result(told: Any) -> Result | None:
    """A result as `snippets` writes it; None for anything else."""
    try:
        return Result(
            float(told.get("seconds", 0.0)),
            None if told["error"] is None else _raised(told["error"]),
            told["silent"] if isinstance(told.get("silent"), bool | str) else None,
            tuple(_warned(warning) for warning in told.get("warnings", ())),
            told.get("value"),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _raised(told: dict[str, Any]) -> Raised:
    return Raised(str(told["type"]), str(told["text"]), _line(told["line"]), str(told["traceback"]))


def _warned(told: dict[str, Any]) -> Warned:
    return Warned(str(told["category"]), str(told["text"]), _line(told["line"]), bool(told["deprecated"]))


def _line(told: Any) -> int | None:
    return None if told is None else int(told)
