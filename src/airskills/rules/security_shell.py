"""What a command line does: tables of patterns, and the flow of secrets through variables and files of one script."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from airskills.rules.security_context import Block, Command
from airskills.rules.security_patterns import (
    AGENT_WRITE,
    ASSIGN,
    AUTHORIZES,
    BARE_FETCH,
    CHECKS,
    CREDENTIAL,
    DATA_OPTION,
    DNS,
    FETCHES,
    NET,
    PATTERNS,
    PAYLOAD,
    PIPES,
    PROGRAM,
    PUBLIC,
    RC_WRITE,
    SOURCE,
    VARIABLE,
    VENDORS,
    WRITES,
)


class Act(NamedTuple):
    """Something that code does: which rule it breaks, where, and in words."""

    code: str
    path: str
    line: int
    message: str


def acts(lines: Sequence[Command], purpose: str) -> Iterator[Act]:
    """What the command lines of a skill do."""
    flow = _Flow()
    checked = {command.group for command in lines if CHECKS.search(command.text)}
    for command in lines:
        text = command.text
        for code, pattern, message, unless in PATTERNS:
            if pattern.search(text) and not (unless and re.search(unless, purpose, re.IGNORECASE)):
                yield Act(code, command.path, command.line, message)
        if PIPES.search(text) and not VENDORS.search(text):
            yield Act("AS706", command.path, command.line, "A download is executed unread")
        if RC_WRITE.search(text) and PAYLOAD.search(text):
            yield Act("AS714", command.path, command.line, "A shell start-up file gets a line that runs code")
        if AGENT_WRITE.search(text) and not re.search(
            r"CLAUDE\.md|AGENTS\.md|skill|memory|agent (?:notes|instructions)|install|\bsetup\b|template",
            purpose,
            re.IGNORECASE,
        ):
            yield Act(
                "AS713",
                command.path,
                command.line,
                "Instructions of agents are changed, which the description does not say",
            )
        yield from flow.step(command, verified=command.group in checked)


class _Flow:
    """Variables and files of the script so far that hold secrets or downloads."""

    def __init__(self) -> None:
        self.group = -1
        self.secret: set[str] = set()
        self.fetched: set[str] = set()

    def step(self, command: Command, *, verified: bool) -> Iterator[Act]:
        if command.group != self.group or not command.group:
            self.group, self.secret, self.fetched = command.group, set(), set()
        text = command.text
        reads = (not PUBLIC.search(text) and bool(SOURCE.search(text))) or bool(self.secret & _names(text))
        sends = NET.search(text) is not None
        if DNS.search(text) and (reads or re.search(VARIABLE, text)):
            yield Act("AS708", command.path, command.line, "A secret leaves in a host name")
        elif sends and (reads or _posts_secret(text)) and _leaves(text):
            yield Act("AS708", command.path, command.line, "A secret is sent to another machine")
        elif (
            re.match(
                rf"(?:sudo\s+)?(?:cat|less|head|tail|more|bat|type|Get-Content|strings|base64)\s[^|>]*{CREDENTIAL}",
                text,
            )
            and ">" not in text
            and not PUBLIC.search(text)
            and "|" not in text
        ):
            yield Act(
                "AS710",
                command.path,
                command.line,
                "A file of credentials is printed where the agent reads it",
            )
        self._learn(text, reads=reads)
        yield from self._runs(command, verified=verified)

    def _runs(self, command: Command, *, verified: bool) -> Iterator[Act]:
        words = set(re.split(r"[\s;&|\"'()]+", command.text)) if self.fetched else set()
        for name in self.fetched & {word.removeprefix("./") for word in words}:
            runner = rf"(?:(?:\b(?:ba|z)?sh|\bsource|\bpython[23]?|\bnode|\bperl|\bsudo|\bnohup|\bexec|(?:^|\s)\.)\s+(?:-\S+\s+)*|^|[;&|]\s*)[\"']?(?:\./)?{re.escape(name)}(?=[\s\"';&|]|$)"
            if not verified and re.search(runner, command.text):
                yield Act(
                    "AS706", command.path, command.line, f"The download {name[:60]!r} is executed unchecked"
                )
                self.fetched.discard(name)

    def _learn(self, text: str, *, reads: bool) -> None:
        assigned = ASSIGN.match(text)
        if reads:
            self.secret |= {match[1] for match in WRITES.finditer(text)} | (
                {f"${assigned[1]}"} if assigned else set()
            )
        for pattern in (FETCHES, BARE_FETCH):
            found = pattern.search(text)
            if found and not VENDORS.search(text):
                self.fetched.add(found[1].removeprefix("./"))


def _names(text: str) -> set[str]:
    return {f"${name}" for name in re.findall(r"\$\{?([A-Za-z_]\w*)", text)} | set(
        re.split(r"[\s@=<\"']+", text)
    )


def _posts_secret(text: str) -> bool:
    """Whether the body or the address of a request holds a secret of the environment."""
    if AUTHORIZES.search(text):
        return False
    url = re.search(rf"https?://[^\s\"']*{VARIABLE}", text)
    body = re.search(
        rf"(?:\s(?:-d|--data\S*|-F|--form\S*|--post-data\S*|--json)[\s=]).{{0,400}}?{VARIABLE}", text
    )
    return bool(
        body and not re.search(r"client_secret|grant_type|refresh_token|api_key|password=", text)
    ) or bool(url and re.search(r"SECRET|PRIVATE", url[0]))


def _leaves(text: str) -> bool:
    """Whether the command sends rather than logs in with the file (`scp -i key`, `kubectl --kubeconfig`)."""
    bare = re.sub(r"\s(?:-i|--key|--netrc-file|--cert|--env-file)[\s=]+\S+", " ", text)
    local = re.search(r"https?://(?:localhost|127\.0\.0\.1)", bare)
    return not local and (
        SOURCE.search(bare) is not None or bool(DATA_OPTION.search(bare)) or "$" in bare or "|" in bare
    )


def program_acts(block: Block) -> Iterator[Act]:
    """What a JavaScript, Ruby, Perl or PHP program does, by its text."""
    for code, pattern, message in PROGRAM:
        for match in pattern.finditer(block.text):
            yield Act(code, block.path, block.line + block.text.count("\n", 0, match.start()), message)
            break
