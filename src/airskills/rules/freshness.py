"""AS9xx: freshness. A skill is true for the versions it was tested with, and for as long as somebody looks."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime

from airskills import pins
from airskills.finding import Finding
from airskills.folder import Folder
from airskills.rules._base import Rule

_HEAD = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\nmetadata:\n"
_DATE = "airskills-verified-on"
# Import name -> distribution, where the two differ; the difference of hyphen and underscore needs no entry.
DISTRIBUTIONS = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dotenv": "python-dotenv",
    "faiss": "faiss-cpu",
    "llama_cpp": "llama-cpp-python",
    "sklearn": "scikit-learn",
    "sky": "skypilot",
    "skimage": "scikit-image",
    "yaml": "pyyaml",
}


class AS901(Rule):
    """Tested versions are missing.

    Why: without them nobody can tell whether the code is of last week or of two years ago.
    """

    severity = "error"
    bad = _HEAD + '  airskills-version: "0.1.0"\n---\n# Demo\n\n```python\nimport torch\n```\n'
    good = _HEAD + '  airskills-tested-with: "torch==2.13.0"\n---\n# Demo\n\n```python\nimport torch\n```\n'

    def check(self, folder: Folder) -> Iterator[Finding]:
        untested = folder.skill is not None and not {pins.KEY, pins.BARE_KEY} & set(folder.skill.metadata)
        if folder.skill and untested and next(_imports(folder), None):
            yield self.finding(
                folder.skill.path,
                1,
                "The skill does not say which versions it was tested with",
                'Add airskills-tested-with: "trl==1.16.0 ..."',
            )


class AS902(Rule):
    """Tested version is not an exact pin.

    Why: `trl>=1.0` proves nothing about the trl that a reader gets.
    """

    severity = "error"
    bad = _HEAD + '  airskills-tested-with: "torch>=2.13"\n---\n# Demo\n'
    good = _HEAD + '  airskills-tested-with: "torch==2.13.0"\n---\n# Demo\n'
    at = 5

    def check(self, folder: Folder) -> Iterator[Finding]:
        for key, text in _tested(folder).items():
            line, column = folder.skill.positions.get(f"metadata.{key}", (1, 1)) if folder.skill else (1, 1)
            for reason in _faults(text):
                yield self.finding(folder.at("SKILL.md"), line, reason, "Write name==version", column=column)


class AS903(Rule):
    """Import is not covered by the tested versions.

    Why: what is imported and not pinned was tested with whatever happened to be installed.
    """

    severity = "error"
    bad = _HEAD + '  airskills-tested-with: "torch==2.13.0"\n---\n# Demo\n\n```python\nimport trl\n```\n'
    good = _HEAD + '  airskills-tested-with: "trl==1.16.0"\n---\n# Demo\n\n```python\nimport trl\n```\n'
    at = 10

    def check(self, folder: Folder) -> Iterator[Finding]:
        words = _words(" ".join(_tested(folder).values()))
        pinned = {_plain(re.split(r"[=<>~![; ]", word, maxsplit=1)[0]) for word in words}
        if not pinned:
            return
        reported: set[str] = set()
        for path, line, module in _imports(folder):
            name = _plain(DISTRIBUTIONS.get(module, module))
            if (
                name not in pinned
                and module not in reported
                and not any(p.startswith(f"{name}-") for p in pinned)
            ):
                reported.add(module)
                yield self.finding(
                    path,
                    line,
                    f"The import of {module!r} is covered by no pin",
                    f"Add {name}==VERSION to airskills-tested-with",
                )


class AS904(Rule):
    """Verification date is malformed, in the future, or too old.

    Why: proof ages; after half a year most of the field's packages have had several releases. A missing date is a finding
    where the settings say `require-verified = true`; how old it may be, `max-age-days` says (180).
    """

    bad = _HEAD + '  airskills-verified-on: "2020-01-01"\n---\n# Demo\n'
    good = _HEAD + f'  airskills-verified-on: "{datetime.now(tz=UTC).date().isoformat()}"\n---\n# Demo\n'
    at = 5

    def check(self, folder: Folder) -> Iterator[Finding]:
        if folder.skill is None:
            return
        text = folder.skill.metadata.get(_DATE)
        if text is None:
            if self.settings.require_verified:
                message = f"The skill has no {_DATE}, which the settings require"
                yield self.finding(folder.skill.path, 1, message, "Prove it; the tool writes the date")
            return
        line = folder.skill.positions[f"metadata.{_DATE}"][0]
        try:
            age = (datetime.now(tz=UTC).date() - date.fromisoformat(text)).days
        except ValueError:
            yield self.finding(
                folder.skill.path, line, f"{text[:40]!r} is not a date", "Write it as 2026-11-21"
            )
            return
        if age < -1:
            yield self.finding(
                folder.skill.path, line, f"The date {text} lies in the future", "Let the tool write it"
            )
        elif age > self.settings.max_age_days:
            message = f"It was verified {age} days ago; the limit is {self.settings.max_age_days}"
            yield self.finding(folder.skill.path, line, message, "Prove it again")


def _tested(folder: Folder) -> dict[str, str]:
    """The fields that hold pins, those that are there."""
    metadata = folder.skill.metadata if folder.skill else {}
    return {key: metadata[key] for key in (pins.KEY, pins.BARE_KEY) if key in metadata}


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,]+", text) if word]


def _faults(text: str) -> Iterator[str]:
    """What is wrong with each pin, or with all of them together."""
    faults = [str(fault) for word in _words(text) if (fault := _fault(word))]
    yield from faults or filter(None, [str(_fault(text) or "")])


def _fault(text: str) -> pins.PinError | None:
    try:
        pins.parse_pins(text)
    except pins.PinError as error:
        return error
    return None


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _imports(folder: Folder) -> Iterator[tuple[str, int, str]]:
    """(file, line, top-level module) of every import of a third-party package in blocks, examples and scripts."""
    local = {
        file.path.rpartition("/")[2].removesuffix(".py") for file in folder.files if file.path.endswith(".py")
    }
    files = (f"{folder.path}/examples/", f"{folder.path}/scripts/")
    for program in folder.programs:
        for node in program.statements if program.block or program.path.startswith(files) else ():
            for module in _modules(node):
                if module not in sys.stdlib_module_names and module not in local:
                    yield program.path, program.line + node.lineno - 1, module


def _modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module.partition(".")[0]]
    return []
