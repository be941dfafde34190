"""What configuration does that stands in no command line: secrets of workflows, rights of containers, tool servers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from airskills.rules.security_acts import Act, act_at
from airskills.rules.security_commands import LOCAL
from airskills.rules.security_known import owns
from airskills.rules.security_reader import Block

# Text without which a file of configuration is not asked.
CONFIGURED = re.compile(r"toJSON\(|privileged\s*:|docker\.sock|mcpServers|hostPath")
MAX_CONFIG = 1 << 18  # characters of one file that are judged
MAX_VALUES = 2_000  # values of one file that are judged
_ALL_SECRETS = re.compile(r"toJSON\(\s*secrets\s*\)")
_SENDS = re.compile(
    r"\b(?:curl|wget|ncat|nc|Invoke-\w+)\s[^\n]{0,400}https?://|\burlopen\(|\brequests\.post\(|\bfetch\("
)
_PRIVILEGED = re.compile(r"^[ \t]*(?:-[ \t]*)?\"?privileged\"?\s*:\s*[\"']?true\b", re.MULTILINE)
_MACHINE = re.compile(
    r"^[ \t]*-[ \t]*[\"']?/:/|/var/run/docker\.sock:|^[ \t]*\"?pid\"?\s*:\s*[\"']?host\b|hostPid\s*:\s*true|hostPath[ \t]*:[\s{]{0,80}path\s*:\s*[\"']?/[\"']?\s*[}\n]",
    re.MULTILINE,
)
_EVERY_TOOL = re.compile(r"\"(?:alwaysAllow|autoApprove|autoApproveTools)\"\s*:\s*\[\s*\"\*\"")
_UNASKED = re.compile(
    r"\"(?:defaultMode|permissionMode)\"\s*:\s*\"bypassPermissions\"|\"sandbox\"\s*:\s*\{\s*\"enabled\"\s*:\s*false"
)
_NAME = re.compile(r"\$\{?(?:env:)?([A-Z][A-Z0-9_]+)")
_KEY = re.compile(r"TOKEN|SECRET|PASSWORD|KEY\b")


def config_acts(block: Block) -> Iterator[Act]:
    """What one file or block of YAML or JSON does."""
    text = block.text[:MAX_CONFIG]
    secrets = _ALL_SECRETS.search(text)
    if secrets and _SENDS.search(text):
        yield act_at(
            block, secrets.start(), "AS708", "All secrets of the workflow are sent to another machine"
        )
    raised = _PRIVILEGED.search(text)
    if raised and _MACHINE.search(text):
        yield act_at(block, raised.start(), "AS715", "A container gets the rights of the machine")
    unasked = _UNASKED.search(text)
    if unasked:
        yield act_at(block, unasked.start(), "AS715", "The agent's permission checks are switched off")
    every = _EVERY_TOOL.search(text)
    if every:
        yield act_at(block, every.start(), "AS715", "Every tool of a server may be used without asking")
    for url, name in _handed_over(text):
        yield act_at(
            block, text.find(url), "AS708", f"The key {name} is sent to the tool server {url[:60]!r}"
        )


def _handed_over(text: str) -> Iterator[tuple[str, str]]:
    """(address, variable) of every tool server that gets a key of somebody else's."""
    if "mcpServers" not in text:
        return
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return
    servers = read.get("mcpServers") if isinstance(read, dict) else None
    for server in list(servers.values())[:100] if isinstance(servers, dict) else ():
        values = list(islice(_values(server), MAX_VALUES))
        urls = [value for value in values if re.match(r"https?://", value) and not LOCAL.match(value)]
        names = {name for value in values for name in _NAME.findall(value) if _KEY.search(name)}
        yield from ((url, name) for url in urls[:1] for name in sorted(names) if owns(name, url) is False)


def _values(server: Any) -> Iterator[str]:
    """The texts of a server's entry that reach it: all but the environment of a local process."""
    pending = [server]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            pending += [value[key] for key in reversed(value) if key != "env"]
        elif isinstance(value, list):
            pending += reversed(value)
