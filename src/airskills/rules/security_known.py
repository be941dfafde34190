"""Hosts and owners that the ecosystem knows: whose installers, repositories and indexes are no surprise."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

_PLACEHOLDER = re.compile(
    r"user(?:name)?|owner|org(?:anization)?|your[\w-]*|my-?org|example[\w-]*|acme|company|team|<\w+>"
)
_GITHUB = re.compile(r"(?:raw\.githubusercontent\.com|github\.com|codeload\.github\.com)/([\w.-]+)/")
# A commit; a tag or a release of an unknown account says nothing, as it can be moved or made for the occasion.
_RELEASED = re.compile(r"^https://raw\.githubusercontent\.com/[\w.-]+/[\w.-]+/[0-9a-f]{40}/")
_BRAND = re.compile(r"^(AWS|OPENAI|ANTHROPIC|GITHUB|GH|HF|GOOGLE|AZURE|STRIPE|SLACK|NPM|PYPI)_")
_OWNERS = {"GH": "github", "HF": "hf.co|huggingface", "GOOGLE": "goog", "AWS": "amazonaws|aws"}
_HOST = re.compile(r"(?:git\+)?(https?|ssh|git)://(?:[^@/\s]*@)?([\w.-]+)(/[^\s\"'?#]*)?")


@dataclass(frozen=True)
class Known:
    """Lists of `data/security.json`.

    Attributes:
        installers: hosts, or hosts with the begin of a path, whose installers their vendors document.
        owners: accounts of well-known projects on GitHub, lower case.
        hosts: package indexes.
        documentation: hosts whose pages are documentation, not orders.
        pypi: often installed packages of Python.
        npm: often installed packages of JavaScript.
        real: packages whose names are one letter away from one of those.
    """

    installers: tuple[str, ...]
    owners: frozenset[str]
    hosts: tuple[str, ...]
    documentation: tuple[str, ...]
    pypi: frozenset[str]
    npm: frozenset[str]
    real: frozenset[str]

    def installer(self, url: str) -> bool:
        """Whether an installer cannot surprise: its vendor documents the address, or it names a commit on GitHub."""
        if _RELEASED.search(url):
            return True
        owner = self.owner(url)
        return owner in self.owners if owner else _under(url, self.installers)

    def index(self, url: str) -> bool:
        """Whether this is a package index that is known."""
        return _under(url, self.hosts)

    def documents(self, url: str) -> bool:
        """Whether this is a page of documentation that the ecosystem knows."""
        return _under(url, self.documentation)

    @staticmethod
    def owner(url: str) -> str:
        """The account on GitHub that an address belongs to, lower case, or ""."""
        match = _GITHUB.search(url)
        return match[1].lower() if match else ""

    def known_owner(self, url: str) -> bool:
        """Whether a repository belongs to a well-known project."""
        owner = self.owner(url)
        return owner in self.owners or _PLACEHOLDER.fullmatch(owner) is not None


def owns(name: str, url: str) -> bool | None:
    """Whether the host of an address belongs to whose key this variable holds; None where it does not say."""
    brand = _BRAND.match(name)
    host = re.match(r"(?:https?|wss?)://([^/{]+)", url)
    if brand is None or host is None:
        return None
    return re.search(_OWNERS.get(brand[1], brand[1].lower()), host[1].lower()) is not None


def _under(url: str, listed: tuple[str, ...]) -> bool:
    match = _HOST.match(url)
    if match is None or match[1] != "https":
        return False
    host = match[2].lower()
    for entry in listed:
        name, _, path = entry.partition("/")
        if (host == name or host.endswith(f".{name}")) and (match[3] or "/").startswith(f"/{path}"):
            return True
    return False


@cache
def known() -> Known:
    """The lists, read once."""
    text = resources.files("airskills").joinpath("data", "security.json").read_text(encoding="utf-8")
    lists = {name: tuple(words.split()) for name, words in json.loads(text).items()}
    return Known(
        lists["installers"],
        frozenset(map(str.lower, lists["owners"])),
        lists["hosts"],
        lists["documentation"],
        frozenset(lists["pypi"]),
        frozenset(lists["npm"]),
        frozenset(lists["real"]),
    )
