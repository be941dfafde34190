"""The YAML between the two `---` lines of a SKILL.md: found by lines, read with positions, never executed.

Two readers give the same answer. `_read_plain` knows the small part of YAML that nearly every skill is written in
and needs no import; whatever it does not know for certain goes to PyYAML (`_read_yaml`). A property test holds the
two together. Source: Agent Skills specification, "SKILL.md format"; client guide, "Parsing".
"""

from __future__ import annotations

import re

from airskills.errors import SkillSyntaxError
from airskills.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

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
# The slow path only: compiled when it is first taken.
_ENTRY = rf"(?P<indent>[ ]*)(?P<key>{_KEY}):[ \t]+(?P<value>\S.*)"
_NOT_PLAIN = tuple("\"'|>[{&*!%@`#-")  # a value that begins so is quoted already, or is no plain text
_UNPRINTABLE = (  # everything but `c-printable` of YAML 1.1, section 5.1
    "[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
_KINDS = frozenset({"str", "null", "bool", "int", "float", "timestamp", "merge", "value", "map", "seq"})


class Split(Record):
    """A document cut in two.

    Attributes:
        yaml: text between the fences, without them.
        body: text after the closing fence.
        body_line: 1-based line on which `body` starts.
    """

    yaml: str
    body: str
    body_line: int


class Frontmatter(Record):
    """What the YAML says and where it says it.

    Attributes:
        fields: top-level keys with plain Python values.
        positions: 1-based (line, column) in the file of each key; nested keys are joined by dots.
        texts: the source text of each scalar, so that `1.10` need not become `1.1`, by the keys that lead to it.
        duplicates: keys that occur twice, with the position of the second; the first value counts.
        repaired: keys whose unquoted colon was repaired, with their positions.
    """

    fields: dict[str, Any]
    positions: dict[str, Position]
    texts: dict[tuple[str, ...], str]
    duplicates: tuple[tuple[str, Position], ...] = ()
    repaired: tuple[tuple[str, Position], ...] = ()


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
        SkillSyntaxError: AS105 not YAML, AS108 aliases or nesting over 16, AS109 not a mapping, AS121 a control
            character.
    """
    plain = _read_plain(source, first_line)
    if plain is not None:
        return plain
    try:
        return _read_yaml(source, path, first_line)
    except SkillSyntaxError as error:
        if error.code != "AS105":
            raise
        repaired, keys = quote_colons(source, first_line)
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
        target, keys = (found.fields, (key,)) if depth == 0 else (found.fields[parent], (parent, key))
        if key in target:
            return None
        target[key] = {} if value is None else value
        found.positions[".".join(keys)] = (number, depth + 1)
        if value is not None:
            found.texts[keys] = value
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

    at = _position_in(source, first_line)
    _refuse_unprintable(source, path, at)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_bombs(yaml.parse(source, Loader=loader), path, at)
        root = yaml.compose(source, Loader=loader)
    except (yaml.YAMLError, ValueError) as error:  # PyYAML without libyaml: ValueError for "\\U00110000"
        message = f"The frontmatter is not YAML: {_problem(error)}"
        raise SkillSyntaxError(
            path, *at(_index(error)), "AS105", message, help="Put double quotes around the value"
        ) from error
    if not isinstance(root, yaml.MappingNode):
        raise SkillSyntaxError(
            path,
            *(at(root.start_mark.index) if root else (first_line, 1)),
            "AS109",
            "The frontmatter is not a mapping of fields",
            help="Write name: and description: lines",
        )
    return _convert(root, path, at)


def _position_in(source: str, first_line: int) -> Callable[[int], Position]:
    """Index in `source` to position in the file; only a line feed ends a line there, whatever YAML thinks."""
    from bisect import bisect_right

    starts = [0, *(match.end() for match in re.finditer("\n", source))]

    def at(index: int) -> Position:
        row = bisect_right(starts, index) - 1
        return first_line + row, index - starts[row] + 1

    return at


def _refuse_unprintable(source: str, path: str, at: Callable[[int], Position]) -> None:
    found = re.search(_UNPRINTABLE, source)
    if found:
        message = f"The frontmatter holds the character U+{ord(found[0]):04X}, which YAML forbids"
        raise SkillSyntaxError(path, *at(found.start()), "AS121", message, help="Remove it")


def _refuse_bombs(events: Any, path: str, at: Callable[[int], Position]) -> None:
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
                path, *at(event.start_mark.index), "AS108", what, help="Write the value out"
            )


def _convert(root: yaml.MappingNode, path: str, at: Callable[[int], Position]) -> Frontmatter:
    import yaml

    positions: dict[str, Position] = {}
    texts: dict[tuple[str, ...], str] = {}
    duplicates: list[tuple[str, Position]] = []

    def mapping(node: yaml.MappingNode, above: tuple[str, ...]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node.value, str) else "?"
            name = ".".join([*above, key])
            position = at(key_node.start_mark.index)
            if key in out:
                duplicates.append((name, position))
                continue
            positions[name] = position
            out[key] = value(value_node, (*above, key))
        return out

    def value(node: yaml.Node, keys: tuple[str, ...]) -> Any:
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if kind not in _KINDS:
            message = f"The frontmatter is not YAML we accept: tag {node.tag!r}"
            raise SkillSyntaxError(path, *at(node.start_mark.index), "AS105", message, help="Remove the tag")
        if isinstance(node.value, str):
            texts[keys] = node.value
            return _scalar(kind, node.value)
        if isinstance(node, yaml.MappingNode):
            return mapping(node, keys)
        return [value(item, (*keys, "[]")) for item in node.value]

    return Frontmatter(mapping(root, ()), positions, texts, tuple(duplicates))


def _scalar(kind: str, text: str) -> Any:
    """The Python value of a scalar; one that YAML 1.1 cannot build (month 13) stays text."""
    if kind == "str":
        return text
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in {"yes", "true", "on"}
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


def quote_colons(source: str, first_line: int) -> tuple[str, list[tuple[str, Position]]]:
    """Put quotes around unquoted values that hold a colon, as the client guide asks; also over indented lines."""
    lines = source.split("\n")
    repaired: list[tuple[str, Position]] = []
    number = 0
    while number < len(lines):
        entry = re.fullmatch(_ENTRY, lines[number])
        end = _value_end(lines, number, len(entry["indent"])) if entry else number + 1
        if entry and _has_bare_colon([entry["value"], *lines[number + 1 : end]]):
            lines[number:end] = _quoted(lines[number:end], entry.start("value"))
            repaired.append((entry["key"], (first_line + number, len(entry["indent"]) + 1)))
        number = end
    return "\n".join(lines), repaired


def _value_end(lines: list[str], start: int, indent: int) -> int:
    """Index after the value that begins on line `start`: lines indented deeper than its key belong to it."""
    end = start + 1
    for number in range(start + 1, len(lines)):
        bare = lines[number].lstrip(" ")
        if bare and len(lines[number]) - len(bare) <= indent:
            break
        if bare:
            end = number + 1
    return end


def _has_bare_colon(value: list[str]) -> bool:
    return not value[0].startswith(_NOT_PLAIN) and any(
        re.search(r":(\s|$)", re.sub(r"\s#.*", "", line)) for line in value
    )


def _quoted(lines: list[str], start: int) -> list[str]:
    """The value that begins at column `start` of the first line, in double quotes."""
    out = [line.replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    out[0] = f'{out[0][:start]}"{out[0][start:]}'
    out[-1] = f'{out[-1].rstrip()}"'
    return out


def _index(error: Exception) -> int:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return mark.index if mark else 0


def _problem(error: Exception) -> str:
    text = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    return text.splitlines()[0] if text else "unreadable"
