"""Two releases of a distribution, compared as a user of its public names would meet the difference.

Nothing is reported that cannot be decided from source: a class with an unknown base, a module that answers for any
name. What was left out is counted by its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from airskills.drift import members
from airskills.drift.calls import Calls, Keyed, where
from airskills.drift.change import KINDS, Change
from airskills.drift.classes import free
from airskills.drift.lost import Lost, inside
from airskills.drift.names import Class, Function
from airskills.drift.surface import Item, Surface, kind_of, parent
from airskills.drift.world import Absent, Found


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed, most breaking first, and what nobody could tell: how often, by reason."""

    changes: tuple[Change, ...]
    undecided: Mapping[str, int]


def compare(old: Surface, new: Surface) -> Comparison:
    """Everything that changed from one release to another."""
    found = _Comparer(old, new)
    order = {kind: number for number, kind in enumerate(KINDS)}
    changes = sorted(
        _merged(found.changes()), key=lambda c: (order[c.kind], c.path.count("."), c.path, c.parameter)
    )
    return Comparison(tuple(changes), dict(found.undecided.most_common()))


def _rank(change: Change) -> tuple[int, int, str]:
    return change.path.count("."), len(change.path), change.path


def _merged(changes: Iterable[Keyed]) -> Iterator[Change]:
    """One change for each definition; the other paths that show it are kept beside."""
    groups: dict[tuple[str, ...], list[Change]] = {}
    for key, change in changes:
        groups.setdefault(key, []).append(change)
    for group in groups.values():
        first = min(group, key=_rank)
        others = {path for change in group for path in (change.path, *change.paths)} - {first.path}
        deep = all(change.deep for change in group)
        yield replace(first, paths=tuple(sorted(others)), deep=deep)


class _Comparer:
    def __init__(self, old: Surface, new: Surface) -> None:
        self.old, self.new = old, new
        self.undecided: Counter[str] = Counter()
        self.calls = Calls(old, new, self.undecided)
        self.lost = Lost(old, new, self.calls.before)

    def changes(self) -> Iterator[Keyed]:
        """Every change with the key under which the same thing at other paths is merged."""
        told: dict[str, str] = {}  # module that is gone -> where it moved, or ""
        successors: set[str] = set()
        for change in self.lost.modules():
            told[change.path] = change.new
            successors |= {
                f"{change.new}{path.removeprefix(change.path)}" for path in change.paths if change.new
            }
            yield ("module", change.path), change
        for item in self.old.items.values():
            for key, change in self._item(item, told):
                successors.add(change.new)
                yield key, replace(change, deep=item.deep)
        for home, item in self.lost.fresh.items():
            if successors.isdisjoint(item.paths):
                yield ("added", home), replace(_whole("added", item.found, item.paths), deep=item.deep)

    def _item(self, item: Item, told: Mapping[str, str]) -> Iterator[Keyed]:
        places = {path: self.new.world.find(path) for path in item.paths}
        dead = tuple(path for path, found in places.items() if found is Absent.MISSING)
        alive = [(path, found) for path, found in places.items() if isinstance(found, Found)]
        unknown = len(places) - len(dead) - len(alive)
        if unknown:
            self.undecided["paths that a module may answer for by itself"] += unknown
        if alive:
            yield from self._elsewhere(item, tuple(p for p in dead if not inside(p, told)), alive[0][0])
            yield from self._thing(alive[0][0], item.found, alive[0][1])
        elif not unknown:
            yield from self._gone(item, dead, told)

    def _elsewhere(self, item: Item, dead: tuple[str, ...], alive: str) -> Iterator[Keyed]:
        """Some paths to a thing are gone while others stay."""
        if dead:
            why = "it was importable from there before"
            yield ("moved", item.home), _whole("moved", item.found, dead, new=alive, evidence=why)

    def _gone(self, item: Item, dead: tuple[str, ...], told: Mapping[str, str]) -> Iterator[Keyed]:
        """No path leads to a thing any more; what the change of its module says already is not said again."""
        modules = [inside(path, told) for path in dead]
        fate = self.lost.fate(item, with_module=all(modules))
        place = told[modules[0]] if modules and modules[0] else ""
        follows = fate.item is not None and place in map(parent, fate.item.paths)
        if all(modules) and (fate.kind == "gone" or follows):
            return
        new = fate.item.paths[0] if fate.item else ""
        yield ("gone", item.home), _whole(fate.kind, item.found, dead, new=new, evidence=fate.evidence)

    def _thing(self, path: str, old: Found, new: Found) -> Iterator[Keyed]:
        """A thing that is still there, perhaps with another signature."""
        before, after = old.binding, new.binding
        if isinstance(before, Class) and isinstance(after, Class):
            views = self.old.classes.view(old), self.new.classes.view(new)
            yield from members.changes(path, *views, self.calls, self.undecided)
        elif isinstance(before, Function) and isinstance(after, Function):
            yield from self.calls.signatures(path, "parameter", (old, new), (free(before), free(after)))
            yield from self.calls.deprecations(path, old, new)
        elif {kind_of(old), kind_of(new)} == {"function", "class"}:
            change = Change(
                "became", kind_of(old), path, old=kind_of(old), new=kind_of(new), where=where(new)
            )
            yield ("became", old.home), change


def _whole(kind: str, found: Found, paths: tuple[str, ...], *, new: str = "", evidence: str = "") -> Change:
    others = tuple(sorted(paths[1:]))
    at = where(found) if kind == "added" else ""
    return Change(kind, kind_of(found), paths[0], new=new, evidence=evidence, paths=others, where=at)
