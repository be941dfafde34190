"""SKILL.md text to a frozen `Skill`, in one pure function.

Reading is lenient, as the client guide of the Agent Skills specification asks of a loader: what can be loaded is
loaded, and every deviation is a `Finding` in `Skill.findings`. Reading strictly (`strict=True`) raises on the first
finding of severity `error`. The Markdown of the body is only parsed when somebody asks for its headings, links or
code blocks, so that loading a skill does not pay for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType

from airskills import frontmatter
from airskills.errors import SkillSyntaxError
from airskills.finding import Finding
from airskills.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from airskills.markdown import CodeBlock, Heading, Link, Markdown

FILE_NAME = "SKILL.md"
MAX_BYTES = 10 * 1024 * 1024  # the largest SKILL.md a known client still reads
MAX_NAME = 64
MAX_DESCRIPTION = 1024
MAX_COMPATIBILITY = 500
FIELDS = ("name", "description", "license", "compatibility", "metadata", "allowed-tools")

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class Skill(Record, uncompared=("scope",)):
    """One skill, read.

    Attributes:
        name: as the frontmatter says it, or the folder's name where it does not.
        description: what it does and when to use it; whitespace at the ends removed.
        path: where the SKILL.md lies, as it was given.
        raw: the whole text, line feeds normalised.
        body: the Markdown after the frontmatter, trimmed.
        fields: every field of the frontmatter, verbatim.
        metadata: the `metadata` mapping with every value as text.
        positions: 1-based (line, column) of each key, nested keys joined by dots.
        body_line: 1-based line of the file on which `body` begins.
        findings: every deviation from the specification that reading met.
    """

    name: str
    description: str
    path: str
    raw: str
    body: str
    fields: Mapping[str, Any]
    metadata: Mapping[str, str]
    positions: Mapping[str, tuple[int, int]]
    body_line: int
    findings: tuple[Finding, ...] = ()
    # What the library adds once it knows where the skill came from.
    scope: str = "explicit"

    @property
    def category(self) -> str:
        """`airskills-category` of the metadata, or ""."""
        return self.metadata.get("airskills-category", "")

    @property
    def tags(self) -> tuple[str, ...]:
        """`airskills-tags` of the metadata, split at spaces."""
        return tuple(self.metadata.get("airskills-tags", "").split())

    @property
    def directory(self) -> str:
        """The folder that holds the SKILL.md."""
        return self.path.rpartition("/")[0] or "."

    @property
    def hidden(self) -> bool:
        """Whether its author keeps it from agents (`disable-model-invocation`, `metadata.internal`)."""
        return (
            self.fields.get("disable-model-invocation") is True
            or self.metadata.get("internal", "").lower() == "true"
        )

    @cached_property
    def markdown(self) -> Markdown:
        """The body as Markdown, with its lines counted in the file."""
        from airskills.markdown import Markdown

        return Markdown(self.body, self.path, self.body_line)

    @property
    def headings(self) -> tuple[Heading, ...]:
        """Headings of the body, in order."""
        return self.markdown.headings

    @property
    def blocks(self) -> tuple[CodeBlock, ...]:
        """Code blocks of the body, in order, also those inside lists and quotes."""
        return self.markdown.blocks

    @property
    def links(self) -> tuple[Link, ...]:
        """Links and images of the body, in order; autolinks included, code spans not."""
        return self.markdown.links

    def section(self, heading: str) -> str | None:
        """Text under the heading whose text is `heading` (case does not matter), down to the next of its level.

        Returns:
            The heading and its text, or None when there is no such heading.
        """
        return self.markdown.section(heading)


def parse(source: str | bytes, path: str, *, strict: bool = False) -> Skill:
    """Read one SKILL.md.

    Args:
        source: the file's text or bytes.
        path: where it lies, with forward slashes; its folder's name is compared with the skill's name.
        strict: raise on anything the specification forbids, instead of noting it.

    Raises:
        SkillSyntaxError: it cannot be used at all (no frontmatter, no YAML, no description, over 10 MiB), or
            `strict` is set and something in it has severity `error`. It is the only exception this raises.
    """
    findings: list[Finding] = []
    text = _decode(source, path, findings)
    cut = frontmatter.split(text, path)
    found = frontmatter.read(cut.yaml, path)
    findings += _reading_findings(found, path)
    findings += _field_findings(found, path)
    stripped = cut.body.lstrip("\n")
    skill = Skill(
        name=_name(found, path),
        description=_description(found, path),
        path=path,
        raw=text,
        body=stripped.rstrip() + "\n" if stripped.strip() else "",
        fields=MappingProxyType(found.fields),
        metadata=MappingProxyType(_metadata(found)),
        positions=MappingProxyType(found.positions),
        body_line=cut.body_line + len(cut.body) - len(stripped),
        findings=tuple(sorted(findings, key=lambda f: (f.line, f.column))),
    )
    if strict:
        _raise_first(skill.findings)
    return skill


def _raise_first(findings: Iterable[Finding]) -> None:
    for finding in findings:
        if finding.severity == "error":
            raise SkillSyntaxError(
                finding.path, finding.line, finding.column, finding.code, finding.message, help=finding.help
            )


def _decode(source: str | bytes, path: str, findings: list[Finding]) -> str:
    if len(source) > MAX_BYTES:
        message = f"The file has more than {MAX_BYTES:,} bytes"
        raise SkillSyntaxError(path, 1, 1, "AS110", message, help="Move text into references/")
    text = (
        _checked(source, path, findings) if isinstance(source, str) else _decode_bytes(source, path, findings)
    )
    if text.startswith("\ufeff"):
        findings.append(
            Finding(path, 1, 1, "AS102", "The file begins with a byte order mark", "Save it without one")
        )
        text = text[1:]
    return _line_feeds(text)


def _line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _checked(text: str, path: str, findings: list[Finding]) -> str:
    """`text` itself, or with a replacement character for each half of a surrogate pair, which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        line, column = _end_of(text[: error.start])
        message = f"The text is not Unicode: lone surrogate U+{ord(text[error.start]):04X}"
        findings.append(Finding(path, line, column, "AS101", message, "Save it as UTF-8"))
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _end_of(text: str) -> tuple[int, int]:
    """1-based line and column of what follows `text`, the beginning of a file."""
    text = _line_feeds(text.removeprefix("\ufeff"))
    return text.count("\n") + 1, len(text) - text.rfind("\n")


def _decode_bytes(source: bytes, path: str, findings: list[Finding]) -> str:
    try:
        return source.decode()
    except UnicodeDecodeError as error:
        line, column = _end_of(source[: error.start].decode())
        message = f"The file is not UTF-8: byte 0x{source[error.start]:02x}"
        if not source.startswith((b"---", b"\xef\xbb\xbf---")):
            raise SkillSyntaxError(path, line, column, "AS101", message, help="Save it as UTF-8") from error
        findings.append(Finding(path, line, column, "AS101", message, "Save it as UTF-8"))
        return source.decode(errors="replace")


def _name(found: frontmatter.Frontmatter, path: str) -> str:
    return _text(found, "name") or _folder(path)


def _text(found: frontmatter.Frontmatter, key: str) -> str:
    """What a field of one value says, trimmed; "" where it is missing, empty, or a mapping or list."""
    return found.texts.get((key,), "").strip() if found.fields.get(key) is not None else ""


def _folder(path: str) -> str:
    return path.rpartition("/")[0].rpartition("/")[2]


def _description(found: frontmatter.Frontmatter, path: str) -> str:
    text = _text(found, "description")
    if not text:
        line, column = found.positions.get("description", (1, 1))
        raise SkillSyntaxError(
            path,
            line,
            column,
            "AS115",
            "The skill has no description",
            help="Say what it does and when to use it",
        )
    return text


def _metadata(found: frontmatter.Frontmatter) -> dict[str, str]:
    given = found.fields.get("metadata")
    if not isinstance(given, dict):
        return {}
    return {key: found.texts["metadata", key] for key in given if ("metadata", key) in found.texts}


def _reading_findings(found: frontmatter.Frontmatter, path: str) -> Iterator[Finding]:
    for key, (line, column) in found.repaired:
        yield Finding(
            path,
            line,
            column,
            "AS106",
            f"The value of {key!r} holds an unquoted colon",
            "Put double quotes around it",
        )
    for key, (line, column) in found.duplicates:
        yield Finding(
            path, line, column, "AS107", f"The key {key!r} occurs twice; the first one counts", "Remove one"
        )


def _field_findings(found: frontmatter.Frontmatter, path: str) -> Iterator[Finding]:
    """Everything the specification says of the six fields."""

    def at(key: str, code: str, message: str, help_: str) -> Finding:
        line, column = found.positions.get(key, (1, 1))
        return Finding(path, line, column, code, message, help_)

    for key in found.fields:
        if key not in FIELDS:
            yield at(
                key, "AS117", f"The specification has no field {key!r}", "Move it into metadata, as a string"
            )
    yield from _name_findings(found, path, at)
    description = found.fields.get("description")
    if description is not None and not frontmatter.is_string(description):
        yield at("description", "AS118", "The description is not a string", "Put double quotes around it")
    elif isinstance(description, str) and len(description) > MAX_DESCRIPTION:
        message = f"The description has {len(description):,} characters; the limit is {MAX_DESCRIPTION:,}"
        yield at("description", "AS116", message, "Say what it does and when to use it, no more")
    for key in ("license", "allowed-tools"):
        if key in found.fields and not frontmatter.is_string(found.fields[key]):
            yield at(key, "AS118", f"The field {key!r} is not a string", "Write one string")
    yield from _compatibility_findings(found, at)
    yield from _metadata_findings(found, at)


def _name_findings(found: frontmatter.Frontmatter, path: str, at: Any) -> Iterator[Finding]:
    name = found.fields.get("name")
    if name is None or name == "":
        yield at("name", "AS111", "The skill has no name", "Give it the name of its folder")
        return
    if not frontmatter.is_string(name):
        yield at("name", "AS118", "The name is not a string", "Put double quotes around it")
        return
    if len(name) > MAX_NAME:
        yield at(
            "name", "AS113", f"The name has {len(name)} characters; the limit is {MAX_NAME}", "Shorten it"
        )
    if _NAME.fullmatch(name) is None:
        message = f"The name {name[:80]!r} is not lower-case a-z, 0-9 and single hyphens between them"
        yield at("name", "AS112", message, "Rename it, for example grpo-rl-training")
    folder = _folder(path)
    if folder and folder != name:
        yield at(
            "name", "AS114", f"The name {name[:80]!r} differs from the folder {folder!r}", "Make them equal"
        )


def _compatibility_findings(found: frontmatter.Frontmatter, at: Any) -> Iterator[Finding]:
    if "compatibility" not in found.fields:
        return
    value = found.fields["compatibility"]
    if not frontmatter.is_string(value):
        yield at(
            "compatibility",
            "AS118",
            "The field 'compatibility' is not a string",
            "Write one string, or leave it out",
        )
    elif not 1 <= len(value.strip()) <= MAX_COMPATIBILITY:
        message = (
            f"The compatibility has {len(value.strip())} characters; 1 to {MAX_COMPATIBILITY} are allowed"
        )
        yield at("compatibility", "AS119", message, "Name the real needs, or leave it out")


def _metadata_findings(found: frontmatter.Frontmatter, at: Any) -> Iterator[Finding]:
    if "metadata" not in found.fields:
        return
    metadata = found.fields["metadata"]
    if not isinstance(metadata, dict):
        yield at("metadata", "AS118", "The metadata is not a mapping", "Write indented key: value lines")
        return
    for key, value in metadata.items():
        if not frontmatter.is_string(value):
            yield at(
                f"metadata.{key}",
                "AS118",
                f"The metadata {key!r} is not a string",
                "Put double quotes around it",
            )
