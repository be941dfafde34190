"""Classes that a unit can meet, those of the pinned wheels and its own: what they have, and what they surely lack.

It settles what a checker must leave open. `nn.Module.__getattr__` is typed to answer every name, but it only knows what
some class of the family registers; a name that none of them has, and that the skill does not set, is dead.
A base is looked for in the class's own wheel first, then in all; where several classes have one name, all are meant.
"""

from __future__ import annotations

import builtins
import collections
import collections.abc
import enum
import typing
from collections.abc import Iterable, Mapping, Sequence

from airskills.verify.class_index import Answers, Index, Node, simple_name
from airskills.verify.signatures import is_unknown, members

MAX_FAMILY = 400  # classes that are looked at for one owner; of a larger family the words of the wheels speak
_BUILT_IN = frozenset(
    {*dir(builtins), *dir(typing), *dir(collections), *dir(collections.abc), *dir(enum), "ABC"}
)
# Whose lookup answers nothing but what classes of its family register: PyTorch's modules.
REGISTERS = frozenset({("torch", "Module")})


class Classes:
    """The classes that a unit can meet: those of its wheels, and its own.

    Args:
        index: of the wheels.
        near: distributions that the unit imports.
        own: classes that the unit defines: name to names of bases, "" for one that nobody knows.
        words: whatever the unit binds, or writes as text: it may have set an attribute of that name.
    """

    def __init__(
        self, index: Index, near: tuple[str, ...], own: Mapping[str, tuple[str, ...]], words: frozenset[str]
    ) -> None:
        self._index = index
        self._near = near
        self._own = own
        self._words = words

    def lacks(self, owner: str, name: str, *, called: bool) -> bool:
        """Whether no object of this type can have the attribute.

        Args:
            owner: type as a checker writes it.
            name: the attribute.
            called: whether it is called; data is hardly ever.
        """
        types = [member for member in members(owner) if member != "None"]
        if not types or is_unknown(owner) or name in self._words or name.startswith("__"):
            return False
        if any(member.startswith(("<", "def ", "bound ", "(")) for member in types):
            return False
        return all(self._lacks(simple_name(member), name, called=called) for member in types)

    def knows(self, owner: str) -> bool:
        """Whether the wheels or the unit define a class of this type; else it is the standard library's."""
        types = [simple_name(member) for member in members(owner) if member != "None"]
        return any(name in self._own or self._index.nodes(name) for name in types)

    def below_have(self, owner: str, name: str) -> bool:
        """Whether a class below this one has the attribute: an object typed as its base may be one of those."""
        below = self._below(simple_name(owner))
        return any(name in found.names for node in below for found in self._index.members(node))

    def marked(self, cls: str, mark: str, *, inherited: bool = True) -> bool:
        """Whether a class of this simple name, or a base of it, has one of the marks of `class_index`."""
        nodes = self._above(cls) or () if inherited else self._start(cls)
        return any(mark in found.names for node in nodes for found in self._index.members(node))

    def derives(self, owner: str, bases: frozenset[str]) -> bool:
        """Whether a class, or one of its bases, has one of these simple names."""
        return any(name in bases for _, name in self._above(simple_name(owner)) or ())

    def module(self, cls: str) -> str:
        """Name of the package that defines a class; "" where none or more than one does."""
        found = {self._index.sources[dist].wheel.modules[0] for dist, _ in self._index.nodes(cls, self._near)}
        return found.pop().partition(".")[0] if len(found) == 1 else ""

    def place(self, owner: str) -> str:
        """`module:Class` of the one class that a type means; "" where there are several, or none."""
        plain = owner.isprintable() and "|" not in owner
        return self._index.place(simple_name(owner), self._near) if plain else ""

    def members(self, owner: str) -> set[str]:
        """Attributes of a class and its bases, private ones left out."""
        names = {
            n
            for node in self._above(simple_name(owner)) or ()
            for m in self._index.members(node)
            for n in m.names
        }
        return {name for name in names if not name.startswith("_")}

    def _lacks(self, cls: str, name: str, *, called: bool) -> bool:
        above = self._above(cls)
        if above is None:
            return False
        answers = self._answers(above)
        if answers == "anything" or (answers == "data" and not called):
            return False
        family = above | self._below(cls)
        if answers == "delegates" or len(family) > MAX_FAMILY:
            return not self._index.has_word(name)
        return not any(name in found.names for node in family for found in self._index.members(node))

    def _answers(self, above: Iterable[Node]) -> Answers:
        """What the lookup of a class answers, all that is inherited taken together."""
        kinds: set[Answers] = set()
        for node in above:
            for found in self._index.members(node):
                if found.answers:
                    kinds.add("registered" if node in REGISTERS else found.answers)
        order: Sequence[Answers] = ("anything", "delegates", "data", "registered")
        return next((kind for kind in order if kind in kinds), "anything")

    def _above(self, cls: str) -> frozenset[Node] | None:
        """The class and all its bases; None where one of them is nowhere to be read."""
        seen: set[Node] = set()
        pending = self._start(cls)
        if not pending:
            return None
        while pending:
            node = pending.pop()
            if node in seen:
                continue
            seen.add(node)
            for base in self._index.bases(node):
                found = self._index.nodes(base, [node[0]])
                if not found and base not in _BUILT_IN:
                    return None
                pending += found
        return frozenset(seen)

    def _start(self, cls: str) -> list[Node]:
        """Classes of that name; of one of the unit's own, its bases, or none where one of them is not known."""
        names, seen, found = [cls], set[str](), list[Node]()
        while names:
            name = names.pop()
            if not name:
                return []
            if name in self._own and name not in seen:
                names += self._own[name]
            else:
                found += self._index.nodes(name, self._near)
            seen.add(name)
        return found

    def _below(self, cls: str) -> frozenset[Node]:
        return frozenset().union(*(self._index.below(node) for node in self._start(cls)))
