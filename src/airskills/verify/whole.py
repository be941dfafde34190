"""All that was found of one skill, kept for runs in which neither it nor anything it is proven against changed."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from airskills.draft import write_whole
from airskills.pins import Pin
from airskills.verify.ledger import Entry
from airskills.verify.memory import entry_of, place_of, row_of


@dataclass(frozen=True, slots=True)
class Whole:
    """What is known of a skill.

    Attributes:
        pins: of the skill.
        sets: the pins of its units, each set once.
        stamp: what it was proven against, see `api`.
        entries: every use, by place.
        places: where code stands: path, and its first and last line.
    """

    pins: tuple[Pin, ...]
    sets: tuple[tuple[Pin, ...], ...]
    stamp: str
    entries: tuple[Entry, ...]
    places: tuple[tuple[str, int, int], ...]


def recall(cache: Path | None, skill: str, key: str) -> Whole | None:
    """What is kept of a skill under this key; None where there is nothing, or it is damaged."""
    if cache is None:
        return None
    try:
        stored = json.loads(place_of(cache, skill, "-whole").read_text(encoding="utf-8"))
        return _read(stored) if stored["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(cache: Path | None, skill: str, key: str, whole: Whole) -> None:
    """Keep it; what was kept of the skill before goes."""
    if cache is None:
        return
    stored = {
        "key": key,
        "pins": [astuple(pin) for pin in whole.pins],
        "sets": [[astuple(pin) for pin in pins] for pins in whole.sets],
        "stamp": whole.stamp,
        "entries": [row_of(entry) for entry in whole.entries],
        "places": whole.places,
    }
    path = place_of(cache, skill, "-whole")
    with suppress(OSError):  # a cache that cannot be written costs time, nothing else
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(stored))


def _read(stored: dict[str, Any]) -> Whole:
    return Whole(
        tuple(map(_pin, stored["pins"])),
        tuple(tuple(map(_pin, pins)) for pins in stored["sets"]),
        stored["stamp"],
        tuple(map(entry_of, stored["entries"])),
        tuple((path, first, last) for path, first, last in stored["places"]),
    )


def _pin(row: list[Any]) -> Pin:
    name, version, extras, bare = row
    return Pin(name, version, tuple(extras), bare)
