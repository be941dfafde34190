"""Work that several processes share: each says what it needs, all is asked at once, and what fails is heard of."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence

import pytest

from airskills.verify import shares


def share(numbers: Sequence[int]) -> Generator[set[int], dict[int, int], tuple[int, list[int]]]:
    squares = yield set(numbers)
    return os.getpid(), [squares[number] for number in numbers]


def ask(needed: Sequence[set[int]]) -> list[dict[int, int]]:
    return [{number: number**2 for number in numbers} for numbers in needed]


@pytest.mark.parametrize("forks", ["forks", ""])
@pytest.mark.parametrize("parts", [[], [[3]], [[1, 2], [3], [4, 5]]])
def test_each_share_is_told_what_it_needs_and_ends_in_order(
    forks: str, parts: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "FORKS", bool(forks) and shares.FORKS)
    found = shares.work([share(part) for part in parts], ask)
    assert [squares for _, squares in found] == [[number**2 for number in part] for part in parts]
    processes = {process for process, _ in found}
    assert len(processes) == (len(parts) if shares.FORKS else min(1, len(parts)))
    assert os.getpid() in processes or not parts


def broken(_numbers: Sequence[int]) -> Generator[set[int], dict[int, int], tuple[int, list[int]]]:
    yield set()
    raise ZeroDivisionError("of the share")


def test_what_fails_in_another_process_is_raised_here_with_its_traceback() -> None:
    with pytest.raises((RuntimeError, ZeroDivisionError), match="of the share"):
        shares.work([share([1]), broken([2])], ask)


def test_processes_end_when_asking_fails() -> None:
    def refuse(_needed: Sequence[set[int]]) -> list[dict[int, int]]:
        raise OSError("nobody answers")

    with pytest.raises(OSError, match="nobody answers"):
        shares.work([share([1]), share([2])], refuse)
