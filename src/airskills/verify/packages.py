"""The packages of one skill: which pinned wheel brings a module, and what a wheel's source shows without being run."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from airskills.pins import Pin
from airskills.verify.class_index import Index, index_of, source_of
from airskills.verify.reader.source import Sources
from airskills.verify.releases import of_wheels
from airskills.verify.sinks import READ, Sinks
from airskills.verify.tools import Tools
from airskills.wheels import Wheel

_PATCH = re.compile(r"\w\.__init__ = ")
_FUNCTION = re.compile(r"(?m)^def (\w+)\(the_class\):\n(?:(?:[ ].*)?\n)*")
_SETS_ATTRIBUTES = re.compile(
    r"for (\w+), \w+ in \w+\.items\(\):\n +assert hasattr\(self, \1\)\n +setattr\(self, \1"
)
_CLASS = re.compile(r"(?m)^class (\w+)")
_COMPILED = re.compile(r"(?m)^([\w/]+)(?:\.[\w-]+)*\.(?:so|pyd),")
_WORD = re.compile(r"[^\W\d]\w*")
# Import name to distribution, where no wheel is there to say it.
KNOWN = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


@dataclass(frozen=True, slots=True)
class Patched:
    """A stub that takes the place of Python source which changes classes when it is imported.

    Attributes:
        modules: whose stub it is.
        classes: that the stub declares.
        words: of the source beside it.
        settable: classes which, with all below them, take each of their attributes as a keyword.
    """

    modules: frozenset[str]
    classes: frozenset[str]
    words: frozenset[str]
    settable: frozenset[str]


@lru_cache(maxsize=256)
def patched_stub(root: Path, modules: tuple[str, ...]) -> Patched | None:
    """The stubs of a wheel that say less than its source does; None where there are none."""
    names, classes, words, settable = set(), set[str](), set[str](), set[str]()
    for module in modules:
        home = root.joinpath(*module.split("."))
        if (home / "__init__.pyi").is_file() and (home / "__init__.py").is_file():
            texts = [path.read_text(encoding="utf-8", errors="replace") for path in home.glob("*.py")]
            if any(_PATCH.search(text) for text in texts):
                names.add(module)
                classes.update(_CLASS.findall((home / "__init__.pyi").read_text(encoding="utf-8")))
                words.update(word for text in texts for word in _WORD.findall(text))
                settable.update(_settable(texts))
    found = map(frozenset, (names, classes, words, settable))
    return Patched(*found) if names else None


def _settable(texts: list[str]) -> Iterator[str]:
    """`for k, v in args.items(): assert hasattr(self, k); setattr(self, k, v)` in place of the `__init__` of a class."""
    for text in texts:
        for function in _FUNCTION.finditer(text):
            patch = function[1]
            for other in texts if _SETS_ATTRIBUTES.search(function[0]) else ():
                yield from re.findall(
                    rf"issubclass\(the_class, (\w+)\):\s+(?:\w+\.)?{patch}\(the_class\)", other
                )
                yield from re.findall(rf"(?m)^(?:\w+\.)?{patch}\((\w+)\)", other)


@lru_cache(maxsize=256)
def compiled(root: Path) -> frozenset[str]:
    """Modules of a wheel that are machine code, as its RECORD lists them: these files are not unpacked."""
    records = [path.read_text(encoding="utf-8", errors="replace") for path in root.glob("*.dist-info/RECORD")]
    return frozenset(name.replace("/", ".") for text in records for name in _COMPILED.findall(text))


@lru_cache(maxsize=64)
def sinks_of(wheels: tuple[Wheel, ...]) -> Sinks:
    """The table over these wheels, one for all units that have them."""
    return Sinks(Sources([(wheel.root, wheel.modules) for wheel in wheels]))


class Packages:
    """What the pins of one skill bring.

    Args:
        wheels: unpacked.
        missing: pins whose wheel is not to be had, and why.
        local: names of the skill's own modules.
        cache: where what is read of programs is kept; None keeps nothing.
    """

    def __init__(
        self,
        wheels: Iterable[Wheel],
        missing: Mapping[Pin, str],
        local: frozenset[str],
        cache: Path | None = None,
    ) -> None:
        self.wheels = tuple(wheels)
        self.missing = missing
        self.local = local
        self._cache = cache
        self._owner_of: dict[str, Wheel | None] = {}

    @cached_property
    def _owners(self) -> dict[str, Wheel]:
        return {
            module.removesuffix("-stubs"): wheel
            for wheel in sorted(self.wheels, key=lambda wheel: wheel.pin)
            for module in wheel.modules
        }

    @cached_property
    def index(self) -> Index:
        """The classes of all its wheels; nothing is read before it is asked."""
        return index_of(self.wheels)

    @cached_property
    def tools(self) -> Tools:
        """The programs that its wheels bring, and those of missing ones that were recorded."""
        return Tools(of_wheels(self.wheels, self.missing), cache=self._cache)

    @cached_property
    def sinks(self) -> Sinks:
        """Where keywords into `**kwargs` go."""
        return sinks_of(tuple(wheel for wheel in self.wheels if wheel.pin.name in READ))

    def owner(self, module: str) -> Wheel | None:
        """The wheel that brings a dotted module; of a namespace package, any part of it."""
        if module not in self._owner_of:
            self._owner_of[module] = self._owner(module)
        return self._owner_of[module]

    def _owner(self, module: str) -> Wheel | None:
        parts = module.split(".")
        for size in range(len(parts), 0, -1):
            found = self._owners.get(".".join(parts[:size]))
            if found is not None:
                return found
        inside = (wheel for name, wheel in self._owners.items() if name.startswith(f"{module}."))
        return next(inside, None)

    def is_compiled(self, module: str) -> bool:
        """Whether a wheel brings it in machine code, which cannot be read."""
        wheel = self.owner(module)
        return wheel is not None and module in compiled(wheel.root)

    def writes(self, module: str, name: str) -> bool:
        """Whether the package of a module has a name anywhere in its text."""
        wheel = self.owner(module)
        return wheel is not None and name in source_of(wheel).words

    def is_alias(self, name: str) -> bool:
        """Whether this is a module that a package makes when it is imported, or in one."""
        wheel = self.owner(name)
        parts = name.split(".")
        paths = [".".join(parts[:size]) for size in range(len(parts), 0, -1)]
        nowhere = [path for path in paths if self.file(path) is None]
        return wheel is not None and not source_of(wheel).aliases.isdisjoint(nowhere)

    def is_standard(self, module: str) -> bool:
        """Whether it is a module of the standard library."""
        return self.owner(module) is None and module.partition(".")[0] in sys.stdlib_module_names

    def is_local(self, module: str) -> bool:
        """Whether it is a file of the skill."""
        return self.owner(module) is None and module.partition(".")[0] in self.local

    def why_absent(self, module: str) -> str:
        """Why no wheel brings a module."""
        top = module.partition(".")[0]
        names = {top.lower().replace("_", "-"), KNOWN.get(top, top).lower()}
        for pin, reason in self.missing.items():
            if pin.name in names or pin.name.replace("-", "") in names:
                return f"{pin} could not be unpacked: {reason}"
        return "no pin of the skill brings it"

    def is_patched(self, owner: str) -> bool:
        """Whether this dotted name, or this simple class name, is of a stub whose package changes its classes at import."""
        top, last = owner.partition(".")[0], owner.rpartition(".")[2]
        return any(top in stub.modules or last in stub.classes for stub in self._patched)

    @property
    def settable(self) -> frozenset[str]:
        """Classes which, with all below them, take each of their attributes as a keyword."""
        return frozenset().union(*(stub.settable for stub in self._patched))

    def patched_has(self, name: str) -> bool:
        """Whether the source beside such a stub holds a name."""
        return any(name in stub.words for stub in self._patched)

    @cached_property
    def _patched(self) -> list[Patched]:
        return [
            stub for wheel in self.wheels if (stub := patched_stub(wheel.root, wheel.modules)) is not None
        ]

    def file(self, module: str) -> Path | None:
        """The source of a module, a stub before a `.py`; None where there is none."""
        wheel = self.owner(module)
        if wheel is None:
            return None
        base = wheel.root.joinpath(*module.split("."))
        places = (
            base / "__init__.pyi",
            base / "__init__.py",
            base.with_suffix(".pyi"),
            base.with_suffix(".py"),
        )
        return next((path for path in places if path.is_file()), None)
