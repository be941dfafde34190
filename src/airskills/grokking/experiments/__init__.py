"""Experiments: one file, one claim, one frozen config, one `run`. Their results are in `docs/experiments/`."""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from airskills.grokking.errors import GrokkingError


def names() -> list[str]:
    """All experiments, in order."""
    return sorted(module.name for module in iter_modules(__path__))


def load(name: str) -> ModuleType:
    """Import an experiment by name or by its number (`e01`).

    Raises:
        GrokkingError: if there is none.
    """
    found = [known for known in names() if name in (known, known.split("_")[0])]
    if not found:
        raise GrokkingError(f"Unknown experiment {name!r}; there are: {', '.join(names())}")
    return import_module(f"{__name__}.{found[0]}")
