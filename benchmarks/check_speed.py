"""How fast `airskills check` is, cold and cached, with one process and two, beside other validators on the same folders.

    python -m venv ../bench && ../bench/bin/pip install . skills-ref==0.1.1 skillsaw==0.22.0 skillcheck==1.5.0
    ../bench/bin/python benchmarks/check_speed.py --json benchmarks/results/check_speed.json
    ../bench/bin/python benchmarks/check_speed.py --library ../anthropics-skills --library ../AI-research-SKILLs --json ...
    ../bench/bin/python benchmarks/check_speed.py --page docs/explanation/what-each-level-proves.md

The library is made of the skills of this repository: each copy has its own name, words in description and requests, and
comments in every text, so that nothing is read once for all. Everything runs as a user runs it, in a process of its own
(skills-ref, which takes one skill a call, in one process through its API), in turns, because the machine is shared.
CPU time is of all processes together; a cold run writes the cache that the cached run reads. Measured are the whole skills,
and what an agent uses of them: the same without `evals/`, which only airskills is timed on. `--library` adds what the profiles `spec`
and `standard` find in other people's skills, by rule.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from measured import conditions, print_table, with_part, write

REPOSITORY = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).parent / "results" / "check_speed.json"
SCRIPTS = Path(sysconfig.get_path("scripts"))
PACKAGES = ("airskills", "skills-ref", "skillsaw", "skillcheck", "markdown-it-py", "pyyaml")
WORDS = [
    "amber",
    "basil",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heron",
    "iris",
    "juniper",
    "kelp",
    "lotus",
    "maple",
    "nectar",
    "orchid",
    "poplar",
    "quartz",
    "raven",
    "sage",
    "tulip",
    "umber",
    "violet",
    "willow",
    "xenon",
    "yarrow",
    "zephyr",
]
COLD, CACHED = "airskills standard, cold, 2 processes", "airskills standard, cached"
AIMS = {COLD: 2.0, CACHED: 0.3}  # seconds for `SKILLS` skills on two cores of one's own
SKILLS = 100
SKILLS_REF = "import sys, pathlib, skills_ref; [print(e) for p in sorted(pathlib.Path(sys.argv[1]).iterdir()) for e in skills_ref.validate(p)]"


def make_library(root: Path, count: int) -> None:
    """Write `count` skills, varied copies of the ones of this repository."""
    sources = sorted(path for path in (REPOSITORY / "skills").iterdir() if (path / "SKILL.md").is_file())
    for number in range(count):
        source = sources[number % len(sources)]
        for file in sorted(path for path in source.rglob("*") if path.is_file()):
            if "__pycache__" not in file.parts:
                target = root / f"{source.name}-{number:03}" / file.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(varied(file, source.name, number))


def varied(file: Path, name: str, number: int) -> bytes:
    """The text of a file as it stands in copy `number` of the skill `name`."""
    if file.suffix not in {".md", ".py", ".json", ".yaml"}:
        return file.read_bytes()
    own = [WORDS[(number * step + step**2) % 26] + WORDS[(number + 3 * step) % 26] for step in range(2, 10)]
    text = file.read_text(encoding="utf-8")
    if file.name == "SKILL.md":
        text = text.replace(f"name: {name}\n", f"name: {name}-{number:03}\n", 1)
        text = text.replace('description: "', f'description: "{" ".join(own)} ', 1)
    elif file.name == "evals.json":
        text = text.replace(f'"skill_name": "{name}"', f'"skill_name": "{name}-{number:03}"')
    elif file.name == "eval_queries.json":
        text = text.replace('"query": "', f'"query": "{own[0]} {own[1]} ')
    text = text.replace("import torch\n", f"import torch  # {number}\n")
    ends = {".py": f"# copy {number}\n", ".md": f"\nCopy {number}, {own[2]}.\n"}
    return (text + ends.get(file.suffix, "")).encode()


def run(command: Sequence[str], environment: dict[str, str], folder: Path) -> tuple[float, float, str]:
    """Wall and CPU seconds of a process and all of its own, and what it printed."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.DEVNULL, env=environment, cwd=folder
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read().decode("utf-8", "replace")
    if process.returncode not in {0, 1}:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return wall, used.ru_utime + used.ru_stime, printed


def airskills_rules(printed: str) -> Iterable[str]:
    """Codes of what airskills found."""
    return (found["code"] for found in json.loads(printed))


def skillsaw_rules(printed: str) -> Iterable[str]:
    """Rules of what skillsaw found."""
    return (found["rule_id"] for found in json.loads(printed)["violations"])


def skillcheck_rules(printed: str) -> Iterable[str]:
    """Rules of what skillcheck found."""
    return (found["rule"] for result in json.loads(printed)["results"] for found in result["diagnostics"])


def skills_ref_rules(printed: str) -> Iterable[str]:
    """The first words of what skills-ref found."""
    return (" ".join(line.split()[:4]) for line in printed.splitlines())


Reader = Callable[[str], Iterable[str]]


def commands(library: Path) -> dict[str, tuple[list[str], Reader]]:
    """What is run, by its name in the table."""
    ours = [str(SCRIPTS / "airskills"), "check", str(library), "--output-format", "json"]
    standard = [*ours, "--profile", "standard"]
    saw = [
        str(SCRIPTS / "skillsaw"),
        "lint",
        str(library),
        "--format",
        "json",
        "--no-plugins",
        "--no-custom-rules",
    ]
    return {
        "airskills standard, cold, 1 process": ([*standard, "--jobs", "1"], airskills_rules),
        COLD: ([*standard, "--jobs", "2"], airskills_rules),
        CACHED: (standard, airskills_rules),
        "airskills spec, cold, 1 process": ([*ours, "--jobs", "1"], airskills_rules),
        "skills-ref": ([sys.executable, "-c", SKILLS_REF, str(library)], skills_ref_rules),
        "skillcheck": ([str(SCRIPTS / "skillcheck"), str(library), "--format", "json"], skillcheck_rules),
        "skillsaw": ([*saw, "--no-progress"], skillsaw_rules),
    }


def measure(library: Path, count: int, rounds: int, only: Iterable[str] = ()) -> dict[str, Any]:
    """Size of a library, times and findings of each command (of those named only, if any are); medians over the rounds."""
    files = [path for path in library.rglob("*") if path.is_file()]
    chosen = {name: way for name, way in commands(library).items() if name in only or not only}
    taken: dict[str, list[tuple[float, float]]] = {}
    kinds: dict[str, dict[str, int]] = {}
    with tempfile.TemporaryDirectory() as home:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("AIRSKILLS", "PYTHON"))
        }
        environment |= {"HOME": home, "AIRSKILLS_CACHE_DIR": f"{home}/cache", "AIRSKILLS_STATE_DIR": home}
        for _ in range(rounds):
            for name, (command, rules) in chosen.items():
                if "cold" in name:
                    shutil.rmtree(f"{home}/cache", ignore_errors=True)
                wall, cpu, printed = run(command, environment, library)
                taken.setdefault(name, []).append((wall, cpu))
                kinds[name] = dict(Counter(rules(printed)).most_common())
    return {
        "files": len(files),
        "bytes": sum(path.stat().st_size for path in files),
        "validators": {name: row(times, count) | {"findings": kinds[name]} for name, times in taken.items()},
    }


def without_evals(library: Path) -> None:
    """Remove what only authors use."""
    for folder in library.glob("*/evals"):
        shutil.rmtree(folder)


def row(times: Sequence[tuple[float, float]], count: int) -> dict[str, Any]:
    """Medians of wall and CPU seconds, and skills in each second of either."""
    wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
    return {
        "wall_s": round(wall, 3),
        "cpu_s": round(cpu, 3),
        "skills_per_s": round(count / wall, 1),
        "skills_per_cpu_s": round(count / cpu, 1),
    }


def other_libraries(folders: Iterable[str]) -> dict[str, Any]:
    """What the two profiles find in other people's skills."""
    found: dict[str, Any] = {}
    for folder in folders:
        for profile in ("spec", "standard"):
            command = [
                str(SCRIPTS / "airskills"),
                "check",
                folder,
                "--profile",
                profile,
                "--no-cache",
                "--output-format",
                "json",
            ]
            printed = run(command, dict(os.environ), Path(folder))[2]
            found.setdefault(Path(folder).name, {})[profile] = dict(
                Counter(airskills_rules(printed)).most_common()
            )
    return found


def every_row(record: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """(name, figures) of every command on the whole skills, then of those without their evals."""
    lean = record["without_evals"]["validators"].items()
    return [*record["validators"].items(), *((f"{name}, without evals", one) for name, one in lean)]


def summary(record: Mapping[str, Any]) -> str:
    """The record as a table and a sentence, in Markdown."""
    rows = [
        f"| {name} | {one['wall_s']:.2f} | {one['cpu_s']:.2f} | {one['cpu_s'] * 1e3 / record['skills']:.1f} |"
        for name, one in every_row(record)
    ]
    lean, made = record["without_evals"], record["conditions"]
    said = (
        f"{record['skills']} varied copies of the skills of this repository: {record['files']:,} files, {record['bytes'] / 1e6:.1f} MB; "
        f"without `evals/`, which agents do not use, {lean['files']:,} files, {lean['bytes'] / 1e6:.1f} MB. Medians of {record['rounds']}, "
        f"{made['measured']}, Python {made['python']}, {made['machine']}, load {made['load_average'][0]}."
    )
    aims = [
        f"{name.removeprefix('airskills standard, ')} {record['validators'][name]['wall_s']:.2f} s (aim: under {aim})"
        for name, aim in record["aims_s"].items()
    ]
    aimed = ["", f"Aims, wall clock on the whole skills: {'; '.join(aims)}."] if aims else []
    head = ["| validator | wall s | CPU s | CPU ms a skill |", "| --- | --- | --- | --- |"]
    return "\n".join([said, "", *head, *rows, *aimed])


def with_summary(page: str, record: Mapping[str, Any]) -> str:
    """The page with the table between its markers."""
    return with_part(page, "check_speed", summary(record))


def main() -> None:
    """Measure, print, and store on request."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--skills", type=int, default=SKILLS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="12 skills, one round")
    parser.add_argument(
        "--library", action="append", default=[], help="other people's skills, to count findings in"
    )
    parser.add_argument("--json", help="where to store the figures")
    parser.add_argument(
        "--page", metavar="FILE", help="write the committed results into this page; run nothing"
    )
    options = parser.parse_args()
    if options.page:
        page = Path(options.page)
        record = json.loads(RESULTS.read_text(encoding="utf-8"))
        page.write_text(with_summary(page.read_text(encoding="utf-8"), record), encoding="utf-8")
        return
    count, rounds = (12, 1) if options.quick else (options.skills, options.rounds)
    record = {
        "conditions": conditions(PACKAGES),
        "skills": count,
        "rounds": rounds,
        "aims_s": AIMS if count == SKILLS else {},
    }
    with tempfile.TemporaryDirectory() as folder:
        make_library(Path(folder), count)
        record |= measure(Path(folder), count, rounds)
        without_evals(Path(folder))
        record["without_evals"] = measure(Path(folder), count, rounds, AIMS)
    record["other_libraries"] = other_libraries(options.library)
    print_table(
        ("validator", "wall s", "CPU s", "skills/s", "skills/CPU s", "findings"),
        (
            (
                name,
                one["wall_s"],
                one["cpu_s"],
                one["skills_per_s"],
                one["skills_per_cpu_s"],
                sum(one["findings"].values()),
            )
            for name, one in every_row(record)
        ),
    )
    write(options.json, record)


if __name__ == "__main__":
    main()
