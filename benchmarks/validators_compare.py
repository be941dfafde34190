"""Which planted faults each validator of Agent Skills reports, and what it says about skills without a fault.

Each case of `validators_faults.py` is written to a folder and shown to each validator as a user would show it: a process
of its own, no network needed. A fault counts as reported when a rule speaks, at any level, that does not speak as often
about the twin without the fault; whatever it says. `default` is the validator as it comes, `everything` with all its rules
switched on. A false alarm is an error or a warning about a twin or about a valid, unusual skill. A crash is a traceback.

    python benchmarks/validators_compare.py --json benchmarks/results/validators_compare.json   # about ten minutes
    python benchmarks/validators_compare.py --only python --only colon                          # some of the faults
    python benchmarks/validators_compare.py --page docs/explanation/what-each-level-proves.md   # the table, from the JSON

skills-ref, skillcheck and skillsaw come with `make bench`. cisco-ai-skill-scanner is not among them: it brings 560 MB.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any, NoReturn

from measured import conditions, print_table, with_part, write
from validators_faults import CASES, TRICKY, Case, Content, Link

RESULTS = Path(__file__).parent / "results" / "validators_compare.json"
SECONDS = 300
# Rules that ask for parts which a sound skill need not have stay off: ours, and the one of skillsaw.
HOUSE = "AS204,AS205,AS601,AS901"
HOUSE_OF_SKILLSAW = "agentskill-evals-required"

Said = Counter[str]
Side = Mapping[str, Content | Link]


@dataclass(frozen=True)
class Answer:
    """What a validator said: rule -> times, the rules among them that are no mere notes, and whether it crashed."""

    said: Said
    alarms: Said
    crashed: bool = False


@dataclass(frozen=True)
class Validator:
    """How to run one.

    Attributes:
        name: of the package.
        default: command line as it comes; the path is appended.
        everything: command line with all rules.
        read: from what it prints to (rule, level) pairs.
        whole: whether it takes a folder of skills; otherwise each skill is shown to it.
    """

    name: str
    default: Sequence[str]
    everything: Sequence[str]
    read: Callable[[str, str], Iterable[tuple[str, str]]]
    whole: bool = True


def _skills_ref(output: str, errors: str) -> Iterable[tuple[str, str]]:
    lines = [line[4:60] for line in errors.splitlines() if line.startswith("  - ")]
    if not lines and "Valid skill" not in output:
        raise ValueError(output)
    return [(line, "error") for line in lines]


def _skillcheck(output: str, _errors: str) -> Iterable[tuple[str, str]]:
    results = json.loads(output)["results"]
    return [(found["rule"], found["severity"]) for result in results for found in result["diagnostics"]]


def _skillsaw(output: str, _errors: str) -> Iterable[tuple[str, str]]:
    return [(found["rule_id"], found["severity"]) for found in json.loads(output)["violations"]]


def _airskills(output: str, _errors: str) -> Iterable[tuple[str, str]]:
    return [(found["code"], found["severity"]) for found in json.loads(output)]


def validators(folder: Path) -> list[Validator]:
    """The validators; `folder` takes the settings that switch on everything."""
    ours = ["airskills", "check", "--no-cache", "--jobs", "1", "--output-format", "json"]
    check = ["skillcheck", "--format", "json"]
    saw = ["skillsaw", "lint", "--format", "json", "--no-plugins", "--no-custom-rules", "--no-progress"]
    return [
        Validator("airskills", ours, [*ours, "--profile", "standard", "--ignore", HOUSE], _airskills),
        Validator("skills-ref", ["agentskills", "validate"], [], _skills_ref, whole=False),
        Validator("skillcheck", check, [*check, "--strict", "--analyze-graph"], _skillcheck),
        Validator("skillsaw", saw, [*saw, "--config", str(_all_of_skillsaw(folder))], _skillsaw),
    ]


def _all_of_skillsaw(folder: Path) -> Path:
    listed, _ = run(["skillsaw", "list-rules"], folder)
    rules = [
        rule
        for rule in re.findall(r"^  ([a-z][a-z0-9-]+)$", listed, re.MULTILINE)
        if rule != HOUSE_OF_SKILLSAW
    ]
    path = folder / "everything.yaml"
    lines = [f'version: "{version("skillsaw")}"', "rules:"]  # without a version it leaves newer rules out
    lines += [f"  {rule}:\n    enabled: true" for rule in rules]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def plant(folder: Path, files: Side) -> None:
    """Write the files of one side of a case."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Link):
            path.symlink_to(content.target)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)


def ask(validator: Validator, command: Sequence[str], folder: Path) -> Answer:
    """Show a folder to a validator."""
    skills = sorted({path.parent for path in folder.rglob("*") if path.name.lower() == "skill.md"})
    targets = [folder] if validator.whole else skills
    said, alarms, crashed = Counter[str](), Counter[str](), False
    for target in targets:
        pairs, failed = _ask_once(validator, [*command, str(target)], folder)
        said += Counter(rule for rule, _ in pairs)
        alarms += Counter(rule for rule, level in pairs if level.lower() not in {"info", "note"})
        crashed |= failed
    return Answer(said, alarms, crashed)


def _ask_once(
    validator: Validator, command: Sequence[str], folder: Path
) -> tuple[list[tuple[str, str]], bool]:
    output, errors = (
        text.replace(f"{folder}/", "").replace(str(folder), ".") for text in run(command, folder)
    )
    if "Traceback (most recent call last)" in output + errors:
        return [], True
    try:
        return list(validator.read(output, errors)), False
    except ValueError:  # no report, only a message
        return [((errors or output).strip()[:60], "error")], False


def run(command: Sequence[str], folder: Path) -> tuple[str, str]:
    """Standard output and errors of a console script, in a process of its own that need not import it anew."""
    entry = _entry_point(command[0])
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        child = os.fork()
        if child == 0:
            _become(entry, command, folder, output.fileno(), errors.fileno())
        os.waitpid(child, 0)
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return texts[0], texts[1]


@cache
def _entry_point(script: str) -> Callable[[], object]:
    (found,) = entry_points(group="console_scripts", name=script)
    loaded: Callable[[], object] = found.load()
    return loaded


def _become(
    entry: Callable[[], object], command: Sequence[str], folder: Path, output: int, errors: int
) -> NoReturn:
    """In the child: be that command, and end."""
    status: object = 1
    try:
        os.dup2(output, 1)
        os.dup2(errors, 2)
        os.chdir(folder)
        os.environ |= {"HOME": str(folder.parent), "NO_COLOR": "1"}
        signal.alarm(SECONDS)
        sys.argv = list(command)
        status = entry()
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001 - whatever a user would see as a traceback
        traceback.print_exc()
    finally:
        if isinstance(status, str):
            print(status, file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


Key = tuple[str, str, int]  # validator, setting, number of the side


def ask_all(
    chosen: Sequence[Validator], sides: Sequence[Side], top: Path, kept: Path | None
) -> dict[Key, Answer]:
    """Every validator in each of its settings on every side; what has no second setting is asked once.

    Args:
        chosen: the validators.
        sides: what to show them.
        top: folder to write the sides to.
        kept: folder of answers that were given before and of new ones; None keeps none.
    """
    answers = {}
    for number, side in enumerate(sides):
        folder = top / "sides" / str(number)
        plant(folder, side)
        for validator in chosen:
            for setting in ("default", "everything"):
                if command := getattr(validator, setting):
                    keep = (
                        kept if validator.name != "airskills" else None
                    )  # ours changes without a new release
                    file = keep / _name_of(validator, _shown(command), side) if keep else None
                    answers[validator.name, setting, number] = _kept_or_new(file, validator, command, folder)
    return answers


def _name_of(validator: Validator, command: str, side: Side) -> str:
    """The same for the same question: release, command line and files."""
    question = repr((validator.name, version(validator.name), command, sorted(side.items())))
    return f"{hashlib.sha256(question.encode(errors='surrogateescape')).hexdigest()[:24]}.json"


def _kept_or_new(file: Path | None, validator: Validator, command: Sequence[str], folder: Path) -> Answer:
    if file is not None and file.exists():
        said, alarms, crashed = json.loads(file.read_text(encoding="utf-8"))
        return Answer(Counter(said), Counter(alarms), crashed)
    answer = ask(validator, command, folder)
    if file is not None:
        file.write_text(json.dumps([answer.said, answer.alarms, answer.crashed]), encoding="utf-8")
    return answer


def verdict(about: Answer, without: Answer) -> dict[str, Any]:
    """What a validator makes of a fault, from what it said about the skill and about its twin."""
    by = sorted(about.said - without.said)
    said = "crashed" if about.crashed else "reported" if by else "silent"
    return {"verdict": said, **({"by": by} if by else {}), **alarm(without)}


def alarm(without: Answer) -> dict[str, Any]:
    """What a validator makes of a skill without a fault; empty when nothing."""
    if without.crashed:
        return {"crashed_without_fault": True}
    return {"false_alarms": sorted(without.alarms)} if without.alarms else {}


def compare(names: Sequence[str], kept: Path | None) -> dict[str, Any]:
    """The whole comparison, as the JSON file holds it."""
    cases = [case for case in CASES if not names or case.name in names]
    sides: list[Side] = []
    for side in (side for case in cases for side in (case.bad, case.good)):
        if side not in sides:
            sides.append(side)
    with tempfile.TemporaryDirectory() as top:
        chosen = validators(Path(top))
        answers = ask_all(chosen, sides, Path(top), kept)

    def judge(case: Case, validator: Validator, setting: str) -> dict[str, Any]:
        used = setting if getattr(validator, setting) else "default"
        without = answers[validator.name, used, sides.index(case.good)]
        if case.group == TRICKY:
            return alarm(without)
        return verdict(answers[validator.name, used, sides.index(case.bad)], without)

    return {
        **conditions([validator.name for validator in chosen]),
        "everything": {validator.name: _shown(validator.everything) for validator in chosen},
        "cases": [
            {
                "name": case.name,
                "group": case.group,
                "title": case.title,
                "sound": sides.index(case.good),
                "verdicts": {
                    validator.name: {
                        setting: judge(case, validator, setting) for setting in ("default", "everything")
                    }
                    for validator in chosen
                },
            }
            for case in cases
        ],
    }


def _shown(command: Sequence[str]) -> str:
    """A command line without the folders of this machine."""
    return " ".join(Path(part).name if "/" in part else part for part in command)


def cell(verdict: Mapping[str, Any]) -> str:
    """One field of the table."""
    if verdict["default"]["verdict"] == "reported":
        return "yes"
    if "crashed" in (verdict["default"]["verdict"], verdict["everything"]["verdict"]):
        return "crash"
    return "opt-in" if verdict["everything"]["verdict"] == "reported" else "no"


def totals(record: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """For each validator: faults by what the table says of them, and sound skills, each once, with a false alarm."""
    out: dict[str, dict[str, int]] = {}
    for name in record["cases"][0]["verdicts"]:
        rows = [(case["group"], case["verdicts"][name]) for case in record["cases"]]
        faults = Counter(cell(verdict) for group, verdict in rows if group != TRICKY)
        sound = {case["sound"]: case["verdicts"][name] for case in record["cases"]}.values()
        out[name] = {key: faults[key] for key in ("yes", "opt-in", "crash", "no")} | {
            f"alarms {setting}": sum("false_alarms" in verdict[setting] for verdict in sound)
            for setting in ("default", "everything")
        }
    return out


def table(record: Mapping[str, Any]) -> str:
    """The comparison as Markdown: a table for each group, and the totals."""
    names = list(record["cases"][0]["verdicts"])
    parts = [_totals_table(record, names)]
    for group in dict.fromkeys(case["group"] for case in record["cases"]):
        rows = [case for case in record["cases"] if case["group"] == group]
        show = _alarm_cell if group == TRICKY else cell
        parts.append(
            _markdown(
                [group, *names],
                [[row["title"], *(show(row["verdicts"][name]) for name in names)] for row in rows],
            )
        )
    return "\n\n".join(parts)


def _totals_table(record: Mapping[str, Any], names: Sequence[str]) -> str:
    counted = totals(record)
    faults = sum(case["group"] != TRICKY for case in record["cases"])
    sound = len({case["sound"] for case in record["cases"]})
    lines = [
        ("version", [str(record["versions"][name]) for name in names]),
        (f"reported as it comes, of {faults}", [str(counted[name]["yes"]) for name in names]),
        (
            "reported with every rule on",
            [str(counted[name]["yes"] + counted[name]["opt-in"]) for name in names],
        ),
        ("crashed", [str(counted[name]["crash"]) for name in names]),
        (
            f"false alarms as it comes, of {sound} sound skills",
            [str(counted[name]["alarms default"]) for name in names],
        ),
        ("false alarms with every rule on", [str(counted[name]["alarms everything"]) for name in names]),
    ]
    return _markdown(["All", *names], [[title, *row] for title, row in lines])


def _alarm_cell(verdict: Mapping[str, Any]) -> str:
    if "crashed_without_fault" in verdict["default"]:
        return "crash"
    if "false_alarms" in verdict["default"]:
        return "false alarm"
    return "false alarm (opt-in)" if "false_alarms" in verdict["everything"] else "silent"


def _markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def with_table(page: str, record: Mapping[str, Any]) -> str:
    """The page with the table between its markers."""
    return with_part(page, "validators_compare", table(record))


def main() -> None:
    """Compare and print, or write the table into a page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", metavar="OUT", help="write the comparison here")
    parser.add_argument("--only", action="append", default=[], metavar="CASE", help="only this; repeatable")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep answers here, ask only what is new")
    parser.add_argument(
        "--page", metavar="FILE", help="write the committed results into this page; run nothing"
    )
    arguments = parser.parse_args()
    if arguments.page:
        page = Path(arguments.page)
        record = json.loads(RESULTS.read_text(encoding="utf-8"))
        page.write_text(with_table(page.read_text(encoding="utf-8"), record), encoding="utf-8")
        return
    record = compare(arguments.only, arguments.keep)
    write(arguments.json, record)
    names = list(record["cases"][0]["verdicts"])
    print_table(
        ["case", *names],
        [
            [
                case["name"],
                *((_alarm_cell if case["group"] == TRICKY else cell)(case["verdicts"][n]) for n in names),
            ]
            for case in record["cases"]
        ],
    )
    for name, counted in totals(record).items():
        print(name, counted)


if __name__ == "__main__":
    main()
