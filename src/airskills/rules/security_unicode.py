"""AS701-AS703: characters that people do not see, or take for others."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from airskills.finding import Finding
from airskills.folder import Folder
from airskills.rules._base import Rule
from airskills.rules.profiles import EVERYWHERE

_HEAD = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\n---\n# Demo\n\n"
_TEXT = (".md", ".py", ".sh", ".txt", ".js", ".ts", ".json", ".yaml", ".yml", ".toml", ".html")
_CODE = (".py", ".sh", ".js", ".ts")
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{2,8}\U000e007f")
_TAG = re.compile("[\U000e0000-\U000e007f]+")
_INVISIBLE = re.compile("[\u200b-\u200d\u2060-\u2064\u180e\u115f\u1160\u3164\uffa0\ufeff\u034f]{4,}")
# Between a small and a capital letter it is where documentation lets a long name break.
_SPLITS = re.compile(
    "(?<=[A-Za-z])[\u200b-\u200d\u2060-\u2064\u180e\u3164\uffa0\ufeff](?=[a-z])|(?<=[A-Z])[\u200b-\u200d\u2060-\u2064\u180e\u3164\uffa0\ufeff](?=[A-Z])"
)
_SELECTORS = re.compile(
    "[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}|[A-Za-z0-9 ][\ufe00-\ufe0d\U000e0100-\U000e01ef]"
)
# A range of a regular expression that looks for such characters.
_CLASS = re.compile("\\[[^\\]\n]{0,200}[\u200b-\u200f\u202a-\u202e\u2060-\u206f]-[^\\]\n]{0,200}\\]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_WORD = re.compile(r"[^\W_]+")
_DOTTED = re.compile(r"\b[\w-]{2,60}(?:\.[\w-]{2,60})+(?=[/:\s\"'`)]|$)")
_LINK = re.compile(r"(?:https?://|@)([^\s/\"'<>)`|]{4,200})")
# Letters that look like ASCII ones in common fonts (from Unicode TS 39, the pairs that keyboards can type).
_LOOKS = dict(zip("аеорсухіјѕԁһԛԝӏкмтвнАВЕКМНОРСТХІЈЅ", "aeopcyxijsdhqwlkmtbhABEKMHOPCTXIJS", strict=True))
_LOOKS |= dict(zip("οναρικυτΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ovapikutABEZHIKMNOPTYX", strict=True))


def _texts(folder: Folder) -> Iterator[tuple[str, str]]:
    for file in folder.files:
        if file.path.endswith(_TEXT):
            yield file.path, folder.text(file.path)


class AS701(Rule):
    """Invisible characters carry a message.

    Why: an agent reads tag characters, zero-width characters and variation selectors that no person sees. Joiners in
    Arabic, Indic and emoji sequences, flags, and a single stray space of no width are left alone.

    Cisco: prompt injection (unicode steganography), obfuscation. Snyk: W021, E004. OWASP agentic: ASI01, ASI09.
    """

    severity = "error"
    profiles = EVERYWHERE
    bad = _HEAD + "Align the columns.\U000e0072\U000e0075\U000e006e\n"
    good = _HEAD + "Align the columns. 👨‍👩‍👧 क्‍ष ❤️\n"
    at = 7

    def check(self, folder: Folder) -> Iterator[Finding]:
        for path, text in _texts(folder):
            if text.isascii():
                continue
            for number, line in enumerate(text.split("\n"), 1):
                found = None if line.isascii() else _invisible(line)
                if found:
                    yield self.finding(
                        folder.at(path),
                        number,
                        found[1],
                        "Remove the invisible characters",
                        column=found[0] + 1,
                    )


def _invisible(line: str) -> tuple[int, str] | None:
    bare = _CLASS.sub("[]", _FLAG.sub(lambda match: "." * len(match[0]), line))
    tags = _TAG.search(bare)
    if tags:
        hidden = "".join(chr(ord(char) - 0xE0000) for char in tags[0] if 0x20 <= ord(char) - 0xE0000 < 0x7F)
        return tags.start(), f"Invisible tag characters say {hidden[:60]!r}"
    for pattern, what in (
        (_INVISIBLE, "A run of characters of no width hides data"),
        (_SPLITS, "A character of no width splits a word"),
        (_SELECTORS, "Variation selectors hide data"),
    ):
        match = pattern.search(bare)
        if match:
            return match.start(), what
    return None


class AS702(Rule):
    """Bidirectional controls reorder the text.

    Why: what a person sees is not what the agent or the interpreter reads ("Trojan Source", Boucher and Anderson 2021).
    Controls on a line of Arabic or Hebrew that close again are left alone.

    Cisco: obfuscation. Snyk: W021. OWASP agentic: ASI01, ASI09.
    """

    severity = "error"
    profiles = EVERYWHERE
    bad = _HEAD + "Open invoice\u202efdp.exe first.\n"
    good = _HEAD + "הטקסט \u202bAPI 2.0\u202c נשאר.\n"
    at = 7

    def check(self, folder: Folder) -> Iterator[Finding]:
        for path, text in _texts(folder):
            if text.isascii():
                continue
            for number, line in enumerate(text.split("\n"), 1):
                match = _BIDI.search(_CLASS.sub("[]", line))
                if match and not (_RTL.search(line) and (_closes(line) or not path.endswith(_CODE))):
                    name = unicodedata.name(match[0]).lower()
                    message = f"The control character {name!r} reorders the line"
                    yield self.finding(
                        folder.at(path), number, message, "Remove it", column=match.start() + 1
                    )


def _closes(line: str) -> bool:
    opened = sum(line.count(char) for char in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068")
    return opened == line.count("\u202c") + line.count("\u2069")


class AS703(Rule):
    """Name mixes letters that look alike.

    Why: `paypal.com` with a Cyrillic letter is another host, another package, another variable. A word counts when it
    holds Latin letters and letters of another script that all look like Latin ones; `API-шка` and `Δx` do not.

    Cisco: obfuscation, supply chain. Snyk: E005. OWASP agentic: ASI04, ASI09.
    """

    severity = "error"
    profiles = EVERYWHERE
    bad = _HEAD + "```bash\npip install matpl\u043etlib==3.10.0\n```\n"
    good = _HEAD + "```bash\npip install matplotlib==3.10.0\n```\nDas Δx in μm; PDF-файл.\n"
    at = 8

    def check(self, folder: Folder) -> Iterator[Finding]:
        for path, text in _texts(folder):
            if text.isascii() and "xn--" not in text:
                continue
            for number, line in enumerate(text.split("\n"), 1):
                word = "" if line.isascii() and "xn--" not in line else _mixed(line)
                if word and not _compares(line, word):
                    message = f"The word {word[:60]!r} mixes letters of two scripts that look alike"
                    yield self.finding(
                        folder.at(path), number, message, "Write it with the letters of one script"
                    )


def _compares(line: str, word: str) -> bool:
    """Whether a line shows the word beside the one that it imitates, or names its letters."""
    plain = "".join(_LOOKS.get(char, char) for char in word)
    return (
        plain in line
        or re.search(r"U\+0[34]\w\w|cyrillic|homoglyph|confusable|punycode", line, re.IGNORECASE) is not None
    )


def _mixed(line: str) -> str:
    for match in _WORD.finditer(line):
        word = match[0]
        foreign = [char for char in word if not char.isascii()]
        if foreign and len(word) > 3 and all(char in _LOOKS for char in foreign) and len(foreign) < len(word):
            greek = all("\u0370" <= char <= "\u03ff" for char in foreign)
            inside = any(a.isascii() and a.isalpha() for a in word[:1]) and word[-1].isascii()
            if any(char.isascii() and char.isalpha() for char in word) and (not greek or inside):
                return word
    for match in _DOTTED.finditer(line):
        for label in match[0].split("."):
            foreign = [char for char in label if not char.isascii()]
            if foreign and len(foreign) < len(label) and all(char in _LOOKS for char in foreign):
                return match[0]
    for match in _LINK.finditer(line):
        for label in match[1].split("."):
            plain = _decoded(label)
            if not plain.isascii() and all(char in _LOOKS or char.isascii() for char in plain):
                return plain
    return ""


def _decoded(label: str) -> str:
    try:
        return label[4:].encode().decode("punycode") if label.startswith("xn--") else label
    except UnicodeError:
        return label


__all__ = ["AS701", "AS702", "AS703"]
