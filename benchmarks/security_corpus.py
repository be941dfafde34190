"""How many attacks the AS7xx rules catch, and how often they cry wolf.

The corpus is ours. In `data/security/*attacks*.txt` a line that begins with `+` is the attack and a line that begins with
`-` stands in its place in the twin; `*benign*.txt` holds look-alikes without any attack. The set `seed` is the one that
the first rules were written with. The others were written before anyone read the rules, and are split by a hash of their
names: `dev` was used while the rules were worked on, `held out` only counted. `later` was written by somebody who knew the
rules, `second` to `eighth` likewise, in other wordings and before anyone looked at what is caught (from `fifth` on prose
only), `ninth` to `fifteenth` by writers who never saw rules or corpus, nearly all in prose, `sixteenth` to learn from, `seventeenth` by such
a writer too, in the mixture of code and prose that is met in the wild (30 techniques, two of each): `FIRST_PASS` keeps what the rules of that
day caught of them, which says more about unseen attacks than today's rates, as AS729 has learned from all sets but `held out` and `seventeenth`;
`security_model.py` says what it hears of a writer whom it did not learn from. A skill counts as caught or accused when a
finding of severity error or warning names it.

    python benchmarks/security_corpus.py                          # rates
    python benchmarks/security_corpus.py --techniques             # rates of each technique, held-out ones included
    python benchmarks/security_corpus.py --verbose                # what was missed and wrongly found; never held out
    python benchmarks/security_corpus.py --library DIR [DIR ...]  # findings over other people's skills too
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import airskills
from airskills.disk import File
from airskills.finding import Finding
from airskills.folder import Folder, folder_from, open_folder
from airskills.rules import RULES
from measured import conditions, print_table, write

PAGES = Path(airskills.__file__).parent / "data" / "measured.json"
DATA = Path(__file__).parent / "data" / "security"
SECURITY = [rule() for code, rule in sorted(RULES.items()) if code.startswith("AS7")]
SETS = (
    "seed",
    "dev",
    "held out",
    "later",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
)

# Attacks caught, twins accused and look-alikes accused when a set was judged for the first time.
FIRST_PASS = {
    "second": {"caught": "36 of 71", "twins accused": "1 of 71", "benign accused": "1 of 26"},
    "third": {"caught": "40 of 61", "twins accused": "0 of 61", "benign accused": "0 of 16"},
    "fourth": {"caught": "29 of 39", "twins accused": "0 of 39"},
    "fifth": {"caught": "11 of 16", "twins accused": "0 of 16"},
    "sixth": {"caught": "4 of 13", "twins accused": "0 of 13"},
    "seventh": {"caught": "10 of 18", "twins accused": "0 of 18", "benign accused": "3 of 20"},
    "eighth": {"caught": "0 of 12", "twins accused": "0 of 12"},
    "ninth": {"caught": "18 of 75", "twins accused": "3 of 75", "benign accused": "2 of 45"},
    "tenth": {"caught": "14 of 75", "twins accused": "1 of 75", "benign accused": "1 of 45"},
    "eleventh": {"caught": "14 of 75", "twins accused": "0 of 75", "benign accused": "2 of 45"},
    "twelfth": {"caught": "4 of 60", "twins accused": "1 of 60"},
    "thirteenth": {"caught": "0 of 60", "twins accused": "0 of 60"},
    "fourteenth": {"caught": "0 of 60", "twins accused": "0 of 60", "benign accused": "1 of 60"},
    "fifteenth": {"caught": "9 of 100", "twins accused": "0 of 100", "benign accused": "2 of 60"},
    "sixteenth": {"caught": "13 of 60", "twins accused": "1 of 60", "benign accused": "0 of 20"},
    "seventeenth": {"caught": "40 of 60", "twins accused": "2 of 60", "benign accused": "3 of 60"},
}

# Findings in public libraries that say what is not so; each finding was read where it stands.
# AS712: "Don't assume reviewers know" in two lists for grant writers. AS729: advice on what subagents are told, on a test
# that fails unseen, and on swapping rows of a data set.
FALSE = {"AS712": 2, "AS729": 3}


@dataclass(frozen=True)
class Case:
    """One skill of the corpus.

    Attributes:
        name: technique and a letter or number.
        set: one of `SETS`.
        files: texts by relative path.
        links: targets of symbolic links by relative path.
    """

    name: str
    set: str
    files: dict[str, str]
    links: dict[str, str] = field(default_factory=dict)

    @property
    def technique(self) -> str:
        """What the attack does."""
        return self.name.rpartition("-")[0]

    def alarms(self) -> list[Finding]:
        """What the security rules say, notes left out."""
        folder = folder_from("demo", self.files)
        links = [
            File(path, 0, link=target, escapes=_leaves(path, target)) for path, target in self.links.items()
        ]
        return judge(replace(folder, files=(*folder.files, *links)))


def _leaves(path: str, target: str) -> bool:
    return target.startswith(("/", "~")) or target.count("../") > path.count("/")


def judge(folder: Folder) -> list[Finding]:
    """All AS7xx findings of a folder that are more than notes."""
    found = [finding for rule in SECURITY for finding in rule.check(folder)]
    return [finding for finding in found if finding.severity != "note"]


def malicious() -> list[Case]:
    """The skills with their attacks."""
    return [_case(name, which, _kept(lines, "+")) for name, which, lines in _entries("attacks")]


def twins() -> list[Case]:
    """The same skills without the attack."""
    return [_case(name, which, _kept(lines, "-")) for name, which, lines in _entries("attacks")]


def benign() -> list[Case]:
    """Skills that look dangerous and are not."""
    return [_case(name, which, lines) for name, which, lines in _entries("benign")]


def _entries(kind: str) -> Iterator[tuple[str, str, list[str]]]:
    for path in sorted(DATA.glob(f"*{kind}*.txt")):
        first = path.name.partition("-")[0]
        for entry in re.split(r"^=== ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            name, *lines = entry.rstrip("\n").split("\n")
            yield name, first if first in SETS else _half(name), lines


def _half(name: str) -> str:
    return "held out" if int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2 else "dev"


def _kept(lines: Sequence[str], sign: str) -> list[str]:
    """The lines of one side: unmarked ones, and those with this sign. `- item` is a list item, no mark."""
    marked = [line[:1] in {"+", "-"} and re.match(r"- \S", line) is None for line in lines]
    pairs = zip(lines, marked, strict=True)
    return [line[1:] if mark else line for line, mark in pairs if not mark or line[0] == sign]


def _case(name: str, which: str, lines: Sequence[str]) -> Case:
    """A skill from its description, its text, and lines of `@@tools`, `@@front`, `@@link PATH TARGET`, `@@file PATH`."""
    front = [line[8:] for line in lines if line.startswith("@@front ")]
    front += [f"allowed-tools: {line[8:]}" for line in lines if line.startswith("@@tools ")]
    links = dict(line[7:].split(" ", 1) for line in lines if line.startswith("@@link "))
    rest = [line for line in lines if not line.startswith(("@@front ", "@@tools ", "@@link "))]
    head = ["---", "name: demo", f"description: {json.dumps(rest[0], ensure_ascii=False)}", *front, "---"]
    return Case(name, which, _files([*head, *rest[1:]]), links)


def _files(lines: Sequence[str]) -> dict[str, str]:
    parts: dict[str, list[str]] = {"SKILL.md": []}
    current, fenced = "SKILL.md", False
    for line in lines:
        if line.startswith("@@file "):
            parts[current] += ["```"] * fenced
            current, fenced = line.removeprefix("@@file "), False
            parts[current] = []
            continue
        fenced ^= line.startswith("```")
        parts[current].append(re.sub(r"\\u\{([0-9A-Fa-f]+)\}", lambda match: chr(int(match[1], 16)), line))
    parts[current] += ["```"] * fenced
    return {path: "\n".join(text) + "\n" for path, text in parts.items()}


def rates() -> dict[str, Any]:
    """Share of attacks caught and of twins and look-alikes accused, by set."""
    sides = {"caught": malicious(), "twins accused": twins(), "benign accused": benign()}
    result: dict[str, Any] = {}
    for which in SETS:
        result[which] = {}
        for side, cases in sides.items():
            chosen = [case for case in cases if case.set == which]
            hits = sum(bool(case.alarms()) for case in chosen)
            result[which][side] = {
                "of": len(chosen),
                "count": hits,
                "rate": round(hits / max(1, len(chosen)), 4),
            }
    return result


def techniques() -> dict[str, dict[str, int]]:
    """Caught attacks and their number, by technique, over all sets."""
    found: dict[str, dict[str, int]] = {}
    for case in malicious():
        row = found.setdefault(case.technique, {"caught": 0, "of": 0})
        row["of"] += 1
        row["caught"] += bool(case.alarms())
    return dict(sorted(found.items()))


def library(root: Path) -> dict[str, Any]:
    """How many skills under a folder are accused, and of what; CPU seconds of the rules alone."""
    paths = sorted(path.parent for path in root.rglob("SKILL.md"))
    folders = [open_folder(str(path)) for path in paths]
    start = time.process_time()
    found = [judge(folder) for folder in folders]
    seconds = time.process_time() - start
    codes = Counter(finding.code for findings in found for finding in findings)
    return {
        "skills": len(folders),
        "accused": sum(map(bool, found)),
        "findings": dict(sorted(codes.items())),
        "cpu_seconds": round(seconds, 2),
        "all": [finding for findings in found for finding in findings],
    }


def measured(libraries: dict[str, Any]) -> dict[str, Any]:
    """What each rule finds in the libraries together, and how much of that is false, as it stands in the rule's page."""
    codes = sorted(code for code in RULES if code.startswith("AS7"))
    found = {code: sum(one["findings"].get(code, 0) for one in libraries.values()) for code in codes}
    return {
        "skills": sum(one["skills"] for one in libraries.values()),
        "libraries": len(libraries),
        "rules": {
            code: {"findings": found[code], "false": min(found[code], FALSE.get(code, 0))} for code in codes
        },
    }


def _print_mistakes() -> None:
    missed = [case.name for case in malicious() if case.set != "held out" and not case.alarms()]
    print("missed:", ", ".join(missed) or "none")
    for label, cases in (("twin", twins()), ("benign", benign())):
        for case in cases:
            for finding in case.alarms() if case.set != "held out" else ():
                print(f"{label} {case.name}: {finding.code} {finding.message} (line {finding.line})")


def _print_library(root: Path, result: dict[str, Any]) -> None:
    print(f"{root.name}: { ({key: value for key, value in result.items() if key != 'all'}) }")
    for finding in result["all"]:
        line = Path(finding.path).read_text(encoding="utf-8", errors="replace").split("\n")[finding.line - 1]
        where = Path(finding.path).relative_to(root)
        print(f"{finding.code} {where}:{finding.line} {finding.message}\n    {line.strip()[:200]}")


def _print_rates(result: dict[str, Any]) -> None:
    rows = [
        [which, *(f"{cell['count']} of {cell['of']} ({cell['rate']:.1%})" for cell in sides.values())]
        for which, sides in result.items()
    ]
    print_table(["set", "attacks caught", "twins accused", "look-alikes accused"], rows)


def main() -> int:
    """Print rates of the own corpus, or findings over libraries."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--library", type=Path, nargs="+", default=[], help="folders of skills to look at besides"
    )
    parser.add_argument(
        "--verbose", action="store_true", help="name what was missed and what was wrongly found"
    )
    parser.add_argument("--techniques", action="store_true", help="print the rate of each technique")
    parser.add_argument("--json", metavar="OUT", help="write the figures to this file")
    options = parser.parse_args()
    record: dict[str, Any] = {"conditions": conditions(["airskills"])}
    record |= {"rates": rates(), "first_pass": FIRST_PASS, "techniques": techniques(), "libraries": {}}
    for root in options.library:
        result = library(root.resolve())
        _print_library(root.resolve(), result)
        record["libraries"][root.name] = {key: value for key, value in result.items() if key != "all"}
    record["measured"] = measured(record["libraries"])
    _print_rates(record["rates"])
    if options.techniques:
        print_table(
            ["technique", "caught", "of"],
            [[name, *row.values()] for name, row in record["techniques"].items()],
        )
    if options.verbose:
        _print_mistakes()
    write(options.json, record)
    if options.json and options.library:  # what the pages of the rules say
        PAGES.write_text(json.dumps(record["measured"], indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
