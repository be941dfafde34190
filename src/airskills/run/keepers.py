"""The tool's end of a keeper: start it, give it one job at a time, end it with everything inside."""

from __future__ import annotations

import json
import os
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from airskills.run import isolation, keeper
from airskills.run.answers import Answer, Result, result

PATIENCE = 20.0  # seconds beyond its own deadline after which a keeper that says nothing is given up
START_SECONDS = 300.0  # for importing the packages, which compiles them the first time


@dataclass(slots=True)
class Keeper:
    """A running keeper. `root` is the folder in which its jobs live, one after the other.

    Attributes:
        hello: what it said when it was ready: seconds of import, failed imports, threads, Python's version.
    """

    root: Path
    python: Path
    kind: isolation.Isolation
    preload: tuple[str, ...] = ()
    hello: dict[str, Any] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None
    _token: str = field(default_factory=lambda: secrets.token_hex(8))
    _child: int = 0
    _buffer: bytes = b""

    def start(self) -> None:
        """Start it and wait until the packages are imported.

        Raises:
            KeeperError: it does not come up.
        """
        isolation.fresh(self.root)
        variables = isolation.environment(self.root, self.python, self.kind)
        command = [str(self.python), keeper.__file__]
        with tempfile.TemporaryFile() as errors:
            self._process = subprocess.Popen(
                isolation.wrapped(command, self.kind),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**variables, "AIRSKILLS_KEEPER": self._token},
                cwd=self.root,
                start_new_session=True,
            )
            self._send({"preload": list(self.preload), "isolation": self.kind, "token": self._token})
            hello = self._event(START_SECONDS)
            if hello is None:
                errors.seek(0)
                said = errors.read()[-2000:].decode(errors="replace").strip()
                self.close()
                raise KeeperError(said or "it said nothing")
        self.hello = hello

    def run(self, job: dict[str, Any]) -> Answer:
        """Give it a job and wait for the end of it."""
        start = time.perf_counter()
        results: list[Result] = []
        self._send({"cwd": str(self.root / "work"), **job})
        while (event := self._event(job["timeout"] * keeper.BUSY + PATIENCE)) is not None:
            if "result" in event:
                found = result(event["result"])
                results += [found] if found else []
            elif "started" in event:
                self._child = event["started"]
            else:
                self._child = 0
                event["left"] = tuple(event["left"])
                return Answer(**event, results=tuple(results), seconds=time.perf_counter() - start)
        self.close()
        return Answer("lost", results=tuple(results), seconds=time.perf_counter() - start)

    @property
    def alive(self) -> bool:
        """Whether it can take a job."""
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """End it, with everything that still runs inside."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(1)  # it ends by itself, and its job with it, when its input ends
        except subprocess.TimeoutExpired:
            _kill_group(process.pid)
            process.wait()
        if self.kind != "namespaces":
            _kill_group(self._child)
            for number in keeper.marked(self._token):
                os.kill(number, signal.SIGKILL)

    def kill(self) -> None:
        """Kill it at once, from any thread; whoever waits for its answer learns that it is lost."""
        process = self._process
        if process is not None:
            _kill_group(process.pid)

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process is not None  # noqa: S101 - callers start it first
        assert self._process.stdin is not None  # noqa: S101
        with suppress(BrokenPipeError):  # it is dead; whoever waits for its answer learns that
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def _event(self, seconds: float) -> dict[str, Any] | None:
        """The next event; None when it died or stays silent for so long."""
        assert self._process is not None  # noqa: S101
        assert self._process.stdout is not None  # noqa: S101
        handle = self._process.stdout.fileno()
        end = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([handle], [], [], max(0.0, end - time.monotonic()))
            chunk = os.read(handle, 1 << 16) if ready else b""
            if not chunk:
                return None
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        event: dict[str, Any] = json.loads(line)
        return event


@cache
def strongest() -> isolation.Isolation:
    """The strongest isolation that can be had here, found by starting a keeper in each."""
    for kind in isolation.KINDS[:-1]:
        with tempfile.TemporaryDirectory(prefix="airskills-") as folder:
            probe = Keeper(Path(folder) / "probe", Path(sys.executable), kind)
            with suppress(KeeperError, FileNotFoundError):  # refused, or there is no such program
                probe.start()
                probe.close()
                return kind
    return isolation.KINDS[-1]


class KeeperError(RuntimeError):
    """A keeper did not start: the environment is broken."""


def _kill_group(number: int) -> None:
    if number:
        with suppress(ProcessLookupError, PermissionError):  # it is gone
            os.killpg(number, signal.SIGKILL)
