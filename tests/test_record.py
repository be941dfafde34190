"""Records: what frozen dataclasses do, without `dataclasses`."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError

import pytest

from airskills.record import Record


class Point(Record):
    x: int
    y: int = 0


class Noted(Record, uncompared=("note",)):
    x: int
    note: str = ""


def test_fields_are_given_by_place_by_name_or_by_default() -> None:
    points = [Point(1, 2), Point(1, y=2), Point(x=1, y=2)]

    assert [(point.x, point.y) for point in [*points, Point(1)]] == [(1, 2), (1, 2), (1, 2), (1, 0)]


@pytest.mark.parametrize(
    ("args", "named"),
    [((), {}), ((), {"y": 1}), ((1, 2, 3), {}), ((1,), {"z": 1}), ((1,), {"x": 1}), ((1, 2), {"y": 2})],
    ids=["none", "required missing", "too many", "unknown", "twice", "twice, none left"],
)
def test_other_arguments_are_refused(args: tuple[int, ...], named: dict[str, int]) -> None:
    with pytest.raises(TypeError, match="Point takes x, y"):
        Point(*args, **named)


def test_a_record_cannot_be_changed() -> None:
    point = Point(1)

    with pytest.raises(FrozenInstanceError):
        point.x = 2  # type: ignore[misc] # that it is refused is the point
    with pytest.raises(FrozenInstanceError):
        del point.x
    with pytest.raises(FrozenInstanceError):
        point.z = 2
    assert point == Point(1)


def test_equal_records_are_of_one_class_and_hash_alike() -> None:
    assert Point(1) == Point(1, 0)
    assert len({Point(1), Point(1, 0), Point(2)}) == 2
    assert Point(1) != Noted(1)
    assert Point(1) != (1, 0)


def test_an_uncompared_field_counts_for_nothing() -> None:
    assert Noted(1, "a") == Noted(1, "b")
    assert hash(Noted(1, "a")) == hash(Noted(1, "b"))


def test_replace_makes_a_copy_with_other_values() -> None:
    point = Point(1, 2)

    assert point.replace(y=3) == Point(1, 3)
    assert point == Point(1, 2)
    with pytest.raises(TypeError):
        point.replace(z=1)


def test_records_are_copied_and_pickled() -> None:
    assert copy.deepcopy(Noted(1, "a")).note == "a"
    assert pickle.loads(pickle.dumps(Point(1, 2))) == Point(1, 2)


def test_a_record_shows_every_field() -> None:
    assert repr(Noted(1, "a")) == "Noted(x=1, note='a')"
