"""What stands inside a line of Markdown: text, code spans, raw HTML, links and images, in time that grows with its length.

CommonMark's own method (specification 0.31.2, appendix "A parsing strategy", phase 2): one pass and two stacks.
markdown-it looks for the end of every `[` anew, so that 60 kB of `![` take it seconds; here an opening bracket costs one
place on a stack. A property test holds the two together.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from html.entities import html5

from markdown_it.common.utils import normalizeReference

MAX_TAG = 2_000  # characters of an HTML tag or autolink; CommonMark has no limit, hostile text needs one
MAX_LABEL = 999  # characters of a link's label (CommonMark)
MAX_ALT = 1_000  # characters of an image's text that are kept: images nest, and each level copies its text
MAX_PARENTHESES = 32  # open ones in a bare destination, as in cmark and markdown-it

_TEXT = re.compile(r"[^\\`*_\[\]!<&\n]+")
_BACKTICKS = re.compile(r"`+")
_CODE = re.compile(r"(`++)([^`]++)(`++)")
_ENTITY = r"&(?:#[xX][0-9a-fA-F]{1,6}|#[0-9]{1,7}|[A-Za-z][A-Za-z0-9]{1,31});"
_ESCAPE = re.compile(rf"\\([!-/:-@\[-`{{-~])|({_ENTITY})")
_HOST = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_AUTOLINK = re.compile(
    r"<(?:([a-zA-Z][a-zA-Z0-9+.-]{1,31}:[^<>\x00-\x20]*)"
    rf"|([a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_HOST}(?:\.{_HOST})*))>"
)
_VALUE = r"""(?:[^"'=<>`\x00-\x20]+|'[^']*'|"[^"]*")"""
_ATTRIBUTE = rf"\s+[a-zA-Z_:][a-zA-Z0-9:._-]*(?:\s*=\s*{_VALUE})?"
_TAG = re.compile(rf"<(?:[a-zA-Z][a-zA-Z0-9-]*(?:{_ATTRIBUTE})*\s*/?|/[a-zA-Z][a-zA-Z0-9-]*\s*)>", re.ASCII)
_OTHER_HTML = re.compile(
    r"(?P<comment><!--)|(?P<cdata><!\[CDATA\[)|(?P<declaration><![A-Za-z])|(?P<instruction><\?)"
)
_ENDS = {"comment": "-->", "cdata": "]]>", "declaration": ">", "instruction": "?>"}
_BLANK = re.compile(r"[ \t\n]*")
_BRACKETED = re.compile(r"<((?:[^<>\n\\]|\\[^\n])*+)>")
_TITLE = re.compile(r""""(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|\((?:[^()\\]|\\.)*+\)""", re.DOTALL)
_BARE = re.compile(r"(?:[^\\()\x00-\x20\x7f]|\\[^\x00-\x20\x7f]?)*+")
_LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.){0,999})\]", re.DOTALL)


class Piece:
    """A stretch of a line. Nobody changes it once `read` is done.

    Attributes:
        kind: `text`, `code`, `html`, `break` (a line end), `image`, or `open` and `close` around the text of a link.
        text: as a reader sees it; of an image, its description.
        at: character of the source at which it begins.
        target: of `open` and `image`: where it leads, escapes and entities resolved.
    """

    __slots__ = ("at", "kind", "target", "text")

    def __init__(self, kind: str, text: str, at: int, target: str = "") -> None:
        self.kind, self.text, self.at, self.target = kind, text, at, target


def read(source: str, references: Mapping[str, str]) -> list[Piece]:
    """The pieces of one block's inline text.

    Args:
        source: text of a paragraph, heading or table cell, line feeds only.
        references: targets of link reference definitions, by their normalized label.
    """
    reader = _Reader(source, references)
    pieces, text_at = reader.pieces, _TEXT.match
    at, end = 0, len(source)
    while at < end:
        text = text_at(source, at)
        if text:
            pieces.append(Piece("text", text[0], at))
            at = text.end()
        else:
            at = _READERS[source[at]](reader, at)
    if reader.delimiters:
        reader.emphasize(0)
    return pieces


def plain(pieces: Iterable[Piece]) -> str:
    """Text as a reader sees it: no markup, no HTML, a space for each line end."""
    return "".join(" " if piece.kind == "break" else piece.text for piece in pieces if piece.kind != "html")


class Lines:
    """Finds the line of a character."""

    def __init__(self, source: str) -> None:
        self._starts = [match.start() for match in re.finditer("\n", source)] if "\n" in source else []

    def at(self, offset: int) -> int:
        """0-based line of the character at `offset`."""
        return bisect_left(self._starts, offset)


class _Bracket:
    """An opening bracket: its piece, where its text begins, how many delimiters stood before it."""

    __slots__ = ("delimiters", "image", "piece", "start", "wraps")

    def __init__(self, piece: int, start: int, delimiters: int, *, image: bool) -> None:
        self.piece, self.start, self.delimiters, self.image = piece, start, delimiters, image
        self.wraps = False  # whether there are brackets inside, so that its text is no label


class _Delimiter:
    """A run of `*` or `_`, of which `left` characters are not emphasis yet."""

    __slots__ = ("char", "closes", "left", "length", "opens", "piece")

    def __init__(self, piece: Piece, *, opens: bool, closes: bool) -> None:
        self.piece, self.char = piece, piece.text[0]
        self.length = self.left = len(piece.text)
        self.opens, self.closes = opens, closes

    def pairs_with(self, closer: _Delimiter) -> bool:
        """CommonMark's rules 9 and 10 ("multiple of 3")."""
        both = self.closes or closer.opens
        odd = self.length % 3 or closer.length % 3
        return self.char == closer.char and not (both and odd and (self.length + closer.length) % 3 == 0)


class _Reader:
    """One pass over a source; each method reads what begins at `at` and returns where it ends."""

    def __init__(self, source: str, references: Mapping[str, str]) -> None:
        self.source, self.references = source, references
        self.pieces: list[Piece] = []
        self.brackets: list[_Bracket] = []
        self.dead = 0  # brackets of links below this height of the stack hold a link already
        self.delimiters: list[_Delimiter] = []
        self.runs: dict[int, list[int]] | None = None
        self.unclosed: set[str] = set()  # ends of HTML that do not come any more

    def add(self, kind: str, text: str, at: int, target: str = "") -> Piece:
        piece = Piece(kind, text, at, target)
        self.pieces.append(piece)
        return piece

    def one(self, at: int) -> int:
        """A character that means itself."""
        self.add("text", self.source[at], at)
        return at + 1

    def newline(self, at: int) -> int:
        """A line end takes the spaces around it."""
        if self.pieces and self.pieces[-1].kind == "text":
            self.pieces[-1].text = self.pieces[-1].text.rstrip(" ")
        self.add("break", "", at)
        end = at + 1
        while self.source.startswith((" ", "\t"), end):
            end += 1
        return end

    def backslash(self, at: int) -> int:
        found = _ESCAPE.match(self.source, at)
        if found:
            self.add("text", found[1], at)
            return found.end()
        return self.newline(at + 1) if self.source.startswith("\n", at + 1) else self.one(at)

    def entity(self, at: int) -> int:
        found = _ESCAPE.match(self.source, at)
        if found is None:
            return self.one(at)
        self.add("text", _character(found[0]), at)
        return found.end()

    def code(self, at: int) -> int:
        """A code span, or backticks that mean themselves."""
        simple = _CODE.match(self.source, at)
        if simple and len(simple[1]) == len(simple[3]):
            self._add_code(simple[2], at)
            return simple.end()
        opening = _BACKTICKS.match(self.source, at)
        assert opening is not None  # noqa: S101 - a backtick brought us here
        end = opening.end()
        closing = self._run(len(opening[0]), end)
        if closing < 0:
            self.add("text", opening[0], at)
            return end
        self._add_code(self.source[end:closing], at)
        return closing + len(opening[0])

    def _add_code(self, source: str, at: int) -> None:
        text = source.replace("\n", " ")
        padded = text.startswith(" ") and text.endswith(" ") and text.strip(" ")
        self.pieces.append(Piece("code", text[1:-1] if padded else text, at))

    def _run(self, length: int, start: int) -> int:
        """Where the next run of just so many backticks begins, or -1."""
        if self.runs is None:
            self.runs = {}
            for run in _BACKTICKS.finditer(self.source):
                self.runs.setdefault(len(run[0]), []).append(run.start())
        places = self.runs.get(length, [])
        number = bisect_left(places, start)
        return places[number] if number < len(places) else -1

    def angle(self, at: int) -> int:
        """An autolink, raw HTML, or a `<` that means itself."""
        link = _AUTOLINK.match(self.source, at, at + MAX_TAG)
        if link:
            self.add("open", "", at, link[1] or f"mailto:{link[2]}")
            self.add("text", link[1] or link[2], at)
            self.add("close", "", at)
            return link.end()
        end = self._html_end(at)
        if end < 0:
            return self.one(at)
        self.add("html", self.source[at:end], at)
        return end

    def _html_end(self, at: int) -> int:
        tag = _TAG.match(self.source, at, at + MAX_TAG)
        if tag:
            return tag.end()
        other = _OTHER_HTML.match(self.source, at)
        if other is None:
            return -1
        for short in ("<!-->", "<!--->"):
            if self.source.startswith(short, at):
                return at + len(short)
        closing = _ENDS[str(other.lastgroup)]
        end = -1 if closing in self.unclosed else self.source.find(closing, other.end())
        if end < 0:
            self.unclosed.add(closing)
            return -1
        return end + len(closing)

    def bracket(self, at: int) -> int:
        """`[` or `![`, which may open a link or an image."""
        image = self.source[at] == "!"
        if image and not self.source.startswith("[", at + 1):
            return self.one(at)
        if self.brackets:
            self.brackets[-1].wraps = True
        end = at + 1 + image
        self.brackets.append(_Bracket(len(self.pieces), end, len(self.delimiters), image=image))
        self.add("text", self.source[at:end], at)
        return end

    def closing(self, at: int) -> int:
        """`]`, which may close a link or an image."""
        if not self.brackets:
            return self.one(at)
        opener = self.brackets.pop()
        live = opener.image or len(self.brackets) >= self.dead
        self.dead = min(self.dead, len(self.brackets))
        found = (self._destination(at + 1) or self._reference(opener, at)) if live else None
        if found is None:
            return self.one(at)
        target, end = found
        self.emphasize(opener.delimiters)
        piece = self.pieces[opener.piece]
        piece.target, piece.text = target, ""
        if opener.image:
            piece.kind, piece.text = "image", plain(self.pieces[opener.piece + 1 :])[:MAX_ALT]
            del self.pieces[opener.piece + 1 :]
        else:
            piece.kind, self.dead = "open", len(self.brackets)
            self.add("close", "", at)
        return end

    def _destination(self, at: int) -> tuple[str, int] | None:
        """(target, end) of `(target "title")`."""
        if not self.source.startswith("(", at):
            return None
        start = self._blank(at + 1)
        bracketed = _BRACKETED.match(self.source, start)
        end = bracketed.end() if bracketed else self._bare_end(start)
        if end < 0:
            return None
        target = bracketed[1] if bracketed else self.source[start:end]
        after = self._blank(end)
        title = _TITLE.match(self.source, after) if after > end else None
        after = self._blank(title.end()) if title else after
        return (_unescape(target), after + 1) if self.source.startswith(")", after) else None

    def _bare_end(self, start: int) -> int:
        """Where a destination without `<>` ends; -1 where it is none."""
        if self.source.startswith("<", start):
            return -1
        depth, end = 0, start
        while part := _BARE.match(self.source, end):
            end = part.end()
            if self.source.startswith("(", end) and depth < MAX_PARENTHESES:
                depth += 1
            elif self.source.startswith(")", end) and depth:
                depth -= 1
            else:
                break
            end += 1
        return -1 if depth else end

    def _reference(self, opener: _Bracket, at: int) -> tuple[str, int] | None:
        """(target, end) of `[label]`, `[]` or nothing after the text."""
        named = _LABEL.match(self.source, at + 1)
        end = named.end() if named else at + 1
        label = named[1] if named else ""
        if not label and (opener.wraps or at - opener.start > MAX_LABEL):
            return None
        target = self.references.get(normalizeReference(label or self.source[opener.start : at]))
        return None if target is None else (target, end)

    def _blank(self, at: int) -> int:
        found = _BLANK.match(self.source, at)
        return found.end() if found else at

    def delimiter(self, at: int) -> int:
        """A run of `*` or `_`, which may open or close emphasis."""
        char = self.source[at]
        end = at + 1
        while self.source.startswith(char, end):
            end += 1
        before = _class(self.source[at - 1] if at else " ")
        after = _class(self.source[end] if end < len(self.source) else " ")
        left = after == _WORD or (after == _PUNCTUATION and before != _WORD)
        right = before == _WORD or (before == _PUNCTUATION and after != _WORD)
        piece = self.add("text", self.source[at:end], at)
        opens = left and (char == "*" or not right or before == _PUNCTUATION)
        closes = right and (char == "*" or not left or after == _PUNCTUATION)
        if opens or closes:
            self.delimiters.append(_Delimiter(piece, opens=opens, closes=closes))
        return end

    def emphasize(self, first: int) -> None:
        """Take the markup of emphasis out of the delimiters from `first` on, which are done then."""
        waiting: list[_Delimiter] = []
        floors: dict[tuple[str, bool, int], int] = {}
        for delimiter in self.delimiters[first:]:
            if delimiter.closes:
                _pair(delimiter, waiting, floors)
            if delimiter.opens and delimiter.left:
                waiting.append(delimiter)
        for delimiter in self.delimiters[first:]:
            delimiter.piece.text = delimiter.char * delimiter.left
        del self.delimiters[first:]


def _pair(closer: _Delimiter, waiting: list[_Delimiter], floors: dict[tuple[str, bool, int], int]) -> None:
    """Match a closer with the nearest openers that fit; below its floor there is none (CommonMark's `openers_bottom`)."""
    key = (closer.char, closer.opens, closer.length % 3)
    while closer.left:
        place = len(waiting) - 1
        while place >= floors.get(key, 0) and not waiting[place].pairs_with(closer):
            place -= 1
        if place < floors.get(key, 0):
            floors[key] = len(waiting)
            return
        opener = waiting[place]
        width = 2 if min(opener.left, closer.left) > 1 else 1
        opener.left -= width
        closer.left -= width
        del waiting[place + (opener.left > 0) :]
        for other, floor in floors.items():
            floors[other] = min(floor, len(waiting))


_SPACE, _PUNCTUATION, _WORD = range(3)


def _class(char: str) -> int:
    """What stands beside a delimiter run: white space, punctuation or a symbol, or anything else."""
    if char.isalnum():
        return _WORD
    kind = unicodedata.category(char)
    if kind == "Zs" or char in "\t\n\f\r":
        return _SPACE
    return _PUNCTUATION if kind[0] in "PS" else _WORD


def _unescape(text: str) -> str:
    return (
        _ESCAPE.sub(lambda found: found[1] or _character(found[2]), text)
        if "\\" in text or "&" in text
        else text
    )


def _character(entity: str) -> str:
    """What an entity such as `&amp;` or `&#38;` stands for; itself where there is none of that name."""
    if entity[1] != "#":
        return html5.get(entity[1:], entity)
    digits = entity[2:-1]
    code = int(digits[1:], 16) if digits[0] in "xX" else int(digits)
    surrogate = 0xD800 <= code <= 0xDFFF
    return "\ufffd" if code == 0 or surrogate or code > 0x10FFFF else chr(code)


_READERS: dict[str, Callable[[_Reader, int], int]] = {
    "\\": _Reader.backslash,
    "`": _Reader.code,
    "*": _Reader.delimiter,
    "_": _Reader.delimiter,
    "[": _Reader.bracket,
    "!": _Reader.bracket,
    "]": _Reader.closing,
    "<": _Reader.angle,
    "&": _Reader.entity,
    "\n": _Reader.newline,
}
