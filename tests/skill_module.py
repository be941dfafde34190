"""Python files of skills, imported as an agent's interpreter would run them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

SKILLS = Path(__file__).resolve().parent.parent / "skills"


def skill_module(skill: str, name: str) -> Any:
    """A script of a skill, or a file beside its evals, imported under a name of its own."""
    folder = SKILLS / skill
    places = (folder / "scripts" / f"{name}.py", folder / "evals" / f"{name}.py")
    path = next(place for place in places if place.is_file())
    spec = importlib.util.spec_from_file_location(f"{skill.replace('-', '_')}_{name}", path)
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded
    spec.loader.exec_module(loaded)
    return loaded
