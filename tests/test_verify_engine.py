"""Groups of units on their way through the back end: one is prepared while another is asked about, and all ends in order."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from airskills.pins import Pin
from airskills.verify import engine
from airskills.verify.backend import Answer, Asking, BackendError
from airskills.verify.engine import Group, examine
from airskills.verify.packages import Packages
from airskills.verify.ty import Ty
from airskills.verify.ty import _Asking as TyAsking
from airskills.verify.units import Piece, Unit
from airskills.wheels import Wheel

PIN = Pin("lab", "1.0")


@pytest.fixture
def wheel(tmp_path: Path) -> Wheel:
    root = tmp_path / "wheel" / "files"
    info = root / "lab-1.0.dist-info"
    info.mkdir(parents=True)
    (root / "lab.py").write_text("def run(a: int) -> int:\n    return a\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab\nVersion: 1.0\n")
    (info / "RECORD").write_text("lab.py,,\n")
    return Wheel(PIN, root, "0" * 64, ("lab",), {})


class Watched(Ty):
    """ty, with what happens to it written down; it fails, or is interrupted, on the groups of these numbers."""

    def __init__(self, *, refuse: int = -1, fail: int = -1, interrupt: int = -1) -> None:
        self.events: list[str] = []
        self.askings: list[TyAsking] = []
        self.refuse, self.fail, self.interrupt = refuse, fail, interrupt

    def start(self, files: Mapping[str, str], paths: Sequence[Path]) -> Asking:
        number = sum(event.startswith("start") for event in self.events)
        self.events.append(f"start {number}")
        if number == self.refuse:
            raise BackendError("not installed")
        self.askings.append(TyAsking(files, paths))
        return WatchedAsking(self, number, self.askings[-1])


class WatchedAsking:
    def __init__(self, watched: Watched, number: int, asking: TyAsking) -> None:
        self.watched, self.number, self.asking = watched, number, asking

    def answer(self) -> Answer:
        self.watched.events.append(f"answer {self.number}")
        if self.number == self.watched.interrupt:
            raise KeyboardInterrupt
        if self.number == self.watched.fail:
            raise BackendError("crashed")
        return self.asking.answer()

    def stop(self) -> None:
        self.watched.events.append(f"stop {self.number}")
        self.asking.stop()


def groups(wheel: Wheel, watched: Watched, number: int = 3) -> Iterator[Group]:
    """Each of three units, of which group N calls `run` with N arguments."""
    packages = Packages([wheel], {}, frozenset())
    for group in range(number):
        watched.events.append(f"group {group}")
        text = f"import lab\nlab.run({', '.join('1' * group)})"
        units = [
            Unit(f"{text}\nlab.no{count}()", (Piece(1, 3, f"{group}", 1, ()),), (PIN,)) for count in range(3)
        ]
        yield Group(units, lambda _: packages, [wheel.root])


def codes(found: engine.Entries | BackendError) -> list[list[str]] | str:
    return (
        str(found)
        if isinstance(found, BackendError)
        else [[e.code for e in unit if e.code] for unit in found]
    )


DEAD = [[["AV004", "AV002"]] * 3, [["AV002"]] * 3, [["AV005", "AV002"]] * 3]


@pytest.fixture(autouse=True, params=[1, 200], ids=["forks", "alone"])
def share(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SHARE", request.param)


def left_behind(watched: Watched) -> list[object]:
    """Processes and folders that are still there."""
    found: list[object] = [*multiprocessing.active_children()]
    for asking in watched.askings:
        found += [asking._process] if asking._process.poll() is None else []
        found += [asking._project] if asking._project.exists() else []
    return found


def test_a_group_is_prepared_while_the_one_before_is_asked_about_and_answers_come_in_order(
    wheel: Wheel,
) -> None:
    watched = Watched()
    assert list(map(codes, examine(groups(wheel, watched), watched))) == DEAD
    assert watched.events == [
        "group 0", "start 0",
        "group 1", "answer 0", "start 1", "stop 0",
        "group 2", "answer 1", "start 2", "stop 1",
        "answer 2", "stop 2",
    ]  # fmt: skip
    assert left_behind(watched) == []


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("how", ["refuse", "fail"])
def test_a_group_whose_back_end_fails_leaves_the_others_be(wheel: Wheel, number: int, how: str) -> None:
    watched = Watched(**{how: number})
    found = list(map(codes, examine(groups(wheel, watched), watched)))
    why = "not installed" if how == "refuse" else "crashed"
    assert found == [why if group == number else dead for group, dead in enumerate(DEAD)]
    assert left_behind(watched) == []


@pytest.mark.parametrize("number", range(3))
def test_an_interrupt_leaves_no_process_behind(wheel: Wheel, number: int) -> None:
    watched = Watched(interrupt=number)
    with pytest.raises(KeyboardInterrupt):
        list(examine(groups(wheel, watched), watched))
    assert left_behind(watched) == []


def test_who_stops_listening_leaves_no_process_behind(wheel: Wheel) -> None:
    watched = Watched()
    with closing(examine(groups(wheel, watched), watched)) as answers:
        assert codes(next(answers)) == DEAD[0]
    assert left_behind(watched) == []
    assert "answer 1" not in watched.events


def test_an_error_of_ours_in_a_later_group_ends_the_earlier_ones(wheel: Wheel) -> None:
    def broken(_unit: Unit) -> Packages:
        raise ZeroDivisionError("ours")

    watched = Watched()
    (first,) = groups(wheel, watched, 1)
    with pytest.raises((ZeroDivisionError, RuntimeError), match="ours"):
        list(examine([first, Group(first.units, broken, first.paths)], watched))
    assert left_behind(watched) == []
