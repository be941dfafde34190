"""Signatures and deprecations of two releases, side by side."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeAlias

from airskills.drift.change import Change
from airskills.drift.classes import Signature
from airskills.drift.names import Value
from airskills.drift.notices_of import Notices
from airskills.drift.signatures import differences
from airskills.drift.surface import Surface, kind_of, last
from airskills.drift.world import Found, World

# A change, and what it is a change of: the same definition seen at several paths has one key.
Keyed: TypeAlias = tuple[tuple[str, ...], Change]
_CONSTANT = re.compile(r"(?!(?:None|True|False)$)[A-Za-z_][\w.]*")


class Calls:
    """Compares what calls may pass.

    Args:
        old: before.
        new: after.
        undecided: counts what nobody could tell, by reason.
    """

    def __init__(self, old: Surface, new: Surface, undecided: Counter[str]) -> None:
        self.worlds = old.world, new.world
        self.before, self.after = Notices(old), Notices(new)
        self._undecided = undecided
        self._known: dict[tuple[str, str], tuple[Keyed, ...]] = {}

    def once(self, old: str, new: str, look: Callable[[], Iterator[Keyed]]) -> tuple[Keyed, ...]:
        """The changes between two homes; a base that many classes share is looked at once."""
        if (old, new) not in self._known:
            self._known[old, new] = tuple(look())
        return self._known[old, new]

    def is_patched(self, module: str, home: str) -> bool:
        """Whether code of the new release replaces members of that name on classes: its signature is another at run time."""
        tree = self.worlds[1].tree(module)
        patched = tree is not None and last(home) in tree.patched
        if patched:
            self._undecided["signatures of methods that a patch replaces"] += 1
        return patched

    def signatures(
        self, path: str, what: str, things: tuple[Found, Found], signatures: tuple[Signature, Signature]
    ) -> Iterator[Keyed]:
        """What a caller of the thing at `path` meets."""
        old, new = things
        before, after = (
            _with_values(signature, world, thing.module)
            for signature, world, thing in zip(signatures, self.worlds, things, strict=True)
        )
        if before.open or after.open:
            self._undecided[f"parameters that {before.open or after.open} may add"] += 1
        for kind, parameter, was, now, why in differences(
            before, after, self.before.messages(old), self.after.taken(new)
        ):
            homes = before.owners.get(parameter, old.home), after.owners.get(parameter, new.home)
            change = Change(kind, what, path, parameter, was, now, why, where=where(new))
            yield (kind, *homes, parameter, was, now), change

    def deprecations(self, path: str, old: Found, new: Found) -> Iterator[Keyed]:
        """Deprecations of the new release that the old one did not have."""
        known = self.before.of(old)
        for parameter, message in self.after.of(new).items():
            if parameter not in known:
                what = "parameter" if parameter else kind_of(new)
                change = Change("deprecated", what, path, parameter, evidence=message, where=where(new))
                yield ("deprecated", new.home, parameter), change


def where(found: Found) -> str:
    """File and line of a definition, without the root of its wheel."""
    return f"{found.module.replace('.', '/')}.py:{getattr(found.binding, 'line', 1)}"


def _with_values(signature: Signature, world: World, module: str) -> Signature:
    """The signature with constants of a module, where they are defaults, replaced by their values."""
    parameters = []
    for parameter in signature.parameters:
        text = parameter.default or ""
        if _CONSTANT.fullmatch(text):
            owner = signature.owners.get(parameter.name, "").rpartition(".")[0]
            found = world.resolve(owner or module, text)
            value = found.binding if isinstance(found, Found) else None
            text = value.text or text if isinstance(value, Value) else text
        parameters.append(parameter if parameter.default is None else parameter._replace(default=text))
    return signature._replace(parameters=tuple(parameters))
