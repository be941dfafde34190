"""Work that several processes share: each says what it needs, all is asked at once, and what fails is heard of."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Generator, Sequence

import pytest

from airskills.verify import shares


def share(numbers: Sequence[int]) -> Generator[set[int], dict[int, int], tuple[int, list[int]]]:
    squares = yield set(numbers)
    return os.getpid(), [squares[number] for number in numbers]


def work(parts: Sequence[Sequence[int]]) -> list[tuple[int, list[int]]]:
    team = shares.Team([share(part) for part in parts])
    try:
        return team.found([{number: number**2 for number in numbers} for numbers in team.needs()])
    finally:
        team.stop()


@pytest.mark.parametrize("forks", ["forks", ""])
@pytest.mark.parametrize("parts", [[], [[3]], [[1, 2], [3], [4, 5]]])
def test_each_share_is_told_what_it_needs_and_ends_in_order(
    forks: str, parts: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "FORKS", bool(forks) and shares.FORKS)
    found = work(parts)
    assert [squares for _, squares in found] == [[number**2 for number in part] for part in parts]
    processes = {process for process, _ in found}
    assert len(processes) == (len(parts) if shares.FORKS else min(1, len(parts)))
    assert os.getpid() in processes or not parts


def broken(_numbers: Sequence[int]) -> Generator[set[int], dict[int, int], tuple[int, list[int]]]:
    yield set()
    raise ZeroDivisionError("of the share")


def test_what_fails_in_another_process_is_raised_here_with_its_traceback() -> None:
    team = shares.Team([share([1]), broken([2])])
    team.needs()
    with pytest.raises((RuntimeError, ZeroDivisionError), match="of the share"):
        team.found([{1: 1}, {}])
    team.stop()


@pytest.mark.parametrize("told", [False, True])
def test_processes_that_wait_for_a_word_end_when_they_are_let_go(told: bool) -> None:  # noqa: FBT001 - a case
    teams = [
        shares.Team([share([1]), share([2])]) for _ in range(2)
    ]  # the later ones hold the earlier one's pipes
    if told:
        assert [team.needs() for team in teams] == [[{1}, {2}]] * 2
    for team in teams:
        team.stop()
    assert multiprocessing.active_children() == []
