"""What `airskills verify` costs on a library of 70 skills, beside pyright on the same blocks.

    python benchmarks/verify_speed.py --json benchmarks/results/verify_speed.json [--skills 70] [--no-pyright]
        [--library DIR --pins FILE --name OWNER/NAME@COMMIT]

The library is ours many times over, each copy with other texts in every block, so that nothing is remembered of another.
Wheels are unpacked and read before the clock starts, by a run that remembers nothing of a skill, and our own modules are
compiled, as an installer does. Each run is a process of its own: `cold` remembers nothing, `again` follows it unchanged, `one changed` after a line was added to one
skill; `one file` is a single skill of one block and `a page` a file of a large skill, both with nothing remembered.
pyright gets the Python of the same units as files, and the same wheels. Its recall is that on `data/verify/snippets.jsonl`:
an error in the statement that failed when it ran; its false alarms are snippets that ran and got an error.

A second library, of another shape, is measured besides where `--library` names a folder of it, against the pins of a file
(a requirement a line). The record says what it is called, and at which commit. Nothing is fetched.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from airskills import wheels
from airskills.folder import open_folder
from airskills.pins import parse_pins
from airskills.verify.class_index import source_of
from airskills.verify.readings import read
from airskills.verify.units import Unit, units_of
from measured import conditions, print_table, write
from verify_recall import DATA, statement

HERE = Path(__file__).parent
SKILLS = HERE.parent / "skills"
AIRSKILLS = [str(Path(sysconfig.get_path("scripts")) / "airskills"), "verify", "--offline"]
# What pyright says of dead names and arguments; its other rules are about types.
RULES = frozenset({"reportAttributeAccessIssue", "reportCallIssue", "reportMissingImports"})
_TESTED = re.compile(r"(?m)^ +airskills-tested-with: .*$")
_FENCE = re.compile(r"(?m)^( *)```(?:python|py)\b.*$")


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--skills", type=int, default=70)
    parser.add_argument("--no-pyright", action="store_true")
    parser.add_argument("--library", type=Path, help="Measure this folder of skills too.")
    parser.add_argument("--pins", type=Path, help="What its code is proven against.")
    parser.add_argument("--name", help="What it is called, and at which commit: owner/name@0123abc.")
    parser.add_argument("--json", help="Write the result here.")
    given = parser.parse_args()
    if given.library and not (given.pins and "@" in (given.name or "")):
        parser.error("--library needs --pins and --name owner/name@commit")
    record: dict[str, Any] = conditions(["airskills", "ty", "pyright"])
    with tempfile.TemporaryDirectory(prefix="airskills-speed-") as folder:
        library = make_library(Path(folder) / "skills", given.skills)
        units = [
            unit for skill in sorted(library.iterdir()) for unit in units_of(open_folder(str(skill))).units
        ]
        paths = unpacked(units)
        record |= {
            "skills": given.skills,
            "units": len(units),
            "lines": sum(len(u.source.split("\n")) for u in units),
        }
        record["airskills"] = ours(library, Path(folder) / "one")
        if not given.no_pyright:
            record["pyright"] = {
                "cold": pyright(Path(folder) / "pyright", dict(sources(units)), paths)[1],
                "snippets": pyright_recall(Path(folder) / "snippets"),
            }
        if given.library:
            record["second library"] = second(given.library, given.pins, given.name)
    rows = [(f"airskills {name}", *row.values()) for name, row in record["airskills"].items()]
    other = record.get("second library", {"airskills": {}})
    rows += [(f"{other['name']} {name}", *row.values()) for name, row in other["airskills"].items()]
    rows += [("pyright cold", *record["pyright"]["cold"].values())] if "pyright" in record else []
    print_table(("run", "wall s", "CPU s", "peak MB"), rows)
    write(given.json, record)


def make_library(folder: Path, number: int) -> Path:
    """Copies of our skills, each with a line of its own in every block and script."""
    for count, skill in enumerate(islice(cycle(sorted(SKILLS.iterdir())), number)):
        target = folder / f"{skill.name}-{count}"
        shutil.copytree(skill, target, ignore=shutil.ignore_patterns("__pycache__", "proof.json"))
        for path in target.rglob("*.md"):
            text = path.read_text(encoding="utf-8")
            path.write_text(_FENCE.sub(rf"\g<0>\n\g<1># copy {count}", text), encoding="utf-8")
        for path in target.rglob("*.py"):
            path.write_text(f"{path.read_text(encoding='utf-8')}\n# copy {count}\n", encoding="utf-8")
        manual = target / "SKILL.md"
        text = manual.read_text(encoding="utf-8")
        manual.write_text(
            text.replace(f"name: {skill.name}\n", f"name: {target.name}\n", 1), encoding="utf-8"
        )
    return folder


def unpacked(units: Iterable[Unit]) -> list[Path]:
    """The unpacked wheels of all pins; their readings are made as well."""
    found = wheels.unpack({pin for unit in units for pin in unit.pins})
    read(list(found.wheels.values()))
    for wheel in found.wheels.values():
        _ = source_of(wheel).classes
    return [wheel.root for wheel in found.wheels.values()]


def ours(library: Path, alone: Path) -> dict[str, dict[str, float]]:
    """Each kind of run once, in processes of their own that share a cache of results."""
    command = AIRSKILLS
    alone.mkdir()
    tested = next(iter(library.glob("trl-fine-tuning-*"))) / "SKILL.md"
    pins = f"metadata:\n{_TESTED.findall(tested.read_text(encoding='utf-8'))[0]}\n"
    block = "```python\nfrom trl import SFTConfig\nSFTConfig(max_length=512)\n```\n"
    (alone / "SKILL.md").write_text(
        f"---\nname: one\ndescription: One block.\n{pins}---\n# One\n\n{block}", encoding="utf-8"
    )
    measured([*command, "--no-cache", str(SKILLS)])  # compiles our modules, reads programs of the wheels
    changed = next(library.glob("peft-*"))
    found = {
        "one file": measured([*command, "--no-cache", str(alone)]),
        "a page": measured([*command, "--no-cache", str(changed / "references" / "moe.md")]),
        "cold": measured([*command, "--no-cache", str(library)]),
    }
    measured([*command, str(library)])
    found["again"] = measured([*command, str(library)])
    manual = changed / "SKILL.md"
    text = manual.read_text(encoding="utf-8")
    manual.write_text(f"{text}\n```python\nimport peft\n```\n", encoding="utf-8")
    return {**found, "one changed": measured([*command, str(library)])}


def second(library: Path, pins: Path, name: str) -> dict[str, Any]:
    """What a foreign library costs, cold and again, and what it is."""
    known = parse_pins(pins.read_text(encoding="utf-8"))
    folders = sorted(path.parent for path in library.rglob("SKILL.md"))
    units = [unit for folder in folders for unit in units_of(open_folder(str(folder)), pins=known).units]
    unpacked(units)
    command = [*AIRSKILLS, "--pins", str(pins)]
    measured([*command, "--no-cache", str(library)])  # reads programs of the wheels
    found = {"cold": measured([*command, "--no-cache", str(library)])}
    measured([*command, str(library)])
    found["again"] = measured([*command, str(library)])
    return {
        **dict(zip(("name", "commit"), name.split("@"), strict=True)),
        "pins": list(map(str, known)),
        "skills": len(folders),
        "units": len(units),
        "lines": sum(len(unit.source.split("\n")) for unit in units),
        "airskills": found,
    }


def measured(command: Sequence[str], cwd: Path | None = None) -> dict[str, float]:
    """Wall and CPU seconds of a program with all that it starts, and the largest process among them."""
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        capture_output=True,
        text=True,
        check=True,
        cwd=cwd,
        env={key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{wall:.1f} s, {cpu:.1f} s of CPU: {' '.join(command)[-60:]}", file=sys.stderr)
    return {"wall_s": round(wall, 1), "cpu_s": round(cpu, 1), "peak_mb": round(int(done.stdout) / 1024)}


def sources(units: Iterable[Unit]) -> Iterable[tuple[str, str]]:
    """File names and texts of units."""
    for number, unit in enumerate(units):
        yield f"unit{number:06}.py", unit.source


def pyright(folder: Path, files: Mapping[str, str], paths: Sequence[Path]) -> tuple[Path, dict[str, float]]:
    """Its answer as a file, and what it cost."""
    code = folder / "code"
    code.mkdir(parents=True)
    for name, text in files.items():
        (code / name).write_text(text, encoding="utf-8", errors="replace")
    settings = {
        "include": ["code"],
        "extraPaths": list(map(str, paths)),
        "pythonVersion": "3.11",
        "pythonPlatform": "Linux",
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    answer = folder / "answer.json"
    program = Path(sysconfig.get_path("scripts")) / "pyright"
    shell = f'{program} --outputjson -p "{folder}" > "{answer}"; true'
    subprocess.run([program, "--version"], check=True, capture_output=True)  # the first start fetches it
    return answer, measured(["sh", "-c", shell], folder)


def pyright_recall(folder: Path) -> dict[str, Any]:
    """Recall and false alarms on the labelled snippets."""
    rows = [json.loads(line) for line in (DATA / "snippets.jsonl").read_text(encoding="utf-8").splitlines()]
    found = wheels.unpack(parse_pins((DATA / "pins.txt").read_text(encoding="utf-8"))).wheels.values()
    files = {f"s{number:06}.py": row["code"] for number, row in enumerate(rows)}
    answer, cost = pyright(folder, files, [wheel.root for wheel in found])
    lines: dict[str, set[int]] = {}
    for said in json.loads(answer.read_text(encoding="utf-8"))["generalDiagnostics"]:
        if said.get("rule") in RULES:
            lines.setdefault(Path(said["file"]).name, set()).add(said["range"]["start"]["line"] + 1)
    hits = dead = alarms = fine = 0
    for (name, code), row in zip(files.items(), rows, strict=True):
        said_lines = lines.get(name, set())
        if row["label"] == "dead":
            first, last = statement(code, row["line"])
            dead, hits = dead + 1, hits + any(first <= line <= last for line in said_lines)
        elif row["label"] == "fine":
            fine, alarms = fine + 1, alarms + bool(said_lines)
    return {"recall": f"{hits}/{dead}", "false alarms": f"{alarms}/{fine}", **cost}


if __name__ == "__main__":
    main()
