"""AS307, AS308, AS310: what a skill fetches and runs, and which version of it.

What comes from an address or a foreign index is a matter of security (AS707); here it is a matter of the same code tomorrow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from airskills.finding import Finding
from airskills.folder import PYTHON, Folder
from airskills.markdown import CodeBlock
from airskills.rules._base import Rule
from airskills.rules.blocks import SHELL
from airskills.rules.guarded import Guarded
from airskills.rules.profiles import CLIENTS

_HEAD = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\n---\n# Demo\n\n"
_OPTIONS = frozenset(
    [
        "-r",
        "-c",
        "-e",
        "-i",
        "-f",
        "--index-url",
        "--extra-index-url",
        "--find-links",
        "--target",
        "--python",
        "--prefix",
        "--requirement",
        "--constraint",
        "--editable",
    ]
)
Said = Iterator[tuple[int, str, str]]


class _LineRule(Rule):
    """Looks at every line of every shell and Python block."""

    profiles = ("standard", *CLIENTS)

    def check(self, folder: Folder) -> Iterator[Finding]:
        for document in folder.documents:
            for block in document.blocks:
                if block.language in SHELL | PYTHON | {"yaml", "yml", ""}:
                    for number, message, help_ in self.look(block):
                        yield self.finding(document.path, block.first_line + number, message, help_)

    def look(self, block: CodeBlock) -> Said:
        """Yield (0-based line of the block, message, help)."""
        raise NotImplementedError


class AS307(_LineRule):
    """Remote code is trusted.

    Why: `trust_remote_code=True` and loaders such as `torch.hub.load` run whatever the repository holds today. Pinned to a
    `revision` they run what was read.
    """

    bad = _HEAD + '```python\nmodel = load("org/model", trust_remote_code=True)\n```\n'
    good = _HEAD + '```python\nmodel = load("org/model", trust_remote_code=True, revision="3f2c1a9")\n```\n'
    at = 8
    _trusts = Guarded(
        r"trust_remote_code\s*[=:]\s*[Tt]rue|--trust[-_]remote[-_]code\b(?!\s+(?:False|false|0))"
        r"""|\btorch\.hub\.load\(\s*["'][\w.-]+/[\w.-]+["']|\bevaluate\.load\(\s*["'][\w.-]+/|\bget_kernel\(""",
        *("trust_remote", "trust-remote", "torch.hub.load", "evaluate.load", "get_kernel("),
    )

    def look(self, block: CodeBlock) -> Said:
        if not self._trusts.may_match(block.text) or re.search(r"\brevision\b", block.text):
            return
        for number, line in enumerate(block.text.split("\n")):
            if self._trusts.pattern.search(line):
                message = "Remote code is trusted without a pinned revision"
                yield number, message, 'Add revision="<commit>", or leave it out'


class AS308(_LineRule):
    """Installation is not pinned.

    Why: the block was written for one release. Without `==` a reader gets another, and the code below it fails.
    """

    severity = "note"
    profiles = ("standard",)
    bad = _HEAD + "```bash\npip install trl peft\n```\n"
    good = _HEAD + "```bash\npip install trl==1.16.0 peft==0.21.2\n```\n"
    at = 8
    _command = Guarded(
        r"^\s*(?:[!%]\s*|\$ )?(?:(?:uv\s+)?(?:python3?\s+-m\s+)?pip3?\s+install|uv\s+(?:tool\s+install|add)|pipx\s+install)\s+(.*)$",
        *("install", "uv"),
    )

    def look(self, block: CodeBlock) -> Said:
        lines = block.text.split("\n") if self._command.may_match(block.text) else []
        for number, line in enumerate(lines):
            match = self._command.pattern.match(line)
            loose = [name for name in _requirements(match[1] if match else "") if not _is_pinned(name)]
            if loose:
                message = f"The installation of {loose[0][:80]!r} is not pinned"
                yield number, message, f"Write {loose[0][:80]}==VERSION"


class AS310(_LineRule):
    """Tool or image that is fetched and run has no version.

    Why: `npx tool`, `uvx tool` and `docker run image` run the newest release, each time another. The specification's page on
    scripts asks for pins.
    """

    severity = "note"
    profiles = ("standard",)
    bad = _HEAD + "```bash\nuvx ruff check .\n```\n"
    good = _HEAD + "```bash\nuvx ruff@0.17.5 check .\n```\n"
    at = 8
    _runs = Guarded(
        r"(?:^|[;&|]\s*|\$ )\s*(?:sudo\s+)?(?P<tool>npx|uvx|pipx\s+run|uv\s+tool\s+run|bunx|pnpm\s+dlx|docker\s+(?:run|pull))\s+(?P<rest>[^;&|#]*)",
        *("npx", "uv", "pipx", "bunx", "pnpm", "docker"),
    )

    def look(self, block: CodeBlock) -> Said:
        lines = block.text.split("\n") if self._runs.may_match(block.text) else []
        for number, line in enumerate(lines):
            for found in self._runs.pattern.finditer(line[:2_000]):
                name = _thing_run(found["tool"].split()[0], found["rest"].split())
                if (
                    name
                    and not re.search(r"@|==|[$<{]|^\.|^/|^-", name)
                    and not _has_tag(found["tool"], name)
                ):
                    message = f"The version of {name[:80]!r} is not said"
                    yield number, message, "Write NAME@VERSION, or for an image NAME:TAG"


def _thing_run(tool: str, words: list[str]) -> str:
    """What is fetched: the first word that is neither an option nor the value of one."""
    valued = {"--from", "--with", "--python", "-p", "--package", "--index", "--spec"}
    flags = {
        "-y",
        "--yes",
        "-q",
        "--quiet",
        "-it",
        "-ti",
        "-d",
        "-i",
        "-t",
        "--rm",
        "--detach",
        "--init",
        "--privileged",
        "--no-install",
    }
    skip = False
    for number, word in enumerate(words):
        if word in {"--from", "--spec", "--package", "-p"} and tool != "docker":
            return words[number + 1] if number + 1 < len(words) else ""
        if skip or word == "\\":
            skip = False
        elif word.startswith("-"):
            skip = "=" not in word and (word in valued if tool != "docker" else word not in flags)
        else:
            return word.strip("\"'")
    return ""


def _has_tag(tool: str, name: str) -> bool:
    return tool.startswith("docker") and ":" in name.rpartition("/")[2] and not name.endswith(":latest")


def _is_pinned(name: str) -> bool:
    return re.search(r"==|@|~=|^\.|/|\.whl$|\.txt$|\$|<|>|\{", name) is not None


def _requirements(rest: str) -> list[str]:
    """Requirement words of a pip command line; options and what belongs to them are left out."""
    words = rest.split("#", maxsplit=1)[0].replace('"', "").replace("'", "").split()
    found: list[str] = []
    skip = False
    for word in words:
        if word in {"&&", "||", ";", "|", "\\"}:
            break
        if not skip and not word.startswith("-"):
            found.append(word)
        skip = word in _OPTIONS
    return found
