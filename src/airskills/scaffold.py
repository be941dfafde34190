"""New skills from the templates: a folder that already satisfies every check there is."""

from __future__ import annotations

import json
import os
import re
import tempfile
from functools import partial
from pathlib import Path

from airskills.errors import AirskillsError
from airskills.skill import FILE_NAME, parse

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_TYPED_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})  # no text in YAML 1.1
DEFAULT_DESCRIPTION = "{title}: what it does, in the words users type. Use when the task needs {title}."


def templates() -> Path:
    """Folder of the templates: in the wheel, or beside `src/` in a checkout."""
    package = Path(__file__).resolve().parent
    shipped = package / "templates"
    return shipped if shipped.is_dir() else package.parents[1] / "templates"


def new_skill(
    parent: Path,
    name: str,
    *,
    description: str = "",
    category: str = "research",
    tags: str = "",
    pins: str = "",
) -> list[Path]:
    """Write the folder `parent/name` and return its files, sorted. Either all of it appears or nothing.

    Args:
        parent: folder that will hold the skill; made when missing.
        name: lower-case letters, digits and single hyphens, at most 64 characters.
        description: what it does and when to use it; a form to fill in when empty.
        category: `airskills-category` of the metadata.
        tags: space-separated tags; the name when empty.
        pins: space-separated exact pins for `airskills-tested-with`.

    Raises:
        AirskillsError: the name is malformed, the folder exists or cannot be written, or the result would not
            be a valid skill (a description over 1,024 characters, say).
    """
    if _NAME.fullmatch(name) is None or len(name) > 64:
        raise AirskillsError(
            f"The name {name!r} is not lower-case a-z, 0-9 and single hyphens, 1 to 64 characters",
            help="Try, for example, grpo-rl-training",
        )
    target = parent / name
    if os.path.lexists(target):
        raise AirskillsError(
            f"The folder {target} exists already", help="Choose another name, or remove the folder"
        )
    title = name.replace("-", " ").capitalize()
    values = {
        "name": name,
        "title": title,
        "description": description or DEFAULT_DESCRIPTION.format(title=title),
        "category": category,
        "tags": tags or name,
        "pins": pins,
    }
    try:
        _write(parent, target, values)
    except OSError as error:
        message = f"The folder {target} cannot be made: {error.strerror}"
        raise AirskillsError(message, help="Choose another --dir, or check its permissions") from error
    return sorted(path for path in target.rglob("*") if path.is_file())


def _write(parent: Path, target: Path, values: dict[str, str]) -> None:
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=parent) as draft:
        folder = Path(draft) / target.name
        _fill(templates() / "skill", folder, values)
        parse((folder / FILE_NAME).read_bytes(), f"{target.name}/{FILE_NAME}", strict=True)
        os.rename(folder, target)


def _fill(source: Path, folder: Path, values: dict[str, str]) -> None:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(source),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown, YAML and Python, no HTML
    )
    # Jinja's own filter writes \u0027 for an apostrophe, which nobody wants to read in a description.
    environment.filters["tojson"] = partial(json.dumps, ensure_ascii=False)
    environment.filters["scalar"] = _scalar
    for name in environment.list_templates(extensions=["j2"]):
        path = folder / name.removesuffix(".j2")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(environment.get_template(name).render(values), encoding="utf-8")


def _scalar(value: str) -> str:
    """`value` as YAML text: bare where that cannot be taken for anything else, otherwise in double quotes."""
    plain = re.fullmatch(r"[a-z][a-z0-9-]*", value) and value not in _TYPED_WORDS
    return value if plain else json.dumps(value, ensure_ascii=False)
