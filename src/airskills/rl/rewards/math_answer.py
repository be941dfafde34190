"""Is the boxed answer of a completion the same number, set or expression as the gold answer?"""

from __future__ import annotations

import atexit
import json
import os
import re
import selectors
import subprocess
import sys
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from airskills.rl.errors import MissingPackageError, RewardParameterError
from airskills.rl.rewards.text import column_of, text_of

PROGRAM = Path(__file__).with_name("grader.py")
START_S = 60.0  # importing sympy, at most
NUMBER = re.compile(
    r"\$?\s*[-+]?(\d[\d,]*(\.\d+)?(\s*/\s*\d+)?|\\[dt]?frac\s*\{\d+\}\s*\{\d+\})\s*(\\?%)?\s*\$?"
)
OPERATION = re.compile(
    r"[*!]|\^(?!\s*\{?\s*\\circ)|[\w)}]\s*[-+]\s*[\w({\\]"
    r"|\\(times|cdot|div|sqrt|sum|prod|int|binom|gcd|lcm|max|min|log|ln|exp|sin|cos|tan|bmod|pmod|lfloor|lceil)\b"
)


@dataclass(frozen=True)
class MathAnswer:
    r"""1 if the last `\boxed{...}` of the completion equals the gold answer by math-verify, else 0.

    `None` where the gold answer is `None` or cannot be parsed. No box, a box that cannot be parsed, and an
    expression that takes longer than `timeout_s` score 0. Safe from any thread: one worker process grades.

    Attributes:
        column: dataset column with the gold answers, text or LaTeX.
        timeout_s: seconds per completion.
        evaluated: where the gold answer is a number, an answer with an operation left in it scores 0. It equals the
            gold answer, and a policy that copies `17 \times 23` from the question has learned nothing.
    """

    column: str = "solution"
    timeout_s: float = 5.0
    evaluated: bool = True
    __name__: ClassVar[str] = "math_answer"

    def __post_init__(self) -> None:
        if self.timeout_s <= 0:
            raise RewardParameterError(f"timeout_s is {self.timeout_s}; it must be positive")

    def __call__(self, completions: Any, **columns: Any) -> list[float | None]:
        """Grade each completion against the same row of the column."""
        golds = column_of(columns, self.column, len(completions), "MathAnswer")
        pairs = zip(completions, golds, strict=True)
        return [None if gold is None else self._grade(text_of(got), str(gold)) for got, gold in pairs]

    def _grade(self, completion: str, gold: str) -> float | None:
        if self.evaluated and NUMBER.fullmatch(gold.strip()) and OPERATION.search(last_box(completion)):
            return 0.0
        verdict = _worker(os.getpid()).ask(gold, completion, self.timeout_s)
        return None if verdict is None else float(verdict)


def last_box(text: str) -> str:
    r"""Return what stands in the last `\boxed{...}`, up to the end of the text if it is never closed.

    >>> last_box(r"no \boxed{3}, it is \boxed{\frac{1}{2}}.")
    '\\frac{1}{2}'
    """
    _, box, rest = text.rpartition("\\boxed{")
    depth = 1 if box else 0
    for at, character in enumerate(rest):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return rest[:at]
    return rest if box else ""


class _Worker:
    """The grading process: started at first use, killed at a timeout and started again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def ask(self, gold: str, completion: str, timeout_s: float) -> bool | None:
        """Send one pair and wait; a timeout or a crash is `False`."""
        with self._lock:
            process = self._process or self._start()
            answer = _exchange(process, [gold, completion], timeout_s)
            if answer is None:
                self.stop()
                return False
            verdict: bool | None = json.loads(answer)
            return verdict

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", str(PROGRAM)]
        process = subprocess.Popen(  # noqa: S603 - our own file
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )
        self._process = process
        if _exchange(process, ["1", "\\boxed{1}"], START_S) != "true\n":
            self.stop()
            raise MissingPackageError("math-verify[antlr4_13_2]", "MathAnswer")
        return process

    def stop(self) -> None:
        """End the process; the next question starts another."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _exchange(process: subprocess.Popen[str], pair: list[str], timeout_s: float) -> str | None:
    """Write a line and read one; `None` at a timeout, and if the process has ended."""
    assert process.stdin is not None  # noqa: S101 - opened as pipes
    assert process.stdout is not None  # noqa: S101 - as above
    try:
        process.stdin.write(json.dumps(pair) + "\n")
    except BrokenPipeError:
        return None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(timeout_s):
            return None
    return process.stdout.readline() or None


@cache
def _worker(_process: int) -> _Worker:
    """One per process: a fork must not share the pipes of its parent."""
    worker = _Worker()
    atexit.register(worker.stop)
    return worker
