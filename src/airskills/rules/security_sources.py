"""Where packages are taken from: indexes and addresses that are not the ecosystem's own or can change unseen."""

from __future__ import annotations

import re

from airskills.rules.security_known import known

PIP = re.compile(r"(?:\bpip3?|\buv(?:\s+pip)?|\bpipx|\bpoetry|\bpdm)\s+(?:install|add)\b(.*)|\buvx\s(.*)")
NPM = re.compile(
    r"\b(?:npm\s+(?:install|i|add)|yarn\s+add|pnpm\s+(?:add|install)|bun\s+(?:add|install)|npx)\b(.*)"
)
_INDEX = re.compile(
    r"(?:--index-url|--extra-index-url|--default-index|--index|--registry|\s-i|_INDEX_URL)[ =]*[\"']?(https?://[^\s\"']+)"
)
_DIRECT = re.compile(
    r"(?<![\w+@])(?:https?://[^\s\"'#]+\.(?:whl|tar\.gz|tgz|zip)|(?:github|gitlab|bitbucket|gist):[\w.-]+/|git\+(?:https?|ssh)://[^\s\"']+)(#sha\d+[=:]\w+)?"
)
_PINNED = re.compile(r"@v?\d|@[0-9a-f]{7,40}\b|@\$|#[0-9a-f]{7,40}\b|#sha|#v\d|@\{|@<")
_OWN = re.compile(
    r"://(?:[^@/]*@)?(?:localhost|127\.0\.0\.1|\$|<|\{|\S*(?:pkg\.dev|amazonaws\.com|azure\.com|jfrog\.io|gitlab\.com)/)"
)
_REPOSITORY = re.compile(r"(?:git\+)?(?:https|ssh)://(?:git@)?github\.com/")


def installs(text: str) -> bool:
    """Whether a command line installs packages."""
    return PIP.search(text) is not None or NPM.search(text) is not None or "_INDEX_URL=" in text


def foreign(text: str) -> str:
    """What is wrong with where a command line or a line of requirements takes packages from, or ""."""
    for match in _INDEX.finditer(text):
        if not (_OWN.search(match[1]) or known().index(match[1])):
            return f"Packages come from the index {match[1][:80]!r}"
    for match in _DIRECT.finditer(text):
        if not (match[1] or _settled(match[0])):
            return f"The package at {match[0][:80]!r} is not pinned"
    return ""


def _settled(address: str) -> bool:
    """Whether an address cannot change unseen: pinned, or the repository of a well-known project."""
    if _PINNED.search(address):
        return True
    plain = address.replace("git@github.com", "github.com")
    return _REPOSITORY.match(address) is not None and known().known_owner(plain)
