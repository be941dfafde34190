"""In which release each change came: by bisection over the released wheels, or release by release."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from airskills.drift.change import Change
from airskills.drift.compare import Comparison
from airskills.drift.shelf import Shelf
from airskills.errors import AirskillsError

# What is gone may be seen as moved or renamed only once its successor is there.
_LOSSES = frozenset({"gone", "moved", "renamed"})


def dated(shelf: Shelf, versions: Sequence[str], found: Comparison) -> Iterator[Change]:
    """The changes between the first and the last version, each with the release in which it came.

    A release without a wheel is passed over; the change then lies between its neighbours.

    Args:
        shelf: the distribution.
        versions: released versions, oldest first, both ends included.
        found: the comparison of the two ends.
    """
    yield from _split(shelf, list(versions), 0, found.changes)


def _split(shelf: Shelf, versions: list[str], low: int, changes: Iterable[Change]) -> Iterator[Change]:
    """Halve `versions[low:]`'s span until each change lies between two neighbours."""
    pending: list[tuple[int, int, list[Change]]] = [(low, len(versions) - 1, list(changes))]
    while pending:
        first, final, waiting = pending.pop()
        middle = _middle(shelf, versions, first, final) if waiting else None
        if middle is None:
            yield from (change.happened(versions[first], versions[final]) for change in waiting)
            continue
        there = _Seen(shelf.compare(versions[low], versions[middle]))
        pending.append((first, middle, [change for change in waiting if there.has(change)]))
        pending.append((middle, final, [change for change in waiting if not there.has(change)]))


def _middle(shelf: Shelf, versions: Sequence[str], first: int, final: int) -> int | None:
    """The version in the middle of a span, or the one nearest to it that has a wheel; None where there is none."""
    centre = (first + final) // 2
    for index in sorted(range(first + 1, final), key=lambda i: abs(i - centre)):
        try:
            shelf.wheel(versions[index])
        except AirskillsError:
            continue
        return index
    return None


class _Seen:
    """Changes as a set that does not mind how well they were explained."""

    def __init__(self, found: Comparison) -> None:
        self._keys = {key for change in found.changes for key in _keys(change)}

    def has(self, change: Change) -> bool:
        """Whether the same thing has happened already."""
        return not self._keys.isdisjoint(_keys(change))


def _keys(change: Change) -> Iterator[tuple[str, ...]]:
    group = "lost" if change.kind in _LOSSES else change.kind
    value = change.new if change.kind == "default" else ""
    for path in (change.path, *change.paths):
        yield group, path, change.parameter, value


def step_by_step(shelf: Shelf, versions: Sequence[str]) -> Iterator[Change]:
    """Every change of every release, also those that a later one took back.

    Raises:
        AirskillsError: one of the two ends cannot be had.
    """
    shelf.wheel(versions[-1])
    known = versions[0]
    for version in versions[1:]:
        try:
            shelf.wheel(version)
        except AirskillsError:
            continue
        yield from (change.happened(known, version) for change in shelf.compare(known, version).changes)
        known = version
