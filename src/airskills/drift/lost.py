"""What became of things that no path leads to any more: moved, renamed, or gone, with the evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from airskills.drift.change import Change
from airskills.drift.notices_of import Notices
from airskills.drift.similar import ENOUGH, bodies, named_in, names_alike, renaming, things_alike
from airskills.drift.surface import Item, Surface, last, parent
from airskills.drift.world import Absent


class Fate(NamedTuple):
    """`moved`, `renamed` or `gone`; to which public thing; why that is believed."""

    kind: str
    item: Item | None = None
    evidence: str = ""


class Lost:
    """Looks for what is gone from `old` among what is new in `new`."""

    def __init__(self, old: Surface, new: Surface, notices: Notices) -> None:
        self.old, self.new, self.notices = old, new, notices
        self.fresh = {home: item for home, item in new.items.items() if self._is_new(item)}
        self._by_name = _grouped((last(item.home), item) for item in self.fresh.values())
        self._by_place = _grouped((parent(path), item) for item in self.fresh.values() for path in item.paths)
        self._by_code = _grouped((code, item) for item in self.fresh.values() for code in bodies(item.found))
        self._new_by_name = {last(item.home): item for item in new.items.values()}
        self._common = Counter(last(home) for home in old.items)

    def _is_new(self, item: Item) -> bool:
        return all(self.old.world.find(path) is Absent.MISSING for path in item.paths)

    def fate(self, item: Item, *, with_module: bool) -> Fate:
        """What became of a thing; one that went with its module is not taken to be renamed."""
        return self._moved(item) or (None if with_module else self._renamed(item)) or Fate("gone")

    def _moved(self, item: Item) -> Fate | None:
        """A new place that offers the name; where many things have that name, the code has to be the same."""
        name = last(item.home)
        rows = [(*things_alike(item.found, other.found), other) for other in self._by_name.get(name, ())]
        score, why, found = max(rows, key=lambda row: row[0], default=(0.0, "", item))
        is_common = len(rows) > 1 or self._common[name] > 1
        return Fate("moved", found, f"same name, {why}") if score >= (1.0 if is_common else 0.5) else None

    def _renamed(self, item: Item) -> Fate | None:
        """A new thing that the library named when it deprecated this one, that is close by and alike, or the same code."""
        said = named_in(self.notices.messages(item.found), self._new_by_name, last(item.home))
        if said:
            return Fate("renamed", self._new_by_name[said[0]], f"the library said: {said[1]}")
        best, why, found = 0.0, "", None
        for other, is_near in self._candidates(item):
            score, reason = renaming(item.found, other.found)
            if score > best and score >= (ENOUGH if is_near else 1):
                best, why, found = score, reason, other
        return Fate("renamed", found, why) if found else None

    def _candidates(self, item: Item) -> Iterator[tuple[Item, bool]]:
        """New things of the same kind that are offered in the same place, then those that share code with it."""
        near = [other for place in map(parent, item.paths) for other in self._by_place.get(place, ())]
        alike = [other for code in bodies(item.found) for other in self._by_code.get(code, ())]
        for others, is_near in ((near, True), (alike, False)):
            kind = type(item.found.binding)
            yield from ((other, is_near) for other in others if type(other.found.binding) is kind)

    def modules(self) -> Iterator[Change]:
        """Public modules that are gone, the outermost ones: moved if most of their own names went to one place."""
        gone = [name for name in self.old.modules if self.new.world.find(name) is Absent.MISSING]
        for name in gone:
            if inside(name, gone):
                continue
            paths = (path for item in self.old.items.values() for path in item.paths)
            held = sorted(path.removeprefix(f"{name}.") for path in paths if path.startswith(f"{name}."))
            place, share = self._new_home(name, held)
            kind, why = (
                ("moved", f"{share} of its {len(held)} names are there")
                if place
                else ("gone", _listing(held))
            )
            listed = tuple(f"{name}.{below}" for below in held)
            yield Change(kind, "module", name, new=place, evidence=why, paths=listed)

    def _new_home(self, module: str, held: Sequence[str]) -> tuple[str, int]:
        """The place that newly offers most of the names that only this module had."""
        own = {name for name in held if self._common[last(name)] == 1}
        offers = (item for name in own for item in self._by_name.get(last(name), ()))
        counts = Counter(parent(path) for item in offers for path in item.paths)
        best = max(counts, key=lambda place: (counts[place], names_alike(module, place)), default="")
        return (best, counts[best]) if 2 * counts[best] > len(held) else ("", 0)


def inside(path: str, modules: Iterable[str]) -> str | None:
    """That of the modules which holds the path, if one does."""
    return next((module for module in modules if path.startswith(f"{module}.")), None)


def _listing(names: Sequence[str]) -> str:
    shown = [name for name in names if "." not in name] or list(names)
    return f"with {', '.join(shown[:6])}{', ...' if len(shown) > 6 else ''}" if shown else ""


def _grouped(rows: Iterable[tuple[str, Item]]) -> Mapping[str, list[Item]]:
    groups: dict[str, list[Item]] = {}
    for key, item in rows:
        groups.setdefault(key, []).append(item)
    return groups
