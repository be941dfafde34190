"""What `airskills check` is asked to do: from the command line over `.airskills.toml` or `[tool.airskills]`.

The nearest file wins, looking from the first checked path upwards; a `pyproject.toml` counts only if it has the table.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from airskills.errors import AirskillsError

FILE = ".airskills.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can change what `check` reports.

    Attributes:
        profile: `spec`, `standard`, or a client.
        select: codes or prefixes to run instead of the profile's; empty means the profile's.
        extend_select: codes or prefixes to run besides.
        ignore: codes or prefixes to leave out, each with its reason ("" when given on the command line).
        exclude: glob patterns of folders to pass over, matched against the path below the checked root.
        max_age_days: how old `airskills-verified-on` may be.
        tags: the tag vocabulary; empty means any.
        categories: the category vocabulary; empty means any.
    """

    profile: str = "spec"
    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: Mapping[str, str] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    max_age_days: int = 180
    tags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


def find(start: Path) -> Path | None:
    """The settings file that holds for `start`: the nearest one in it or above it."""
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder / FILE
        project = folder / "pyproject.toml"
        if project.is_file() and "airskills" in _toml(project).get("tool", {}):
            return project
    return None


def load(start: Path) -> Settings:
    """The settings that hold for `start`; the defaults where no file says anything.

    Raises:
        AirskillsError: the file is not TOML, has an unknown key, or a value of the wrong type.
    """
    path = find(start.resolve())
    if path is None:
        return Settings()
    table = _toml(path)
    return _from_table(table if path.name == FILE else table["tool"]["airskills"], path)


def override(settings: Settings, **given: Any) -> Settings:
    """`settings` with every value of `given` that is not None or empty; what is ignored is added up."""
    chosen = {key: value for key, value in given.items() if value not in (None, (), {})}
    chosen["ignore"] = {**given.get("ignore", {}), **settings.ignore}
    return replace(settings, **chosen)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AirskillsError(f"{path}: not TOML: {error}", help="Correct the file") from error


def _from_table(table: Mapping[str, Any], path: Path) -> Settings:
    known = {f.name.replace("_", "-"): f.name for f in fields(Settings)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            close = get_close_matches(key, known, n=1)
            meant = f"Did you mean {close[0]!r}?" if close else f"Known keys: {', '.join(sorted(known))}"
            raise AirskillsError(f"{path}:{_line(path, key)}: unknown key {key!r}", help=meant)
        values[known[key]] = _value(known[key], value, f"{path}:{_line(path, key)}")
    return Settings(**values)


def _value(name: str, value: Any, place: str) -> Any:
    if name == "ignore":
        reasons = value if isinstance(value, dict) else {}
        if not reasons or not all(isinstance(reason, str) and reason.strip() for reason in reasons.values()):
            raise AirskillsError(
                f"{place}: 'ignore' is not a table of code = \"reason\"",
                help='Write ignore = { AS204 = "why" }',
            )
        return reasons
    if name == "profile" and isinstance(value, str):
        return value
    if name == "max_age_days" and isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if (
        isinstance(value, list)
        and all(isinstance(item, str) for item in value)
        and name not in {"profile", "max_age_days"}
    ):
        return tuple(value)
    wanted = {"profile": "a string", "max_age_days": "a positive whole number"}.get(name, "a list of strings")
    raise AirskillsError(f"{place}: {name.replace('_', '-')!r} is {value!r}", help=f"Write {wanted}")


def _line(path: Path, key: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.strip().startswith(key)), 1)
