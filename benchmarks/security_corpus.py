"""How many attacks the AS7xx rules catch, and how often they cry wolf.

The corpus is ours: `data/security/attacks.txt` holds two malicious skills for each technique, `benign.txt` look-alikes
without any attack. In an attack, a line that begins with `+` is the attack and a line that begins with `-` stands in its
place in the twin. Every third technique is held out: no rule was changed for its sake.

    python benchmarks/security_corpus.py            # rates
    python benchmarks/security_corpus.py --library DIR   # findings per rule over other people's skills
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from airskills.finding import Finding
from airskills.folder import Folder, folder_from, open_folder
from airskills.rules import RULES

DATA = Path(__file__).parent / "data" / "security"
SECURITY = [rule() for code, rule in sorted(RULES.items()) if code.startswith("AS7")]


@dataclass(frozen=True)
class Case:
    """One skill of the corpus: its name, its technique ("" for benign ones), whether it is held out, and its files."""

    name: str
    technique: str
    held_out: bool
    files: dict[str, str]

    def findings(self) -> list[Finding]:
        """What the security rules say."""
        return judge(folder_from("demo", self.files))


def judge(folder: Folder) -> list[Finding]:
    """All AS7xx findings of a folder."""
    return [finding for rule in SECURITY for finding in rule.check(folder)]


def malicious() -> list[Case]:
    """The skills with their attacks."""
    return list(_attacks("+"))


def twins() -> list[Case]:
    """The same skills without the attack."""
    return list(_attacks("-"))


def benign() -> list[Case]:
    """Skills that look dangerous and are not."""
    return [Case(name, "", False, _files(lines)) for name, lines in _entries("benign.txt")]


def _entries(file: str) -> Iterator[tuple[str, list[str]]]:
    for entry in re.split(r"^=== ", (DATA / file).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        name, *lines = entry.rstrip("\n").split("\n")
        yield name, lines


def _attacks(kept: str) -> Iterator[Case]:
    order: dict[str, int] = {}
    for name, lines in _entries("attacks.txt"):
        technique = name.rpartition("-")[0]
        held_out = order.setdefault(technique, len(order)) % 3 == 2
        chosen = [
            line.removeprefix(kept) if line[:1] in {"+", "-"} and not line.startswith("- ") else line
            for line in lines
            if not (line[:1] in {"+", "-"} and line[0] != kept)
        ]
        yield Case(name, technique, held_out, _files(chosen))


def _files(lines: list[str]) -> dict[str, str]:
    """Files of a skill from its description, its text, and the parts that `@@file PATH` opens."""
    tools = next(
        (
            f"allowed-tools: {line.removeprefix('@@tools ')}\n"
            for line in lines
            if line.startswith("@@tools ")
        ),
        "",
    )
    rest = [line for line in lines if not line.startswith("@@tools ")]
    parts: dict[str, list[str]] = {
        "SKILL.md": [f"---\nname: demo\ndescription: {json.dumps(rest[0], ensure_ascii=False)}\n{tools}---"]
    }
    current, fenced = "SKILL.md", False
    for line in rest[1:]:
        if line.startswith("@@file "):
            parts[current] += ["```"] * fenced
            current, fenced = line.removeprefix("@@file "), False
            parts[current] = []
            continue
        fenced ^= line.startswith("```")
        parts[current].append(re.sub(r"\\u\{([0-9A-Fa-f]+)\}", lambda match: chr(int(match[1], 16)), line))
    parts[current] += ["```"] * fenced
    return {path: "\n".join(text) + "\n" for path, text in parts.items()}


def _rates(*, verbose: bool) -> None:
    for label, held in (("train", False), ("held out", True)):
        cases = [case for case in malicious() if case.held_out is held]
        missed = [case.name for case in cases if not case.findings()]
        print(
            f"malicious, {label}: {len(cases) - len(missed)} of {len(cases)} caught ({1 - len(missed) / len(cases):.1%})"
        )
        if verbose:
            print("  missed:", ", ".join(missed) or "none")
    for label, cases in (("twins", twins()), ("benign", benign())):
        alarms = [(case.name, finding) for case in cases for finding in case.findings()]
        print(f"{label}: {len({name for name, _ in alarms})} of {len(cases)} with an alarm")
        for name, finding in alarms if verbose else ():
            print(f"  {name}: {finding.code} {finding.message} (line {finding.line})")


def _library(root: Path) -> None:
    folders = [open_folder(str(path.parent)) for path in sorted(root.rglob("SKILL.md"))]
    found = [finding for folder in folders for finding in judge(folder)]
    print(
        f"{len(folders)} skills, {len({f.path for f in found})} files with {len(found)} findings: {dict(Counter(f.code for f in found))}"
    )
    for finding in found:
        line = Path(finding.path).read_text(encoding="utf-8", errors="replace").split("\n")[finding.line - 1]
        print(
            f"{finding.code} {Path(finding.path).relative_to(root.resolve())}:{finding.line} {finding.message}\n    {line.strip()[:200]}"
        )


def main() -> int:
    """Print rates of the own corpus, or findings over a library."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--library", type=Path, help="folder of skills to look at instead")
    parser.add_argument(
        "--verbose", action="store_true", help="name what was missed and what was wrongly found"
    )
    arguments = parser.parse_args()
    if arguments.library:
        _library(arguments.library.resolve())
    else:
        _rates(verbose=arguments.verbose)
    return 0


if __name__ == "__main__":
    sys.exit(main())
