"""What a JavaScript, Ruby, Perl or PHP program does: assignments are followed from secrets and downloads to where they go.

By its text, statement by statement, as there is no syntax tree: a name that is given something secret carries it on.
Linear in the text, as every statement is read once and calls are counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from airskills.rules.security_acts import Act, act_at
from airskills.rules.security_patterns import CREDENTIAL
from airskills.rules.security_reader import Block

MAX_PROGRAM = 1 << 20  # characters of one program that are judged
MAX_STATEMENT = 1_000  # characters of the arguments of one call that are judged
MAX_NAMES = 50  # names and files of one statement that are judged
MAX_CALLS = 500  # calls of one program that are judged
_ASSIGNED = re.compile(
    r"(?:\b(?:const|let|var|my|our)\s+|^|[;{\s])[{(\[]?\s*([$@%]?[A-Za-z_]\w*)\s*[})\]]?(?:\s*:\s*[\w<>\[\]. ]{1,40})?\s*(?:=|\+=|<<)(?![=>])"
)
_READS = re.compile(r"read|open|slurp|contents|load|File|[Pp]ath|homedir|HOME|join|resolve|\bcat\b")
_CREDENTIAL = re.compile(CREDENTIAL)
_WHOLE = re.compile(
    r"\bprocess\.env\b(?![.\[?])|\bENV\.to_h|getenv\(\s*\)|\$_ENV\b(?!\[)|%ENV\b|Deno\.env\.toObject|document\.cookie|localStorage\b(?!\.(?:set|remove))"
)
_NET = re.compile(
    r"\b(?:fetch|axios(?:\.get)?|got|https?\.get|request|URI\.open|Net::HTTP\.get|file_get_contents|curl_exec|LWP::Simple::get|getstore)\s*\(?\s*[\"'`(]?\s*[\"'`]?(?:https?:|\$|\w)",
)
_DECODED = re.compile(
    r"\batob\(|Buffer\.from\([^;\n]{0,400}[\"'](?:base64|hex)[\"']|base64_decode\(|Base64\.(?:strict_)?decode64|decode_base64|gzinflate\(|String\.fromCharCode|unescape\("
)
_SENDS = re.compile(
    r"(?:\b(?:fetch|axios(?:\.\w+)?|got(?:\.\w+)?|needle|superagent|request|\$\.(?:post|ajax|get)|sendBeacon|curl_setopt|mail|fsockopen|Net::HTTP\.\w+|HTTParty\.\w+|Faraday\.\w+|RestClient\.\w+|file_get_contents|new\s+(?:WebSocket|Image|EventSource))|\.(?:post|put|send|sendBeacon|request|write|end|emit|publish|lookup|resolve\w*|post_form|post2?))\s*\("
)
_WIRED = re.compile(
    r"https?\.request|http2\.connect|net\.(?:connect|createConnection|Socket)|tls\.connect|WebSocket|dgram|dns\b|XMLHttpRequest|io\(\s*[\"'`]https?:"
)
_EXECUTES = re.compile(
    r"(?<![.\w])(?:eval|(?:new\s+)?Function|exec(?:Sync)?|instance_eval|class_eval|assert|create_function)\s*\(|\bvm\.(?:runIn\w+|Script)\s*\(|\brequireFromString\s*\(|\.(?:_compile|instance_eval)\s*\(|\.then\(\s*(?=eval\b)"
)
_STORED = re.compile(r"\.(?:write|end)\s*\($")
_LOCAL = re.compile(r"//(?:localhost|127\.0\.0\.1|0\.0\.0\.0)\b")
_BRACKET = re.compile(r"[()]")
_NAME = re.compile(r"[$@%]?[A-Za-z_]\w*")
_END = re.compile(
    r";|\n(?=\s*(?:\n|const\b|let\b|var\b|import\b|function\b|async\b|await\b|if\b|for\b|return\b))"
)
_MADE = ((_WHOLE, "secret"), (_NET, "net"), (_DECODED, "decoded"))
NOTHING: frozenset[str] = frozenset()


def script_acts(block: Block) -> Iterator[Act]:
    """Secrets that a program sends, and downloads or decoded text that it executes."""
    text = block.text[:MAX_PROGRAM]
    labels = _labels(text)
    wired = _WIRED.search(text) is not None
    for match in islice(_SENDS.finditer(text), MAX_CALLS):
        arguments = _arguments(text, match.end())
        local = _LOCAL.search(arguments)
        if not local and (wired or not _STORED.search(match[0])) and "secret" in _carried(arguments, labels):
            yield act_at(block, match.start(), "AS708", "Secrets are sent to another machine")
    for match in islice(_EXECUTES.finditer(text), MAX_CALLS):
        carried = _carried(_arguments(text, match.end()), labels)
        if "decoded" in carried:
            yield act_at(block, match.start(), "AS705", "An encoded payload is decoded and executed")
        elif "net" in carried:
            yield act_at(block, match.start(), "AS706", "A download is executed unread")


def _labels(text: str) -> dict[str, frozenset[str]]:
    """What each name may carry, by the statements that give it something; in order, so that it is passed on."""
    labels: dict[str, frozenset[str]] = {}
    for statement in _END.split(text):
        names = [match[1] for match in islice(_ASSIGNED.finditer(statement), MAX_NAMES)]
        carried = _carried(statement, labels) if names else NOTHING
        if carried:
            labels |= {name: labels.get(name, NOTHING) | carried for name in names}
    return labels


def _arguments(text: str, start: int) -> str:
    """The text up to the bracket that closes."""
    level, end = 1, start + MAX_STATEMENT
    for match in _BRACKET.finditer(text, start, end):
        level += 1 if match[0] == "(" else -1
        if level == 0:
            return text[start : match.start()]
    return text[start:end]


def _carried(expression: str, labels: dict[str, frozenset[str]]) -> frozenset[str]:
    found = {label for pattern, label in _MADE if pattern.search(expression)}
    if _reads_secret(expression):
        found.add("secret")
    if labels:
        found.update(*(labels[name] for name in labels.keys() & set(_NAME.findall(expression))))
    return frozenset(found)


def _reads_secret(expression: str) -> bool:
    """Whether a file of credentials is named shortly after a word that reads."""
    named = islice(_CREDENTIAL.finditer(expression), MAX_NAMES)
    return any(_READS.search(expression, max(0, match.start() - 200), match.start()) for match in named)
