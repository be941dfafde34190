"""The packages of one skill: which pinned wheel brings a module, and what a wheel's source shows without being run."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from airskills.pins import Pin
from airskills.verify.classes import Index, index_of
from airskills.wheels import Wheel

# Import name to distribution, where no wheel is there to say it.
KNOWN = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


class Packages:
    """What the pins of one skill bring.

    Args:
        wheels: unpacked.
        missing: pins whose wheel is not to be had, and why.
        local: names of the skill's own modules.
    """

    def __init__(self, wheels: Iterable[Wheel], missing: Mapping[Pin, str], local: frozenset[str]) -> None:
        self.wheels = tuple(wheels)
        self.missing = missing
        self.local = local

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

    def owner(self, module: str) -> Wheel | None:
        """The wheel that brings a dotted module; of a namespace package, any part of it."""
        parts = module.split(".")
        for size in range(len(parts), 0, -1):
            found = self._owners.get(".".join(parts[:size]))
            if found is not None:
                return found
        inside = (wheel for name, wheel in self._owners.items() if name.startswith(f"{module}."))
        return next(inside, None)

    def is_ours(self, module: str) -> bool:
        """Whether it is no library: the standard library's, or a file of the skill."""
        top = module.partition(".")[0]
        return self.owner(module) is None and (top in sys.stdlib_module_names or top in self.local)

    def why_absent(self, module: str) -> str:
        """Why no wheel brings a module."""
        top = module.partition(".")[0]
        names = {top.lower().replace("_", "-"), KNOWN.get(top, top).lower()}
        for pin, reason in self.missing.items():
            if pin.name in names or pin.name.replace("-", "") in names:
                return f"{pin} could not be unpacked: {reason}"
        return "no pin of the skill brings it"

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
