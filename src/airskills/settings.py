"""What `airskills check` is asked to do: from the command line over `.airskills.toml` or `[tool.airskills]`.

The nearest file wins, looking from the first checked path upwards; a `pyproject.toml` counts only if it has the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
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
        exclude: glob patterns of folders to pass over, matched against the path below `base`.
        max_age_days: how old `airskills-verified-on` may be.
        require_verified: whether `airskills-verified-on` must be there.
        tags: the tag vocabulary; empty means any.
        categories: the category vocabulary; empty means any.
        base: the folder of the file that says so; "" for the checked root, where no file does.
        places: where the file says each of these, as `path:line`, for errors that are found later.
    """

    profile: str = "spec"
    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: Mapping[str, str] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    max_age_days: int = 180
    require_verified: bool = False
    tags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    base: str = field(default="", compare=False, repr=False)
    places: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def at(self, name: str) -> str:
        """`path:line: ` of the setting, or "" where no file says it."""
        return f"{self.places[name]}: " if name in self.places else ""


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
    places = {key: place for key, place in settings.places.items() if key not in chosen}
    chosen["ignore"] = {**given.get("ignore", {}), **settings.ignore}
    return replace(settings, **chosen, places=places)


def _toml(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        found = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
        place = f"{path}:{found[1]}:{found[2]}" if found else str(path)
        said = str(error)[: found.start()] if found else str(error)
        raise AirskillsError(f"{place}: not TOML: {said}", help="Correct the file") from error
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise AirskillsError(f"{path}:{line}: not UTF-8", help="Save it as UTF-8") from error
    except RecursionError as error:
        raise AirskillsError(f"{path}: nested too deeply", help="Correct the file") from error


def _from_table(table: Mapping[str, Any], path: Path) -> Settings:
    known = {f.name.replace("_", "-"): f.name for f in fields(Settings) if f.compare}
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    for key, value in table.items():
        place = f"{path}:{_line(path, key)}"
        if key not in known:
            from difflib import get_close_matches

            close = get_close_matches(key, known, n=1)
            meant = f"Did you mean {close[0]!r}?" if close else f"Known keys: {', '.join(sorted(known))}"
            raise AirskillsError(f"{place}: unknown key {key!r}", help=meant)
        values[known[key]] = _value(known[key], value, place)
        places[known[key]] = place
    return Settings(**values, base=str(path.parent), places=places)


def _value(name: str, value: Any, place: str) -> Any:
    if name == "ignore":
        reasons = value if isinstance(value, dict) else {}
        if not reasons or not all(isinstance(reason, str) and reason.strip() for reason in reasons.values()):
            raise AirskillsError(
                f"{place}: 'ignore' is not a table of code = \"reason\"",
                help='Write ignore = { AS204 = "why" }',
            )
        return reasons
    wanted, fits = _KINDS.get(name, _STRINGS)
    if not fits(value):
        raise AirskillsError(f"{place}: {name.replace('_', '-')!r} is {value!r}", help=f"Write {wanted}")
    return tuple(value) if isinstance(value, list) else value


_STRINGS: tuple[str, Callable[[Any], bool]] = (
    "a list of strings",
    lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
)
_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "profile": ("a string", lambda value: isinstance(value, str)),
    "max_age_days": (
        "a positive whole number",
        lambda value: isinstance(value, int) and not isinstance(value, bool) and value > 0,
    ),
    "require_verified": ("true or false", lambda value: isinstance(value, bool)),
}


def _line(path: Path, key: str) -> int:
    """The line on which the settings' own table says `key`; 1 where it hides in unusual syntax."""
    own = "" if path.name == FILE else "tool.airskills"
    table = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        header = re.match(r"\s*\[\s*([^\]]+?)\s*\]", line)
        if header:
            table = header[1].replace(" ", "")
        if (header and table == f"{own}.{key}".strip(".")) or (
            table == own and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*[=.]""", line)
        ):
            return number
    return 1
