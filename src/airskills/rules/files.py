"""AS4xx: files and links. What SKILL.md points to must be there; what is there must be pointed to."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

from airskills.finding import Finding
from airskills.folder import TEXT, Folder
from airskills.markdown import Heading, Link, Markdown
from airskills.rules._base import Rule
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
        for document, link, target in _local_links(folder):
            if _leads_out(target):
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


class AS404(Rule):
    """Link leads nowhere.

    Why: the agent is told to read a file that is not there, and loses the turn or invents its content.
    """

    severity = "error"
    profiles = EVERYWHERE
    bad = _HEAD + "See [memory](references/memory.md).\n"
    good = {"SKILL.md": bad, "references/memory.md": "# Memory\n"}
    at = 7

    def check(self, folder: Folder) -> Iterator[Finding]:
        for document, link, target in _local_links(folder):
            if not (_leads_out(target) or _exists(folder, target) or folder.spelled(target)):
                yield self.finding(
                    document.path,
                    link.line,
                    f"The link to {link.target[:80]!r} leads nowhere",
                    "Correct the path, or add the file",
                )


class AS405(Rule):
    """Anchor does not exist.

    Why: the reader lands at the top of a long file instead of at the answer.
    """

    profiles = _BOTH
    bad = _HEAD + "See [below](#memry).\n\n## Memory\n"
    good = _HEAD + "See [below](#memory).\n\n## Memory\n"
    at = 7

    def check(self, folder: Folder) -> Iterator[Finding]:
        anchors = {document.path: _anchors(document) for document in folder.documents}
        for document in folder.documents:
            for link in document.links:
                path, mark, anchor = link.target.partition("#")
                target = folder.at(_resolve(folder, document, path)) if path else document.path
                known = anchors.get(target, frozenset()) if mark else frozenset()
                if known and unquote(anchor).lower() not in known and _words_of(unquote(anchor)) not in known:
                    yield self.finding(
                        document.path,
                        link.line,
                        f"No heading has the anchor {anchor[:60]!r}",
                        "Use the heading's words, lower case, with hyphens",
                    )


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
    _paths = re.compile(
        rf"(?<![\w/.])(?:/home/(?!{_ANYBODY})[a-z][\w.-]{{0,60}}/|/Users/(?!{_ANYBODY})[A-Za-z][\w.-]{{0,60}}/|[A-Z]:\\\\?Users\\\\?(?!{_ANYBODY})\w)"
    )

    def check(self, folder: Folder) -> Iterator[Finding]:
        for document in folder.documents:
            for number, line in enumerate(document.text.split("\n"), document.first_line):
                found = self._paths.search(line)
                if found:
                    yield self.finding(
                        document.path,
                        number,
                        f"The path {found[0]!r} is of one machine",
                        "Write it relative to the skill",
                    )


class AS409(Rule):
    """Path uses backslashes.

    Why: the specification's paths have forward slashes; others work on one system only.
    """

    profiles = _BOTH
    bad = _HEAD + "See [memory](references\\\\memory.md).\n"
    good = _HEAD + "See [memory](https://example.org/memory).\n"
    at = 7

    def check(self, folder: Folder) -> Iterator[Finding]:
        for document in folder.documents:
            for link in document.links:
                if "\\" in unquote(link.target) and ":" not in link.target:
                    yield self.finding(
                        document.path,
                        link.line,
                        f"The path {unquote(link.target)[:80]!r} has backslashes",
                        "Use forward slashes",
                    )

    def fix(self, folder: Folder) -> Mapping[str, str]:
        """Turn the backslashes of links that lead to a file then."""
        found = [
            (document.path, link, unquote(link.target).replace("\\", "/"))
            for document in folder.documents
            for link in document.links
            if "\\" in unquote(link.target) and ":" not in link.target
        ]
        return _relinked(folder, [(path, link, target) for path, link, target in found if folder.has(target)])


class AS410(Rule):
    """Link and file differ in case.

    Why: it works on the author's Mac or Windows and fails on Linux, where agents run.
    """

    severity = "error"
    profiles = EVERYWHERE
    bad = {"SKILL.md": _HEAD + "See [memory](references/Memory.md).\n", "references/memory.md": "# Memory\n"}
    good = {"SKILL.md": _HEAD + "See [memory](references/memory.md).\n", "references/memory.md": "# Memory\n"}
    at = ("SKILL.md", 7)

    def check(self, folder: Folder) -> Iterator[Finding]:
        for document, link, target in _local_links(folder):
            other = "" if _exists(folder, target) else folder.spelled(target)
            if other:
                yield self.finding(
                    document.path,
                    link.line,
                    f"The link says {target!r}, the file is {other!r}",
                    "Write it as the file is",
                )

    def fix(self, folder: Folder) -> Mapping[str, str]:
        """Write the link as the file is called."""
        found = [
            (document.path, link, other)
            for document, link, target in _local_links(folder)
            if not _exists(folder, target) and (other := folder.spelled(target))
        ]
        return _relinked(
            folder,
            [
                (path, link, other)
                for path, link, other in found
                if link.target.casefold() == other.casefold()
            ],
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
    _calls = re.compile(r"(?:^|[\s`;&|])\./((?:scripts|examples)/[\w./-]{1,200})")

    def check(self, folder: Folder) -> Iterator[Finding]:
        still = {file.path for file in folder.files if not file.executable}
        for document in folder.documents:
            for found in self._calls.finditer(document.text) if still else ():
                if found[1] in still:
                    line = document.line_at(found.start(1))
                    message = f"The script {found[1]!r} is called directly and is not executable"
                    yield self.finding(document.path, line, message, "Call its interpreter, or chmod +x it")


def _relinked(folder: Folder, wanted: Iterable[tuple[str, Link, str]]) -> dict[str, str]:
    """New texts of the files of these (document, link, target): the target of each inline link on the link's line."""
    texts: dict[str, list[str]] = {}
    before: dict[str, str] = {}
    for path, link, target in wanted:
        name = path.removeprefix(f"{folder.path}/")
        if name not in texts:
            try:
                before[name] = folder.read(name).decode()
            except UnicodeDecodeError:
                continue
            texts[name] = before[name].split("\n")
        row = link.line - 1
        written = re.escape(link.target).replace(r"\\", r"\\{1,2}")  # Markdown's own escape of a backslash
        if row < len(texts[name]):
            put = "\\g<1>" + target.replace("\\", "\\\\")
            texts[name][row] = re.sub(rf"(\]\(){written}(?=[)\s])", put, texts[name][row])
    changed = {name: "\n".join(lines) for name, lines in texts.items()}
    return {name: text for name, text in changed.items() if text != before[name]}


def _local_links(folder: Folder) -> Iterator[tuple[Markdown, Link, str]]:
    """(document, link, path from the skill's root) of every link to a file of the skill, or of one that leads out of it."""
    for document in folder.documents:
        for link in document.links:
            path = unquote(link.target.partition("#")[0].partition("?")[0])
            elsewhere = re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//|/|mailto:", path)
            if path and not elsewhere and not set(path) & set("\\{}<>$*"):
                yield document, link, _resolve(folder, document, path)


def _resolve(folder: Folder, document: Markdown, path: str) -> str:
    """`path` from the skill's root. A reference may name files from its own folder or from the root."""
    beside = posixpath.dirname(document.path.removeprefix(f"{folder.path}/"))
    own, rooted = (posixpath.normpath(posixpath.join(base, unquote(path))) for base in (beside, ""))
    return rooted if not _exists(folder, own) and _exists(folder, rooted) else own


def _exists(folder: Folder, target: str) -> bool:
    return folder.has(target) or folder.has_folder(target)


def _leads_out(target: str) -> bool:
    return target == ".." or target.startswith("../")


def _anchors(document: Markdown) -> frozenset[str]:
    """Anchors as GitHub makes them, the second heading of a name gets `-1`; and the bare words of each heading."""
    seen: dict[str, int] = {}
    out = {""}
    for heading in document.headings:
        slug = _slug(heading)
        out |= {
            slug if slug not in seen else f"{slug}-{seen[slug]}",
            _words_of(re.sub(r":\w+:", " ", heading.text)),
        }
        seen[slug] = seen.get(slug, 0) + 1
    return frozenset(out | set(re.findall(r"""<a\s+(?:id|name)=["']([^"']{1,200})["']""", document.text)))


def _slug(heading: Heading) -> str:
    kept = "".join(c for c in heading.text.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")


def _words_of(anchor: str) -> str:
    """What an anchor says, whoever made it: GitHub keeps what emoji leave behind, others do not."""
    return "-".join(re.findall(r"[^\W_]+", anchor.lower()))
