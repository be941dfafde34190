"""AS1xx: the frontmatter, by the Agent Skills specification ("SKILL.md format", "Frontmatter").

The parser notes every deviation while it reads; these rules give each its page and its proof.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar

from airskills import frontmatter
from airskills.finding import Finding, Severity
from airskills.folder import Folder
from airskills.rules._base import RULES, Rule
from airskills.rules.profiles import CLIENTS, EVERYWHERE, client

MAX_LINES = 2_000  # of a frontmatter; 64 KiB hold no more that make sense
# `key: 1.0`, with what follows the value; no quote, bracket or block in sight.
_LONE_VALUE = re.compile(r"^(\s*[\w-]+:[ \t]+)((?!(?i:null)\b)[\w.+:/-]+)([ \t]*(?:[ \t]#.*)?\r?)$")
_GOOD = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\n---\n"


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # all but tab and line ends


class _Reading(Rule):
    """Passes on what the parser said under this rule's code."""

    severity: ClassVar[Severity] = "error"
    profiles = EVERYWHERE
    good = _GOOD

    def check(self, folder: Folder) -> Iterator[Finding]:
        said = [folder.problem] if folder.problem else list(folder.skill.findings if folder.skill else ())
        return (finding for finding in said if finding.code == type(self).__name__)


class AS101(_Reading):
    """File is not UTF-8.

    Why: clients decode SKILL.md as UTF-8; some crash on the first other byte, others show wrong letters.
    """

    bad = {"SKILL.md": b"---\nname: demo\ndescription: Caf\xe9 logs. Use when a run fails.\n---\n"}
    at = 3


class AS102(_Reading):
    """File begins with a byte order mark.

    Why: clients that look for `---` as the first three characters do not find the frontmatter and drop the skill.
    """

    severity = "warning"
    bad = "\ufeff" + _GOOD

    def fix(self, folder: Folder) -> Mapping[str, str]:
        content = folder.read("SKILL.md")
        return (
            {"SKILL.md": content[3:].decode()}
            if content.startswith(b"\xef\xbb\xbf") and _is_utf8(content)
            else {}
        )


class AS103(_Reading):
    """Frontmatter is missing.

    Why: without a name and a description no client lists the skill.
    """

    bad = "# Demo\n"


class AS104(_Reading):
    """Frontmatter is never closed.

    Why: the fence is a line of exactly three hyphens; without the second one everything is YAML and nothing is read.
    """

    bad = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\n"


class AS105(_Reading):
    """Frontmatter is not YAML.

    Why: every client skips a skill whose frontmatter it cannot parse, mostly without a word.
    """

    bad = "---\nname: demo\ndescription: [unfinished\n---\n"
    at = 4  # where the parser gave up


class AS106(_Reading):
    """Value holds an unquoted colon.

    Why: `description: Use when: ...` is two mappings to YAML. Lenient clients repair it, strict ones drop the skill.
    """

    bad = "---\nname: demo\ndescription: Use when: a run fails\n---\n"
    at = 3

    def fix(self, folder: Folder) -> Mapping[str, str]:
        text = _certain(folder)
        broken = folder.skill is not None and any(f.code == "AS106" for f in folder.skill.findings)
        if not broken or not text:
            return {}
        newline = "\r\n" if "\r\n" in text else "\n"
        cut = frontmatter.split(text.replace("\r\n", "\n").removeprefix("\ufeff"), "SKILL.md")
        quoted, _ = frontmatter.quote_colons(cut.yaml, 2)
        return {"SKILL.md": f"---\n{quoted}---\n{cut.body}".replace("\n", newline)}


class AS107(_Reading):
    """Key occurs twice.

    Why: YAML forbids it; some parsers take the first value, some the last, some refuse.
    """

    bad = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\nname: demo\n---\n"
    at = 4


class AS108(_Reading):
    """Frontmatter uses an alias, or is nested too deeply.

    Why: aliases multiply (ten lines can become gigabytes) and deep nesting exhausts parsers; neither has a use here.
    """

    bad = "---\nname: &n demo\ndescription: *n\n---\n"
    at = 2


class AS109(_Reading):
    """Frontmatter is not a mapping.

    Why: fields are looked up by name; a list or a bare word has none.
    """

    bad = "---\n- demo\n---\n"
    at = 2


class AS110(_Reading):
    """File or frontmatter is too large.

    Why: clients stop reading at 10 MB; a frontmatter of over 64 KiB is a body in the wrong place.
    """

    bad = "---\nname: demo\ndescription: " + "x" * 66_000 + "\n---\n"


class AS111(_Reading):
    """Name is missing.

    Why: the specification requires it; the folder's name is only a fallback of lenient clients.
    """

    bad = "---\ndescription: Reads logs. Use when a run fails.\n---\n"


class AS112(_Reading):
    """Name is malformed.

    Why: only `a-z`, `0-9` and single hyphens between them are accepted by every client; the reference validator lets
    other letters through, and then FastMCP, `npx skills` and `gh skill` refuse the skill.
    """

    bad = "---\nname: Demo_1\ndescription: Reads logs. Use when a run fails.\n---\n"
    good = _GOOD
    at = 2
    name = "Demo_1"


class AS113(_Reading):
    """Name is over 64 characters.

    Why: the specification's limit; names become command names and file names.
    """

    bad = "---\nname: " + "a" * 65 + "\ndescription: Reads logs. Use when a run fails.\n---\n"
    good = "---\nname: " + "a" * 64 + "\ndescription: Reads logs. Use when a run fails.\n---\n"
    at = 2
    name = "a" * 64


class AS114(_Reading):
    """Name differs from the folder.

    Why: clients find skills by folder and call them by name; half of them refuse when the two disagree.
    """

    bad = "---\nname: other\ndescription: Reads logs. Use when a run fails.\n---\n"
    at = 2


class AS115(_Reading):
    """Description is missing or empty.

    Why: it is all that an agent sees before it decides; without one the skill is never listed.
    """

    bad = "---\nname: demo\n---\n"


class AS116(_Reading):
    """Description is over 1,024 characters.

    Why: the specification's limit; uploads to Claude fail on it and other clients cut it.
    """

    bad = "---\nname: demo\ndescription: " + "x" * 1025 + "\n---\n"
    good = "---\nname: demo\ndescription: " + "x" * 1024 + "\n---\n"
    at = 3


class AS117(_Reading):
    """Field is not in the specification.

    Why: the specification has six fields. Strict clients refuse others; our own data belongs into `metadata`.
    Under a client's profile the fields that this client reads are no finding.
    """

    bad = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\nversion: 1.0.0\n---\n"
    at = 4

    def check(self, folder: Folder) -> Iterator[Finding]:
        positions = folder.skill.positions if folder.skill else {}
        read = {positions.get(name) for name in client(self.settings.profile)["fields"]}
        return (finding for finding in super().check(folder) if (finding.line, finding.column) not in read)


class AS118(_Reading):
    """Field has the wrong type.

    Why: every field but `metadata` is one string, `metadata` maps strings to strings. A list in `allowed-tools` or a
    number in `metadata` passes the reference validator and breaks typed clients.
    """

    bad = (
        "---\nname: demo\ndescription: Reads logs. Use when a run fails.\nallowed-tools: [Read, Bash]\n---\n"
    )
    good = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\nallowed-tools: Read Bash\n---\n"
    at = 4

    def fix(self, folder: Folder) -> Mapping[str, str]:
        """Quote numbers, dates and truth values that stand alone on the line of their key."""
        text = _certain(folder)
        said = folder.skill.findings if folder.skill and text else ()
        lines = text.split("\n")
        for finding in said:
            if finding.code == "AS118" and finding.message.endswith("is not a string"):
                lines[finding.line - 1] = _LONE_VALUE.sub(r'\1"\2"\3', lines[finding.line - 1])
        return {"SKILL.md": "\n".join(lines)} if "\n".join(lines) != text else {}


class AS119(_Reading):
    """Compatibility is empty or over 500 characters.

    Why: the specification allows 1 to 500 characters; no needs means no field.
    """

    bad = '---\nname: demo\ndescription: Reads logs. Use when a run fails.\ncompatibility: ""\n---\n'
    good = (
        "---\nname: demo\ndescription: Reads logs. Use when a run fails.\ncompatibility: Needs CUDA.\n---\n"
    )
    at = 4


class AS120(Rule):
    """File name is not exactly SKILL.md.

    Why: clients on Linux look for `SKILL.md` with capital letters; `skill.md` works on the author's Mac and nowhere else.
    """

    severity = "error"
    profiles = EVERYWHERE
    bad = {"SKILL.md": _GOOD, "skill.md": "a second one\n"}
    good = _GOOD
    at = ("skill.md", 1)

    def check(self, folder: Folder) -> Iterator[Finding]:
        for file in folder.files:
            if file.path.lower() == "skill.md" and file.path != "SKILL.md":
                yield self.finding(
                    folder.at(file.path), 1, f"The file is called {file.path!r}", "Rename it to SKILL.md"
                )


class AS121(_Reading):
    r"""Frontmatter holds a control character.

    Why: YAML forbids it, and terminals obey it: what a reviewer sees need not be what a client reads. In double quotes YAML
    makes one out of letters: `"\e[2K"` clears the line on which a client lists the skill.
    """

    bad = "---\nname: demo\ndescription: Reads logs.\x1b[2K Use when a run fails.\n---\n"
    at = 3

    def check(self, folder: Folder) -> Iterator[Finding]:
        yield from super().check(folder)
        if folder.skill is None:
            return
        nested = {f"metadata.{key}": value for key, value in folder.skill.metadata.items()}
        values: dict[str, object] = {**folder.skill.fields, **nested}
        for key, value in values.items():
            found = _CONTROL.search(value) if isinstance(value, str) else None
            if found:
                line, column = folder.skill.positions.get(key, (1, 1))
                message = f"The value of {key!r} holds the control character U+{ord(found[0]):04X}"
                yield self.finding(folder.skill.path, line, message, "Remove it", column=column)


class AS122(Rule):
    """License names a file that is not there.

    Why: the specification's `license` is a name or a file of the skill; who installs the skill gets neither.
    """

    severity = "warning"
    profiles = EVERYWHERE
    bad = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\nlicense: Terms in LICENSE.txt\n---\n"
    good = {"SKILL.md": bad, "LICENSE.txt": "MIT\n"}
    at = 4

    def check(self, folder: Folder) -> Iterator[Finding]:
        value = folder.skill.fields.get("license") if folder.skill else None
        for name in re.findall(r"[\w./-]+\.(?:txt|md|rst)\b", value) if isinstance(value, str) else ():
            if folder.skill and not folder.has(name.removeprefix("./")):
                line, column = folder.skill.positions["license"]
                message = f"The license is said to stand in {name[:80]!r}, which is not there"
                yield self.finding(
                    folder.skill.path, line, message, "Add the file, or name the license", column=column
                )


class AS123(Rule):
    """Three hyphens stand inside the frontmatter.

    Why: the frontmatter ends at a line of three hyphens, but the reference validator and clients like it cut at any three
    hyphens: they see half a description and say nothing.
    """

    severity = "warning"
    profiles = EVERYWHERE
    bad = "---\nname: demo\ndescription: Turns --- into rules. Use when a run fails.\n---\n"
    good = "---\nname: demo\ndescription: Turns -- into rules. Use when a run fails.\n---\n"
    at = 3

    def check(self, folder: Folder) -> Iterator[Finding]:
        lines = folder.skill.raw.split("\n", MAX_LINES) if folder.skill else []
        for number, line in enumerate(lines[1:MAX_LINES], 2):
            if line.rstrip() == "---":
                return
            if "---" in line:
                column = line.index("---") + 1
                yield self.finding(
                    folder.at("SKILL.md"),
                    number,
                    "Three hyphens stand inside the frontmatter",
                    "Write a dash",
                    column=column,
                )


class AS124(Rule):
    """Description holds markup.

    Why: descriptions are put between the tags of a prompt; `<b>` or `</skill>` in one can end them, and uploads to Claude
    refuse it.
    """

    severity = "warning"
    profiles = EVERYWHERE
    bad = "---\nname: demo\ndescription: Reads <b>logs</b>. Use when a run fails.\n---\n"
    good = "---\nname: demo\ndescription: Reads logs of < 1 GB. Use when a run fails.\n---\n"
    at = 3

    def check(self, folder: Folder) -> Iterator[Finding]:
        found = re.search(r"</?[A-Za-z][^<>]{0,200}>", folder.skill.description) if folder.skill else None
        if folder.skill and found:
            line, column = folder.skill.positions["description"]
            message = f"The description holds the markup {found[0][:40]!r}"
            yield self.finding(folder.skill.path, line, message, "Write it in words", column=column)


class AS125(Rule):
    """Name holds a word that the client keeps for itself.

    Why: Claude refuses skills whose names hold `claude` or `anthropic`.
    """

    severity = "warning"
    profiles = tuple(name for name in CLIENTS if client(name)["reserved"])
    bad = "---\nname: claude-logs\ndescription: Reads logs. Use when a run fails.\n---\n"
    good = _GOOD
    at = 2
    name = "claude-logs"

    def check(self, folder: Folder) -> Iterator[Finding]:
        reserved = client(self.settings.profile if self.settings.profile in CLIENTS else self.profiles[0])[
            "reserved"
        ]
        for word in reserved if folder.skill else ():
            if folder.skill and word in folder.skill.name:
                line, column = folder.skill.positions.get("name", (1, 1))
                message = f"The name {folder.skill.name[:80]!r} holds {word!r}"
                yield self.finding(folder.skill.path, line, message, "Choose another name", column=column)


class AS126(Rule):
    """Ignore names no rule, or gives no reason.

    Why: without a reason `airskills-ignore` ignores nothing, so that nobody can silence a rule without saying why; a code
    that no rule has was mistyped.
    """

    severity = "warning"
    profiles = EVERYWHERE
    bad = _GOOD.removesuffix("---\n") + 'metadata:\n  airskills-ignore: "AS204"\n---\n'
    good = _GOOD.removesuffix("---\n") + 'metadata:\n  airskills-ignore: "AS204: a list of commands"\n---\n'
    at = 5

    def check(self, folder: Folder) -> Iterator[Finding]:
        key = "airskills-ignore"
        text = folder.skill.metadata.get(key, "") if folder.skill else ""
        for item in filter(None, (part.strip() for part in text.split(";"))):
            code, _, reason = (part.strip() for part in item.partition(":"))
            if folder.skill and (code not in RULES or not reason):
                what = (
                    f"no rule has the code {code[:20]!r}"
                    if code not in RULES
                    else f"{code} is given no reason"
                )
                line, column = folder.skill.positions.get(f"metadata.{key}", (1, 1))
                message = f"Nothing is ignored: {what}"
                yield self.finding(
                    folder.skill.path, line, message, "Write CODE: reason; CODE: reason", column=column
                )


def _certain(folder: Folder) -> str:
    """Text of the SKILL.md, line ends as they are; "" where bytes or mixed line ends leave doubt about what a line is."""
    content = folder.read("SKILL.md")
    text = content.decode() if _is_utf8(content) else ""
    mixed = "\r" in text and "\r" in text.replace("\r\n", "") + (
        "\r" if "\n" in text.replace("\r\n", "") else ""
    )
    return "" if mixed else text


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
