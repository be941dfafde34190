"""AS404, AS405, AS409, AS410: links. What a document points to must be there, spelled as it is."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

from airskills.finding import Finding
from airskills.folder import Folder
from airskills.markdown import Heading, Link, Markdown
from airskills.rules._base import Rule
from airskills.rules.profiles import CLIENTS, EVERYWHERE

_HEAD = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\n---\n# Demo\n\n"
_BOTH = ("standard", *CLIENTS)


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
        for document, link, target in local_links(folder):
            if not (leads_out(target) or _exists(folder, target) or folder.spelled(target)):
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
        for document, link, target in local_links(folder):
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
            for document, link, target in local_links(folder)
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


def local_links(folder: Folder) -> Iterator[tuple[Markdown, Link, str]]:
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


def leads_out(target: str) -> bool:
    """Whether a path from the skill's root lies outside of it."""
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
