"""SKILL.md text to a frozen `Skill`, in one pure function.

Reading is lenient, as the client guide of the Agent Skills specification asks of a loader: what can be loaded is
loaded, and every deviation is a `Finding` in `Skill.findings`. Reading strictly (`strict=True`) raises on the first
finding of severity `error`. The Markdown of the body is only parsed when somebody asks for its headings, links or
code blocks, so that loading a skill does not pay for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airskills import frontmatter
from airskills.errors import SkillSyntaxError
from airskills.finding import Finding

if TYPE_CHECKING:
    from markdown_it.token import Token

FILE_NAME = "SKILL.md"
MAX_BYTES = 10 * 1024 * 1024  # the largest SKILL.md a known client still reads
MAX_NAME = 64
MAX_DESCRIPTION = 1024
MAX_COMPATIBILITY = 500
FIELDS = ("name", "description", "license", "compatibility", "metadata", "allowed-tools")

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_ATTRIBUTE = re.compile(r"""([\w-]+)(?:=(?:"([^"]*)"|'([^']*)'|([^\s"'}]+)))?""")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the body: `level` 1-6, its plain `text`, and its 1-based `line` in the file."""

    level: int
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Link:
    """A link or image: its `target` as written (decoded), its `text`, and the 1-based `line` in the file."""

    target: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A fenced or indented code block.

    Attributes:
        language: first word of the info string, lower case; empty when there is none.
        attributes: `key="value"` pairs in the braces of the info string; a bare word has the value "".
        text: the code, without fences.
        line: 1-based line of the opening fence in the file.
        first_line: 1-based line of the first line of `text`.
        section: text of the level-2 heading above it, or "".
    """

    language: str
    attributes: Mapping[str, str]
    text: str
    line: int
    first_line: int
    section: str


@dataclass(frozen=True)
class Skill:
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
    scope: str = field(default="explicit", compare=False)

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
    def headings(self) -> tuple[Heading, ...]:
        """Headings of the body, in order."""
        return tuple(_headings(self._tokens, self.body_line))

    @cached_property
    def blocks(self) -> tuple[CodeBlock, ...]:
        """Code blocks of the body, in order, also those inside lists and quotes."""
        return tuple(_blocks(self._tokens, self.body_line))

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Links and images of the body, in order; autolinks included, code spans not."""
        return tuple(_links(self._tokens, self.body_line))

    def section(self, heading: str) -> str | None:
        """Text under the heading whose text is `heading` (case does not matter), down to the next of its level.

        Returns:
            The heading and its text, or None when there is no such heading.
        """
        wanted = heading.strip().casefold()
        lines = self.body.split("\n")
        for number, found in enumerate(self.headings):
            if found.text.casefold() == wanted:
                rest = (h.line for h in self.headings[number + 1 :] if h.level <= found.level)
                end = next(rest, self.body_line + len(lines))
                return "\n".join(lines[found.line - self.body_line : end - self.body_line]).rstrip() + "\n"
        return None

    @cached_property
    def _tokens(self) -> list[Token]:
        from markdown_it import MarkdownIt

        return MarkdownIt("commonmark", {"maxNesting": 50}).enable("table").parse(self.body)


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
        message = f"The file has {len(source):,} bytes; the limit is {MAX_BYTES:,}"
        raise SkillSyntaxError(path, 1, 1, "AS110", message, help="Move text into references/")
    text = source if isinstance(source, str) else _decode_bytes(source, path, findings)
    if text.startswith("\ufeff"):
        findings.append(
            Finding(path, 1, 1, "AS102", "The file begins with a byte order mark", "Save it without one")
        )
        text = text[1:]
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _decode_bytes(source: bytes, path: str, findings: list[Finding]) -> str:
    try:
        return source.decode()
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        column = error.start - source.rfind(b"\n", 0, error.start)
        message = f"The file is not UTF-8: byte 0x{source[error.start]:02x}"
        if not source.startswith((b"---", b"\xef\xbb\xbf---")):
            raise SkillSyntaxError(path, line, column, "AS101", message, help="Save it as UTF-8") from error
        findings.append(Finding(path, line, column, "AS101", message, "Save it as UTF-8"))
        return source.decode(errors="replace")


def _name(found: frontmatter.Frontmatter, path: str) -> str:
    name = found.texts.get("name", "").strip()
    return name or _folder(path)


def _folder(path: str) -> str:
    return path.rpartition("/")[0].rpartition("/")[2]


def _description(found: frontmatter.Frontmatter, path: str) -> str:
    value = found.fields.get("description")
    text = found.texts.get("description", "").strip() if value is not None else ""
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
    return {key: found.texts[f"metadata.{key}"] for key in given if f"metadata.{key}" in found.texts}


def _reading_findings(found: frontmatter.Frontmatter, path: str) -> Iterator[Finding]:
    for key in found.repaired:
        line, column = found.positions.get(key, (1, 1))
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


def _headings(tokens: list[Token], body_line: int) -> Iterator[Heading]:
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.map:
            text = "".join(
                child.content for child in inline.children or () if child.type in {"text", "code_inline"}
            )
            yield Heading(int(opening.tag[1]), text.strip(), body_line + opening.map[0])


def _blocks(tokens: list[Token], body_line: int) -> Iterator[CodeBlock]:
    section = ""
    for number, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag in {"h1", "h2"}:
            section = tokens[number + 1].content.strip() if token.tag == "h2" else ""
        if token.type in {"fence", "code_block"} and token.map:
            language, attributes = _info(token.info)
            line = body_line + token.map[0]
            yield CodeBlock(
                language, attributes, token.content, line, line + (token.type == "fence"), section
            )


def _info(info: str) -> tuple[str, Mapping[str, str]]:
    """Language and attributes of an info string such as `python {proof="static: needs CUDA"}`."""
    head, brace, rest = info.strip().partition("{")
    language = head.split()[0].lower() if head.split() else ""
    found = _ATTRIBUTE.findall(rest.rpartition("}")[0] or rest) if brace else []
    return language, MappingProxyType({key: double or single or bare for key, double, single, bare in found})


def _links(tokens: list[Token], body_line: int) -> Iterator[Link]:
    for token in tokens:
        if token.type != "inline" or not token.map:
            continue
        line = body_line + token.map[0]
        children = token.children or []
        for number, child in enumerate(children):
            line += child.type in {"softbreak", "hardbreak"}
            if child.type == "link_open":
                text = "".join(c.content for c in _until(children[number + 1 :], "link_close"))
                yield Link(str(child.attrGet("href") or ""), text, line)
            elif child.type == "image":
                yield Link(str(child.attrGet("src") or ""), child.content, line)


def _until(tokens: list[Token], end: str) -> Iterator[Token]:
    for token in tokens:
        if token.type == end:
            return
        yield token
