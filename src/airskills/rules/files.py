"""AS4xx: files and links. What SKILL.md points to must be there; what is there must be pointed to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from airskills.finding import Finding
from airskills.folder import TEXT, Folder
from airskills.rules._base import Rule
from airskills.rules.guarded import Guarded
from airskills.rules.links import leads_out, local_links
from airskills.rules.profiles import CLIENTS, EVERYWHERE

_HEAD = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\n---\n# Demo\n\n"
_BOTH = ("standard", *CLIENTS)
MAX_FILE = 1024 * 1024
MAX_FILES = 512
_PROGRAMS = (".py", ".sh", ".bash", ".js", ".mjs", ".ts")
NAMED_FOLDERS = ("references/", "scripts/", "examples/", "assets/")


# Accounts that images of clouds and containers come with, and words that stand for the reader's own.
_ANYBODY = (
    r"(?:(?:user|username|you|your[\w-]*|me|name|ubuntu|ec2-user|admin|azureuser|opc|debian|runner|jovyan|vscode|coder|node|app"
    r"|appuser|nonroot|sandbox)\b|USER|[Yy]our|[<$%{\[])"
)


class AS401(Rule):
    """Link leads out of the skill.

    Why: installers copy the folder; what it points to outside is not copied, and clients refuse to follow it.
    """

    severity = "warning"
    profiles = EVERYWHERE
    bad = _HEAD + "See [the others](../other/SKILL.md).\n"
    good = _HEAD + "See the skill `other`.\n"
    at = 7

    def check(self, folder: Folder) -> Iterator[Finding]:
        for file in folder.files:
            if file.escapes:
                message = f"The link leads out of the skill (to {file.link[:80]!r})"
                yield self.finding(folder.at(file.path), 1, message, "Copy the file")
        for document, link, target in local_links(folder):
            if leads_out(target):
                message = f"The link to {link.target[:80]!r} leads out of the skill"
                yield self.finding(document.path, link.line, message, "Copy the file, or name the skill")


class AS402(Rule):
    """There is more than a check looks at.

    Why: what lies past 20,000 folders, eight levels, or 2,000 entries and 64 MiB of one skill was not checked, and a
    clean result says nothing about it.
    """

    profiles = EVERYWHERE

    def check(self, folder: Folder) -> Iterator[Finding]:
        if folder.truncated:
            message = f"The skill has {folder.truncated}; the rest was not looked at"
            yield self.finding(folder.at("SKILL.md"), 1, message, "Take out what no agent needs")


class AS403(Rule):
    """File or folder cannot be read.

    Why: pipes, devices, links that lead nowhere and files without permission are not copied by installers, hang some
    clients, and were not checked.
    """

    profiles = EVERYWHERE

    def check(self, folder: Folder) -> Iterator[Finding]:
        if folder.problem and folder.problem.code == "AS403":
            yield folder.problem
        for file in folder.files:
            if file.problem and not file.escapes and file.path != "SKILL.md":
                yield self.finding(folder.at(file.path), 1, file.problem, "Check its kind and permissions")


class AS406(Rule):
    """File is named nowhere.

    Why: an agent reads what SKILL.md points to; a reference that nothing names is never opened. The name of a folder below
    `references/`, `assets/`, `examples/` or `scripts/` stands for its files, and a script may name others.
    """

    profiles = _BOTH
    bad = {"SKILL.md": _HEAD, "references/memory.md": "# Memory\n"}
    good = {
        "SKILL.md": _HEAD + "Read [memory](references/memory.md) when it runs out.\n",
        "references/memory.md": "# Memory\n",
    }
    at = ("references/memory.md", 1)

    def check(self, folder: Folder) -> Iterator[Finding]:
        if folder.skill is None:
            return
        programs = [folder.text(file.path) for file in folder.matching(*_PROGRAMS)]
        said = "\n".join([folder.skill.raw, *(document.text for document in folder.documents), *programs])
        unnamed = [
            file.path
            for file in folder.files
            if file.path.startswith(NAMED_FOLDERS) and file.path.rpartition("/")[2] not in said
        ]
        words = {word.strip(".-") for word in re.findall(r"[\w.-]+", said)} if unnamed else set()
        for path in unnamed:
            top, *inside, name = path.split("/")
            stands_for = {*inside, name.rpartition(".")[0]} if top == "scripts" else {*inside}
            if not (stands_for & words or name.startswith((".", "_"))):
                yield self.finding(
                    folder.at(path),
                    1,
                    f"The file {path!r} is named nowhere",
                    "Say in SKILL.md when to read it, or remove it",
                )


class AS407(Rule):
    """Reference lies deeper than one level.

    Why: the specification asks for references one level below SKILL.md; agents preview nested ones only in part.
    """

    profiles = _BOTH
    bad = {"SKILL.md": _HEAD + "[a](references/deep/a.md)\n", "references/deep/a.md": "# A\n"}
    good = {"SKILL.md": _HEAD + "[a](references/a.md)\n", "references/a.md": "# A\n"}
    at = ("references/deep/a.md", 1)

    def check(self, folder: Folder) -> Iterator[Finding]:
        for file in folder.matching(".md", under="references"):
            if file.path.count("/") > 1:
                yield self.finding(
                    folder.at(file.path),
                    1,
                    f"The reference lies {file.path.count('/')} levels deep; one is allowed",
                    "Move it to references/",
                )


class AS408(Rule):
    """Path is absolute, or of one machine.

    Why: it exists on the author's computer only.
    """

    profiles = _BOTH
    bad = _HEAD + "Run `python /home/ann/demo/scripts/run.py`.\n"
    good = _HEAD + "Run `python scripts/run.py`.\n"
    at = 7
    _paths = Guarded(
        rf"(?<![\w/.])(?:/home/(?!{_ANYBODY})[a-z][\w.-]{{0,60}}/|/Users/(?!{_ANYBODY})[A-Za-z][\w.-]{{0,60}}/|[A-Z]:\\\\?Users\\\\?(?!{_ANYBODY})\w)",
        *("/home/", "/Users/", ":\\Users", ":\\\\Users"),
    )

    def check(self, folder: Folder) -> Iterator[Finding]:
        for document in folder.documents:
            lines = document.text.split("\n") if self._paths.may_match(document.text) else []
            for number, line in enumerate(lines, document.first_line):
                found = self._paths.pattern.search(line)
                if found:
                    yield self.finding(
                        document.path,
                        number,
                        f"The path {found[0]!r} is of one machine",
                        "Write it relative to the skill",
                    )


class AS411(Rule):
    """File is over 1 MiB.

    Why: skills travel through prompts, archives and registries; FastMCP refuses more than 16 MiB in all.
    """

    profiles = EVERYWHERE
    bad = {"SKILL.md": _HEAD + "[w](assets/w.csv)\n", "assets/w.csv": "0" * (MAX_FILE + 1)}
    good = {"SKILL.md": _HEAD + "[w](assets/w.csv)\n", "assets/w.csv": "0"}
    at = ("assets/w.csv", 1)

    def check(self, folder: Folder) -> Iterator[Finding]:
        for file in folder.files:
            if file.size > MAX_FILE:
                yield self.finding(
                    folder.at(file.path),
                    1,
                    f"The file has {file.size:,} bytes; the limit is {MAX_FILE:,}",
                    "Make the data in a script, or link to it",
                )


class AS412(Rule):
    """Text file holds binary data.

    Why: a NUL byte in a text file ends it for some readers and hides the rest from reviewers.
    """

    profiles = EVERYWHERE
    bad = {"SKILL.md": _HEAD + "[a](references/a.md)\n", "references/a.md": b"# A\n\0hidden\n"}
    good = {"SKILL.md": _HEAD + "[a](references/a.md)\n", "references/a.md": b"# A\n"}
    at = ("references/a.md", 2)

    def check(self, folder: Folder) -> Iterator[Finding]:
        for file in folder.matching(*TEXT):
            content = folder.read(file.path)
            place = content.find(b"\0")
            if place >= 0:
                yield self.finding(
                    folder.at(file.path),
                    content.count(b"\n", 0, place) + 1,
                    "The text file holds a NUL byte",
                    "Save it as text",
                )


class AS413(Rule):
    """Executable file is no script.

    Why: an execute bit on a document or data file is a mistake at best.
    """

    severity = "note"
    profiles = ("standard",)

    def check(self, folder: Folder) -> Iterator[Finding]:
        for file in folder.files:
            if file.executable and not folder.read(file.path).startswith(b"#!"):
                yield self.finding(
                    folder.at(file.path),
                    1,
                    "The file is executable and has no #! line",
                    "chmod -x, or add the line",
                )


class AS414(Rule):
    """Two file names differ only in case or in Unicode form.

    Why: on macOS and Windows one of them overwrites the other.
    """

    profiles = EVERYWHERE
    bad = {
        "SKILL.md": _HEAD + "[a](references/a.md) [b](references/A.md)\n",
        "references/a.md": "# a\n",
        "references/A.md": "# A\n",
    }
    good = {"SKILL.md": _HEAD + "[a](references/a.md)\n", "references/a.md": "# a\n"}
    at = ("references/a.md", 1)

    def check(self, folder: Folder) -> Iterator[Finding]:
        seen: dict[str, str] = {}
        for file in folder.files:
            plain = unicodedata.normalize("NFC", file.path).casefold()
            if plain in seen and plain != "skill.md":
                yield self.finding(
                    folder.at(file.path),
                    1,
                    f"The name differs from {seen[plain]!r} only in case",
                    "Rename one",
                )
            seen.setdefault(plain, file.path)


class AS415(Rule):
    """Skill has over 512 files.

    Why: the MCP skills extension allows 512 files and 16 MiB; installers stop at 1,000.
    """

    profiles = EVERYWHERE
    bad = {"SKILL.md": _HEAD, **{f"data/{n}.txt": "x" for n in range(MAX_FILES)}}
    good = _HEAD

    def check(self, folder: Folder) -> Iterator[Finding]:
        if len(folder.files) > MAX_FILES:
            yield self.finding(
                folder.at("SKILL.md"),
                1,
                f"The skill has {len(folder.files)} files; the limit is {MAX_FILES}",
                "Pack data into one file",
            )


class AS416(Rule):
    """File is a compiled program.

    Why: nobody can review it, and it runs on one kind of machine only.
    """

    profiles = EVERYWHERE
    bad = {"SKILL.md": _HEAD + "Run scripts/tool.\n", "scripts/tool": b"\x7fELF\x02\x01\x01" + b"\0" * 9}
    good = {"SKILL.md": _HEAD + "Run scripts/tool.\n", "scripts/tool": b"#!/bin/sh\necho tool\n"}
    at = ("scripts/tool", 1)
    _begins = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa\xcf", b"\0asm")

    def check(self, folder: Folder) -> Iterator[Finding]:
        for file in folder.files:
            named = file.path.endswith(
                (".pyc", ".pyd", ".so", ".dll", ".dylib", ".exe", ".class", ".jar", ".whl")
            )
            bare = "." not in file.path.rpartition("/")[2]
            if named or (bare and folder.read(file.path).startswith(self._begins)):
                message = "The file is a compiled program or package"
                yield self.finding(
                    folder.at(file.path), 1, message, "Ship its source, or say how to install it"
                )


class AS417(Rule):
    """Script that is called directly has no execute bit.

    Why: `./scripts/run.sh` answers "Permission denied"; `bash scripts/run.sh` works everywhere, also after an installer dropped
    the bit.
    """

    severity = "note"
    profiles = ("standard",)
    _calls = Guarded(r"(?:^|[\s`;&|])\./((?:scripts|examples)/[\w./-]{1,200})", "./scripts/", "./examples/")

    def check(self, folder: Folder) -> Iterator[Finding]:
        still = {file.path for file in folder.files if not file.executable}
        for document in folder.documents:
            for found in self._calls.finditer(document.text) if still else ():
                if found[1] in still:
                    line = document.line_at(found.start(1))
                    message = f"The script {found[1]!r} is called directly and is not executable"
                    yield self.finding(document.path, line, message, "Call its interpreter, or chmod +x it")
