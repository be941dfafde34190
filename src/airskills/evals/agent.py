"""Any command-line agent: started in a folder with a prompt, stopped at its deadline, read for what it cost."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from airskills.errors import AirskillsError

OUTPUT_LIMIT = 16 * 1024 * 1024  # bytes of a transcript that are kept and read
_PLACES = ("{prompt}", "{prompt_file}")
_COSTS = ("total_cost_usd", "cost_usd", "total_cost", "cost")
_TOKENS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


@dataclass(frozen=True, slots=True)
class Played:
    """One run of an agent.

    Attributes:
        output: what it printed, at most 16 MiB.
        status: its exit status; None where it was stopped at its deadline.
        seconds: how long it took.
        tokens: as it reported them; None where it did not.
        cost: US dollars, likewise.
    """

    output: str
    status: int | None
    seconds: float
    tokens: int | None
    cost: float | None


def command_line(command: str, prompt: str, prompt_file: Path) -> tuple[list[str], bool]:
    """The arguments of an agent, and whether it wants the prompt on standard input.

    Args:
        command: as the user wrote it; `{prompt}` and `{prompt_file}` stand for the prompt and a file that holds it.
        prompt: the task.
        prompt_file: that file.

    Raises:
        AirskillsError: the command is empty or its quotes do not match.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise AirskillsError(f"--agent {command!r}: {error}", help="Close the quotes") from error
    if not words:
        raise AirskillsError("--agent is empty", help="Name a program, such as --agent 'claude -p'")
    filled = [word.replace("{prompt_file}", str(prompt_file)).replace("{prompt}", prompt) for word in words]
    return filled, not any(place in command for place in _PLACES)


def play(command: str, prompt: str, folder: Path, *, timeout: float) -> Played:
    """Run an agent in `folder` until it ends or its time is over; then nothing of its process group is left.

    It has the user's environment, for it needs the user's keys.

    Raises:
        AirskillsError: the command is malformed or cannot be started.
    """
    with (
        tempfile.TemporaryDirectory(prefix="airskills-prompt-") as beside,
        tempfile.TemporaryFile() as output,
    ):
        prompt_file = Path(beside, "prompt.md")
        prompt_file.write_text(prompt, encoding="utf-8")
        words, reads = command_line(command, prompt, prompt_file)
        start = time.perf_counter()
        with Path(prompt_file if reads else os.devnull).open("rb") as said:
            status = _wait(_start(words, folder, said, output), timeout)
        seconds = time.perf_counter() - start
        text = _text(output)
    tokens, cost = usage(text)
    return Played(text, status, seconds, tokens, cost)


def _start(words: list[str], folder: Path, said: IO[bytes], output: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - the user's own command
            words, cwd=folder, stdin=said, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    except OSError as error:
        message = f"The agent {words[0]!r} cannot be started: {error.strerror}"
        raise AirskillsError(message, help="Name a program that is on PATH") from error


def _wait(process: subprocess.Popen[bytes], timeout: float) -> int | None:
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with suppress(ProcessLookupError, PermissionError):  # all of it is gone
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _text(output: IO[bytes]) -> str:
    output.seek(0)
    return output.read(OUTPUT_LIMIT).decode(errors="replace")


def usage(output: str) -> tuple[int | None, float | None]:
    """Tokens and US dollars that an agent reports in JSON: one value, or one a line.

    A final result counts alone; else what turns report is added up.
    """
    rows = [row for row in _objects(output) if isinstance(row, dict)]
    final = [row for row in rows if row.get("type") == "result" or _number(row, _COSTS) is not None]
    turns = [row for row in rows if str(row.get("type", "")).endswith("completed")]
    counted = final[-1:] or turns or rows[-1:]
    tokens = [found for row in counted if (found := _tokens(row)) is not None]
    costs = [price for row in counted if (price := _number(row, _COSTS)) is not None]
    return (sum(tokens) if tokens else None), (sum(costs) if costs else None)


def _objects(output: str) -> Iterator[Any]:
    try:
        value = json.loads(output)
        yield from value if isinstance(value, list) else [value]
    except (ValueError, RecursionError):
        for line in output.splitlines():
            if line.startswith("{"):
                with suppress(ValueError, RecursionError):
                    yield json.loads(line)


def _tokens(row: dict[str, Any]) -> int | None:
    parts = row.get("usage")
    places = [row, parts] if isinstance(parts, dict) else [row]
    totals = [found for place in places if (found := _number(place, ("total_tokens",))) is not None]
    counts = [found for name in _TOKENS if (found := _number(places[-1], (name,))) is not None]
    if totals:
        return int(totals[0])
    return int(sum(counts)) if counts else None


def _number(row: dict[str, Any], names: tuple[str, ...]) -> float | None:
    values = (row.get(name) for name in names)
    return next((float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)), None)
