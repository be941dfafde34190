"""Work in two steps that several processes share: each says what it needs to know, all is asked at once, each ends its part.

A share is a generator: it yields what it needs, is sent the answer, and returns what it found. The first one is worked on
here, the others in forks, which have everything that was there when they began.
"""

from __future__ import annotations

import multiprocessing
import sys
import traceback
from collections.abc import Generator, Sequence
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

Needs = TypeVar("Needs")
Told = TypeVar("Told")
Found = TypeVar("Found")
Work = Generator[Needs, Told, Found]

FORKS = sys.platform == "linux"  # elsewhere a fork may not use the libraries of the system


class Team(Generic[Needs, Told, Found]):
    """The processes that share some work.

    Args:
        shares: not begun; those in forks begin at once.
    """

    def __init__(self, shares: Sequence[Work[Needs, Told, Found]]) -> None:
        here = 1 if FORKS else len(shares)
        self._here = shares[:here]
        self._forks = [_Fork(share) for share in shares[here:]]

    def needs(self) -> list[Needs]:
        """What each share needs to know."""
        return [*map(next, self._here), *(fork.receive() for fork in self._forks)]

    def found(self, told: Sequence[Told]) -> list[Found]:
        """What each share finds, once it is told."""
        here = len(self._here)
        for fork, answer in zip(self._forks, told[here:], strict=True):
            fork.send(answer)
        own = [_end(share, answer) for share, answer in zip(self._here, told, strict=False)]
        return [*own, *(fork.receive() for fork in self._forks)]

    def stop(self) -> None:
        """Let the processes go, whatever they are at."""
        for fork in self._forks:
            fork.stop()


def _end(share: Work[Needs, Told, Found], told: Told) -> Found:
    try:
        share.send(told)
    except StopIteration as end:
        found: Found = end.value
        return found
    raise RuntimeError("a share needs to know something twice")


class _Fork:
    """A share in a process of its own."""

    def __init__(self, share: Work[Any, Any, Any]) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(share, other, self._pipe), daemon=True)
        self._process.start()
        other.close()

    def send(self, told: object) -> None:
        self._pipe.send(told)

    def receive(self) -> Any:
        """What it says next.

        Raises:
            RuntimeError: it failed, with its traceback.
        """
        failed, said = self._pipe.recv()
        if failed:
            raise RuntimeError(f"In another process:\n{said}")
        return said

    def stop(self) -> None:
        """Let it go: it may wait for a word, and does not hear that nobody listens while a later fork has our end too."""
        self._pipe.close()
        self._process.terminate()
        self._process.join()


def _serve(share: Work[Any, Any, Any], pipe: Connection, other: Connection) -> None:
    other.close()
    try:
        pipe.send((False, next(share)))
        pipe.send((False, _end(share, pipe.recv())))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return  # nobody waits for it any more
    except Exception:  # noqa: BLE001 - raised again where it is received
        pipe.send((True, traceback.format_exc()))
