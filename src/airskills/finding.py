"""One thing that is wrong somewhere: what parsing, checking, proving and testing all return."""

from __future__ import annotations

from airskills.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Severity = Literal["error", "warning", "note"]
else:
    Severity = str

# What the parser and the loader can say. The severity belongs to the code, never to one occurrence.
SEVERITIES: dict[str, Severity] = {
    "AS101": "error",  # not UTF-8
    "AS102": "warning",  # byte order mark
    "AS103": "error",  # no frontmatter
    "AS104": "error",  # frontmatter not closed
    "AS105": "error",  # frontmatter is not YAML
    "AS106": "error",  # unquoted colon, repaired
    "AS107": "error",  # duplicate key
    "AS108": "error",  # alias, or nested too deeply
    "AS109": "error",  # frontmatter is not a mapping
    "AS110": "error",  # file or frontmatter too large
    "AS111": "error",  # name missing
    "AS112": "error",  # name malformed
    "AS113": "error",  # name too long
    "AS114": "error",  # name differs from the folder
    "AS115": "error",  # description missing
    "AS116": "error",  # description too long
    "AS117": "error",  # unknown field
    "AS118": "error",  # field of the wrong type
    "AS119": "error",  # compatibility empty or too long
    "AS120": "error",  # file name is not exactly SKILL.md
    "AS121": "error",  # control character
    "AS401": "warning",  # symlink leaves the root
    "AS402": "warning",  # scan limit reached
    "AS403": "warning",  # unreadable file or folder
    "AS801": "warning",  # two skills of one name
    "AS802": "note",  # project skill not trusted
    "AS803": "note",  # skill hidden
    "AS804": "note",  # index degraded
    "AS820": "warning",  # not served over MCP
    "AS821": "error",  # a locked skill is missing
    "AS822": "error",  # a locked skill was changed
    "AS823": "error",  # a link or copy of a locked skill is missing or changed
    "AS824": "note",  # an installed skill is not locked
}


def gist(message: str) -> str:
    """What a message says whatever it counts: numbers outside quotation marks become `#`.

    A baseline and a tracker of alerts know a finding by it, so that `523 lines` and `524 lines` are one finding.
    """
    import re

    return re.sub(r"""("[^"]*"|'[^']*')|\d[\d,.]*""", lambda found: found[1] or "#", message)


def declare(code: str, severity: Severity) -> None:
    """Give a code its severity, once.

    Raises:
        ValueError: the code has another severity already.
    """
    if SEVERITIES.setdefault(code, severity) != severity:
        raise ValueError(f"{code} is declared as {SEVERITIES[code]} and as {severity}")


class Finding(Record):
    """What is wrong, where, and what to do.

    Attributes:
        path: file or folder, as the user would write it.
        line: 1-based; 1 when the whole file is meant.
        column: 1-based; 1 when the whole line is meant.
        code: `AS...`, `AV...` or `AR...`.
        message: one sentence without a full stop, with the value and the limit.
        help: one imperative sentence, or an empty string.
    """

    path: str
    line: int
    column: int
    code: str
    message: str
    help: str = ""

    @property
    def severity(self) -> Severity:
        """`error`, `warning` or `note`, fixed for each code."""
        return SEVERITIES[self.code]

    def __str__(self) -> str:
        text = f"{self.path}:{self.line}:{self.column}: {self.code} {self.message}"
        return f"{text}\n    help: {self.help}" if self.help else text

    def as_dict(self) -> dict[str, str | int]:
        """All fields and the severity, for JSON."""
        return {
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "code": self.code,
            "message": self.message,
            "help": self.help,
            "severity": self.severity,
        }
