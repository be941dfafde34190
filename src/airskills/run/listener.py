"""Who wants to know how a test goes: progress bars, the pytest plug-in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airskills.run.judge import Outcome
    from airskills.run.units import Unit


class Listener:
    """Is told what happens, one call at a time, from several threads; this one does not care."""

    def making(self, pins: str) -> None:
        """An environment for these pins has to be made."""

    def planned(self, count: int) -> None:
        """So many units will run."""

    def began(self, units: Iterable[Unit]) -> None:
        """These units began, in one process."""

    def ended(self, outcome: Outcome) -> None:
        """A unit has its outcome; it may not have run at all."""
