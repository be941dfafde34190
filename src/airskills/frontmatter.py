"""The YAML between the two `---` lines of a SKILL.md: found by lines, read with positions, never executed.

Two readers give the same answer. `_read_plain` knows the small part of YAML that nearly every skill is written in
and needs no import; whatever it does not know for certain goes to PyYAML (`_read_yaml`). A property test holds the
two together. Source: Agent Skills specification, "SKILL.md format"; client guide, "Parsing".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airskills.errors import SkillSyntaxError

if TYPE_CHECKING:
    import yaml

MAX_FRONTMATTER_CHARACTERS = 64 * 1024
MAX_DEPTH = 16

Position = tuple[int, int]

_KEY = r"[A-Za-z][A-Za-z0-9_-]{0,99}"
_PLAIN_LINE = re.compile(
    rf"""(?P<indent>[ ]*)(?P<key>{_KEY}):(?:[ ](?:
        "(?P<double>[^"\\]*)"
      | '(?P<single>[^']*)'
      | (?P<plain>[A-Za-z](?:[A-Za-z0-9 ,.()/'+=@_"-]*[A-Za-z0-9,.()/'+=@_"-])?)
    ))?""",
    re.VERBOSE,
)
_TYPED_WORDS = frozenset({"yes", "no", "true", "false", "on", "off", "null", "y", "n"})
_REPAIRABLE = re.compile(rf"(?P<head>[ ]*{_KEY}:[ \t]+)(?P<value>[^\s\"'|>\[{{&*!%@`#-].*)")


@dataclass(frozen=True, slots=True)
class Split:
    """A document cut in two.

    Attributes:
        yaml: text between the fences, without them.
        body: text after the closing fence.
        body_line: 1-based line on which `body` starts.
    """

    yaml: str
    body: str
    body_line: int


@dataclass(frozen=True, slots=True)
class Frontmatter:
    """What the YAML says and where it says it.

    Attributes:
        fields: top-level keys with plain Python values.
        positions: 1-based (line, column) in the file of each key; nested keys are joined by dots.
        texts: the source text of each scalar, so that `1.10` need not become `1.1`.
        duplicates: keys that occur twice, with the position of the second; the first value counts.
        repaired: keys whose unquoted colon was repaired.
    """

    fields: dict[str, Any]
    positions: dict[str, Position]
    texts: dict[str, str]
    duplicates: tuple[tuple[str, Position], ...] = ()
    repaired: tuple[str, ...] = ()


def split(text: str, path: str) -> Split:
    """Cut `text` (line feeds only, no byte order mark) at its frontmatter fences.

    A fence is a line of exactly three hyphens, so `---` inside a value is text.

    Raises:
        SkillSyntaxError: AS103 no opening fence, AS104 no closing fence, AS110 frontmatter too large.
    """
    if text != "---" and re.match(r"---[ \t]*\n", text) is None:
        raise SkillSyntaxError(
            path,
            1,
            1,
            "AS103",
            "The file does not start with a frontmatter fence",
            help="Begin with a line of exactly ---",
        )
    start = text.find("\n") + 1
    end = re.compile(r"^---[ \t]*$", re.MULTILINE).search(text, start) if start else None
    if end is None:
        raise SkillSyntaxError(
            path,
            1,
            1,
            "AS104",
            "The frontmatter is never closed",
            help="Add a line of exactly --- after the last field",
        )
    if end.start() - start > MAX_FRONTMATTER_CHARACTERS:
        raise SkillSyntaxError(
            path,
            1,
            1,
            "AS110",
            f"The frontmatter has {end.start() - start:,} characters; the limit is {MAX_FRONTMATTER_CHARACTERS:,}",
            help="Move the text into the body",
        )
    return Split(text[start : end.start()], text[end.end() + 1 :], text.count("\n", 0, end.end()) + 2)


def read(source: str, path: str, *, first_line: int = 2) -> Frontmatter:
    """Read the YAML of a frontmatter.

    Args:
        source: text between the fences.
        path: named in errors.
        first_line: line of the file on which `source` begins.

    Raises:
        SkillSyntaxError: AS105 not YAML, AS108 aliases or nesting over 16, AS109 not a mapping.
    """
    plain = _read_plain(source, first_line)
    if plain is not None:
        return plain
    try:
        return _read_yaml(source, path, first_line)
    except SkillSyntaxError as error:
        if error.code != "AS105":
            raise
        repaired, keys = _quote_colons(source)
        if not keys:
            raise
        try:
            found = _read_yaml(repaired, path, first_line)
        except SkillSyntaxError:
            raise error from None
        return Frontmatter(found.fields, found.positions, found.texts, found.duplicates, tuple(keys))


def _read_plain(source: str, first_line: int) -> Frontmatter | None:
    """Read `key: value` lines and one level of nesting, or return None where YAML's own rules are needed."""
    if not source.isascii() or not source.replace("\n", "").isprintable():
        return None
    found = Frontmatter({}, {}, {})
    parent, indent = "", 0
    for number, line in enumerate(source.removesuffix("\n").split("\n"), first_line):
        read = _plain_line(line)
        if read is None:
            return None
        depth, key, value = read
        if depth == 0:
            if parent and not found.fields[parent]:
                return None
            parent, indent = ("", 0) if value is not None else (key, 0)
        elif not parent or value is None or indent not in {0, depth}:
            return None
        else:
            indent = depth
        target, name = (found.fields, key) if depth == 0 else (found.fields[parent], f"{parent}.{key}")
        if key in target:
            return None
        target[key] = {} if value is None else value
        found.positions[name] = (number, depth + 1)
        if value is not None:
            found.texts[name] = value
    return found if found.fields and not (parent and not found.fields[parent]) else None


def _plain_line(line: str) -> tuple[int, str, str | None] | None:
    """(indent, key, value or None where there is none), or None where the line needs YAML's own rules."""
    match = _PLAIN_LINE.fullmatch(line)
    if match is None or match["key"].lower() in _TYPED_WORDS:
        return None
    if match["plain"] is not None and match["plain"].lower() in _TYPED_WORDS:
        return None
    value = next((v for v in (match["double"], match["single"], match["plain"]) if v is not None), None)
    return len(match["indent"]), match["key"], value


def _read_yaml(source: str, path: str, first_line: int) -> Frontmatter:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_bombs(yaml.parse(source, Loader=loader), path, first_line)
        root = yaml.compose(source, Loader=loader)
    except yaml.YAMLError as error:
        line, column = _mark(error)
        message = f"The frontmatter is not YAML: {_problem(error)}"
        raise SkillSyntaxError(
            path, first_line + line, column + 1, "AS105", message, help="Put double quotes around the value"
        ) from error
    if not isinstance(root, yaml.MappingNode):
        raise SkillSyntaxError(
            path,
            first_line,
            1,
            "AS109",
            "The frontmatter is not a mapping of fields",
            help="Write name: and description: lines",
        )
    return _convert(root, path, first_line)


def _refuse_bombs(events: Any, path: str, first_line: int) -> None:
    """Stop before composing: aliases can multiply and deep nesting can exhaust the stack."""
    import yaml

    depth = 0
    for event in events:
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        what = ""
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            what = "The frontmatter uses a YAML anchor or alias"
        elif depth > MAX_DEPTH:
            what = f"The frontmatter is nested deeper than {MAX_DEPTH} levels"
        if what:
            raise SkillSyntaxError(
                path,
                first_line + event.start_mark.line,
                event.start_mark.column + 1,
                "AS108",
                what,
                help="Write the value out",
            )


def _convert(root: yaml.MappingNode, path: str, first_line: int) -> Frontmatter:
    import yaml

    fields: dict[str, Any] = {}
    positions: dict[str, Position] = {}
    texts: dict[str, str] = {}
    duplicates: list[tuple[str, Position]] = []

    def mapping(node: yaml.MappingNode, prefix: str) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node.value, str) else "?"
            name = f"{prefix}{key}"
            position = (first_line + key_node.start_mark.line, key_node.start_mark.column + 1)
            if key in out:
                duplicates.append((name, position))
                continue
            positions[name] = position
            out[key] = value(value_node, name)
        return out

    def value(node: yaml.Node, name: str) -> Any:
        if isinstance(node.value, str):
            texts[name] = node.value
            return _scalar(node, path, first_line)
        if isinstance(node, yaml.MappingNode):
            return mapping(node, f"{name}.")
        return [value(item, f"{name}[]") for item in node.value]

    fields.update(mapping(root, ""))
    return Frontmatter(fields, positions, texts, tuple(duplicates))


def _scalar(node: yaml.Node, path: str, first_line: int) -> Any:
    """The Python value of a scalar; one that YAML 1.1 cannot build (month 13) stays text."""
    kind = node.tag.removeprefix("tag:yaml.org,2002:")
    text = node.value
    if kind == "str":
        return text
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in {"yes", "true", "on"}
    if kind not in {"int", "float", "timestamp", "merge", "value"}:
        raise SkillSyntaxError(
            path,
            first_line + node.start_mark.line,
            node.start_mark.column + 1,
            "AS105",
            f"The frontmatter is not YAML we accept: tag {node.tag!r}",
            help="Remove the tag",
        )
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return _Typed(text)


class _Typed(str):
    """Source text of a value that YAML does not take for a string (a date, `0o7`, `1:30`)."""

    __slots__ = ()


def is_string(value: object) -> bool:
    """Whether YAML read `value` as a string, and not as a date or number kept as text."""
    return isinstance(value, str) and not isinstance(value, _Typed)


def _quote_colons(source: str) -> tuple[str, list[str]]:
    """Put quotes around unquoted values that hold a colon, as the client guide asks; also over indented lines."""
    lines = source.split("\n")
    keys: list[str] = []
    number = 0
    while number < len(lines):
        match = _REPAIRABLE.fullmatch(lines[number])
        last = number
        if match is not None:
            indent = len(lines[number]) - len(lines[number].lstrip(" "))
            while last + 1 < len(lines) and re.match(rf"[ ]{{{indent + 1},}}\S", lines[last + 1]):
                last += 1
        if match is not None and re.search(
            r":(\s|$)", "\n".join([match["value"], *lines[number + 1 : last + 1]])
        ):
            escaped = [line.replace("\\", "\\\\").replace('"', '\\"') for line in lines[number : last + 1]]
            head = len(match["head"])
            escaped[0] = f'{escaped[0][:head]}"{escaped[0][head:]}'
            escaped[-1] = f'{escaped[-1].rstrip()}"'
            lines[number : last + 1] = escaped
            keys.append(match["head"].strip().rstrip(": \t"))
        number = last + 1
    return "\n".join(lines), keys


def _mark(error: yaml.YAMLError) -> Position:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return (mark.line, mark.column) if mark else (0, 0)


def _problem(error: yaml.YAMLError) -> str:
    text = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return str(text).splitlines()[0] if str(text) else "unreadable"
