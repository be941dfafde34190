"""What a rule is: a class named by its code, whose docstring is its manual page, with the text that breaks it.

One test proves every rule there will ever be: `bad` gives a finding of that code at line `at` and no other code of the
family, `good` gives none, and the docstring says why. The site and `airskills rule` print the same docstring.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from airskills.finding import Finding, Severity, declare
from airskills.folder import Folder
from airskills.rules.profiles import PROFILES
from airskills.settings import Settings

RULES: dict[str, type[Rule]] = {}

FAMILIES = {
    "AS1": "frontmatter and specification",
    "AS2": "body",
    "AS3": "code blocks",
    "AS4": "files and links",
    "AS5": "examples and scripts",
    "AS6": "evals",
    "AS7": "security",
    "AS8": "library",
    "AS9": "freshness",
}

# Files of the smallest skill that a rule has nothing to say about; `bad` and `good` replace what they name.
SKILL_FILE = "SKILL.md"
# Of an example on a page: files, lines of a file, characters of a line.
MAX_FILES, MAX_LINES, MAX_LINE = 8, 40, 200


class Rule:
    """Base of all rules. A subclass's name is its code.

    Attributes:
        severity: `error` (a client will refuse or misread it), `warning` (readers lose), `note` (worth knowing).
        profiles: names of the profiles that switch it on; `spec` and `standard` among them.
        bad: files that break it; a bare string stands for the SKILL.md.
        good: the nearest files that do not.
        at: (file, line) of the finding in `bad`; a bare number means that line of the SKILL.md.
        name: folder of the skill in `bad` and `good`.
        reads: whether it looks at files besides the SKILL.md (such results are cached under all of them).
    """

    severity: ClassVar[Severity] = "warning"
    profiles: ClassVar[tuple[str, ...]] = ("standard",)
    bad: ClassVar[str | Mapping[str, str | bytes]] = ""
    good: ClassVar[str | Mapping[str, str | bytes]] = ""
    at: ClassVar[int | tuple[str, int]] = 1
    name: ClassVar[str] = "demo"

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()

    def __init_subclass__(cls) -> None:
        code = cls.__name__
        if re.fullmatch(r"AS\d{3}", code) is None:
            return  # a base class of a family
        if code in RULES:
            raise TypeError(f"Two rules are called {code}")
        RULES[code] = cls
        declare(code, cls.severity)

    def check(self, folder: Folder) -> Iterator[Finding]:
        """Yield what is wrong with one skill."""
        raise NotImplementedError

    def fix(self, folder: Folder) -> Mapping[str, str]:  # noqa: ARG002 - for those that can
        """New texts of files, by relative path, where the repair is certain; applying it twice changes nothing more."""
        return {}

    def finding(self, path: str, line: int, message: str, help_: str = "", *, column: int = 1) -> Finding:
        """A finding of this rule."""
        return Finding(path, max(1, line), max(1, column), type(self).__name__, message, help_)


class LibraryRule(Rule):
    """A rule that needs all skills at once. `bad` and `good` name files with their skill's folder: `a/SKILL.md`.

    It notes of each skill what it must know, so that skills can be read one by one, in several processes, and their
    notes be kept; then it judges the notes together.
    """

    def check(self, folder: Folder) -> Iterator[Finding]:
        """A library of one skill."""
        return self.check_all([folder])

    def check_all(self, folders: Iterable[Folder]) -> Iterator[Finding]:
        """Yield what is wrong with the skills together."""
        noted = (self.note(folder) for folder in folders)
        return self.judge([note for note in noted if note is not None])

    def note(self, folder: Folder) -> Any:
        """What must be known of one skill, as a JSON value; None where there is nothing to know."""
        raise NotImplementedError

    def judge(self, notes: Sequence[Any]) -> Iterator[Finding]:
        """Yield what is wrong with the skills of these notes, which are in the order of the folders."""
        raise NotImplementedError


def title(rule: type[Rule]) -> str:
    """What is wrong where the rule speaks, in one line without a full stop."""
    return inspect.cleandoc(rule.__doc__ or "").partition("\n")[0].rstrip(".")


def why(rule: type[Rule]) -> str:
    """The reasons for the rule, as running text."""
    return " ".join(inspect.cleandoc(rule.__doc__ or "").partition("\n")[2].split())


def fixable(rule: type[Rule]) -> bool:
    """Whether `--fix` repairs what the rule finds, where the repair is certain."""
    return rule.fix is not Rule.fix


def page(rule: type[Rule]) -> str:
    """The rule's manual page as Markdown: what, why, the bad and the good text, and how to ignore it."""
    code = rule.__name__
    repair = " `--fix` repairs it." if fixable(rule) else ""
    profiles = "all" if set(PROFILES) <= set(rule.profiles) else ", ".join(rule.profiles)
    lines = [
        f"# {code}: {title(rule)}",
        "",
        f"Severity: {rule.severity}. Profiles: {profiles}. Family: {FAMILIES[code[:3]]}.{repair}",
        inspect.cleandoc(rule.__doc__ or "").partition("\n")[2].rstrip(),
    ]
    lines += _measured(code)
    folder = "" if issubclass(rule, LibraryRule) else f"{rule.name}/"
    for heading, shown in (("Bad", rule.bad), ("Good", rule.good)):
        lines += ["", f"## {heading}", *_shown(shown, folder)] if shown else []
    lines += ["", "## How to ignore it", "", _IGNORE.format(code=code)]
    return "\n".join(lines) + "\n"


@cache
def _measurements() -> dict[str, Any]:
    """What `benchmarks/security_corpus.py` found in public libraries."""
    text = Path(__file__).parents[1].joinpath("data", "measured.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _measured(code: str) -> list[str]:
    """How often the rule speaks in public libraries, and how often wrongly, where that is known."""
    row = _measurements()["rules"].get(code)
    if row is None:
        return []
    where = (
        f"Measured on {_measurements()['skills']:,} skills of {_measurements()['libraries']} public libraries"
    )
    return ["", f"{where}: {row['findings']} findings, {row['false']} of them false."]


_IGNORE = """\
With a reason, which every run prints. For one skill, in its frontmatter:

    metadata:
      airskills-ignore: "{code}: the reason"

For all of them, in `.airskills.toml` or under `[tool.airskills]` of `pyproject.toml`:

    ignore = {{ {code} = "the reason" }}

For one run: `airskills check --ignore {code}`."""


def _shown(files: str | Mapping[str, str | bytes], folder: str) -> Iterator[str]:
    """Text of each file, indented; what is long is cut and says so, what is invisible is written out."""
    named = {SKILL_FILE: files} if isinstance(files, str) else files
    for path, content in list(named.items())[:MAX_FILES]:
        shown = content if isinstance(content, str) else content.decode("utf-8", "backslashreplace")
        lines = shown.rstrip("\n").split("\n")
        yield f"\n`{folder}{path}`\n"
        yield from (f"    {_cut(line)}" if line else "" for line in lines[:MAX_LINES])
        if len(lines) > MAX_LINES:
            yield f"\nand {len(lines) - MAX_LINES} more lines"
    if len(named) > MAX_FILES:
        yield f"\nand {len(named) - MAX_FILES} more files"


def _cut(line: str) -> str:
    cut = f"{line[:60]}... ({len(line):,} characters)" if len(line) > MAX_LINE else line
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in cut)
