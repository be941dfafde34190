"""Cold start of the command line, as ratios to `import click` and to skills-ref's read of the same skill.

    python -m venv /some/venv && /some/venv/bin/pip install . skills-ref==0.1.1
    /some/venv/bin/python benchmarks/startup.py --json benchmarks/results/startup.json

Run it with the Python of an environment in which airskills is installed from its wheel or checkout, not editable.
Bytecode is compiled first. The commands take turns, round by round, because a shared machine is now fast and now slow;
a figure is the median over the rounds, and a ratio the median of the ratios within each round. CPU time (user and
system, of the process that ran) is given beside the wall clock, as it feels other people's work less.
"""

from __future__ import annotations

import argparse
import compileall
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any

from measured import conditions, print_table, write

ROUNDS = 21
QUICK_ROUNDS = 5
SKILL = "grpo-rl-training"
PACKAGES = ("airskills", "click", "skills-ref", "strictyaml")
CLICK = "python -c 'import click'"
PEER = "agentskills read-properties"
LOAD = f"airskills load {SKILL}"
LIMITS = {CLICK: 1.5, PEER: 0.25}  # the aims: at most so many times the cost of these


def commands() -> dict[str, list[str]]:
    """What is compared, by the name it has in the table."""
    scripts = Path(sysconfig.get_path("scripts"))
    tool, peer = str(scripts / "airskills"), str(scripts / "agentskills")
    folder = Path(sysconfig.get_path("purelib"), "airskills", ".agents", "skills", SKILL)
    if not folder.is_dir():
        raise SystemExit(f"No {folder}: install airskills here, not editable")
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        CLICK: [sys.executable, "-c", "import click"],
        PEER: [peer, "read-properties", str(folder)],
        LOAD: [tool, "load", SKILL],
        f"{LOAD} --wrap": [tool, "load", SKILL, "--wrap"],
        "airskills list": [tool, "list"],
        "airskills search": [tool, "search", "my GRPO reward stays flat"],
    }


def run_once(command: list[str], environment: dict[str, str], folder: str) -> tuple[float, float]:
    """Wall and CPU milliseconds of one process from start to end."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment, cwd=folder)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return wall * 1e3, (used.ru_utime + used.ru_stime) * 1e3


def measure(rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Wall and CPU times of every command in every round; the first round warms caches and does not count."""
    listed = commands()
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in listed}
    with tempfile.TemporaryDirectory() as home:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("AIRSKILLS", "PYTHON"))
        }
        environment |= {"HOME": home, "AIRSKILLS_CACHE_DIR": home, "AIRSKILLS_STATE_DIR": home}
        for number in range(rounds + 1):
            for name, command in listed.items():
                times = run_once(command, environment, home)
                if number:
                    taken[name].append(times)
    return taken


def summary(taken: dict[str, list[tuple[float, float]]]) -> dict[str, Any]:
    """Medians of each command, and of its ratios to `import click` and to skills-ref within a round."""
    return {
        name: {
            "wall_ms": round(statistics.median(wall for wall, _ in times), 1),
            "cpu_ms": round(statistics.median(cpu for _, cpu in times), 1),
            **{
                f"{kind}_ratio_to_{short}": round(
                    statistics.median(a[at] / b[at] for a, b in zip(times, taken[other], strict=True)), 3
                )
                for short, other in (("click", CLICK), ("skills_ref", PEER))
                for at, kind in enumerate(("wall", "cpu"))
            },
        }
        for name, times in taken.items()
    }


def main() -> None:
    """Measure, print the table, say which aims are met, store the figures if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds instead of {ROUNDS}")
    parser.add_argument("--json", metavar="OUT", help="write the figures there")
    options = parser.parse_args()
    rounds = QUICK_ROUNDS if options.quick else ROUNDS
    record = {**conditions(PACKAGES), "rounds": rounds}
    compileall.compile_dir(sysconfig.get_path("purelib"), quiet=2)
    found = record["commands"] = summary(measure(rounds))
    header = [
        "command",
        "wall ms",
        "cpu ms",
        "wall / click",
        "cpu / click",
        "wall / skills-ref",
        "cpu / skills-ref",
    ]
    print_table(header, ([name, *one.values()] for name, one in found.items()))
    record["aims"] = {
        f"load at most {limit} x {other}": found[LOAD][f"wall_ratio_to_{short}"] <= limit
        for short, (other, limit) in zip(("click", "skills_ref"), LIMITS.items(), strict=True)
    }
    for aim, met in record["aims"].items():
        print(f"{aim}: {'met' if met else 'missed'}")
    record["load_average_end"] = [round(value, 1) for value in os.getloadavg()]
    write(options.json, record)


if __name__ == "__main__":
    main()
