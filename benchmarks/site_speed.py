"""What the site costs: the pages and the build of a library of 100 skills, and both again after one of them changed.

    make docs                       # or anything else that installs the group `docs`
    .venv/bin/python benchmarks/site_speed.py --json benchmarks/results/site_speed.json

Aims: 20 s for the first two together, 5 s for the other two.

The library is made of the skills of this repository: each copy has its own name. Everything runs as `make docs` runs it, in processes of
their own, with bytecode kept as Python keeps it; `make docs-serve` stays running, and so spares itself the start of both. On a shared
machine processor time says more than wall clock.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measured import conditions, print_table, write

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGES = ("airskills", "mkdocs", "mkdocs-material", "mkdocstrings", "zensical")
QUIET = {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}


def library(root: Path, count: int) -> None:
    """A repository of `count` skills at `root`, with the pages and settings of this one."""
    sources = sorted(path.parent for path in REPOSITORY.glob("skills/*/SKILL.md"))
    for number in range(count):
        source = sources[number % len(sources)]
        name = f"{source.name}-{number:03}"
        shutil.copytree(source, root / "skills" / name)
        text = root / "skills" / name / "SKILL.md"
        text.write_text(text.read_text().replace(f"name: {source.name}\n", f"name: {name}\n", 1))
    for name in ("docs", "src", "benchmarks"):
        (root / name).symlink_to(REPOSITORY / name)
    for name in ("pyproject.toml", "mkdocs.yml", "CONTRIBUTING.md", "CHANGELOG.md", "ROADMAP.md"):
        shutil.copy(REPOSITORY / name, root)


def timed(root: Path, *command: str) -> dict[str, float]:
    """Seconds of wall clock and of processor time of a command of this Python."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", *command],
        cwd=root,
        env={**environment, **QUIET},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": round(wall, 2), "cpu_s": round(cpu, 2)}


def measure(root: Path) -> dict[str, dict[str, float]]:
    """Pages and build, first and after a change of one skill, each with its sum."""
    pages, build = ("airskills", "site"), ("mkdocs", "build", "--quiet")
    first = {"pages, first": timed(root, *pages), "build, first": timed(root, *build, "--strict")}
    changed = min((root / "skills").glob("*/SKILL.md"))
    changed.write_text(changed.read_text() + "\nOne more sentence.\n")
    again = {
        "pages, one skill changed": timed(root, *pages),
        "build, one skill changed": timed(root, *build, "--dirty"),
    }
    return {
        **first,
        "together, first": together(first),
        **again,
        "together, one skill changed": together(again),
    }


def together(steps: dict[str, dict[str, float]]) -> dict[str, float]:
    """The sum of steps that follow each other."""
    return {unit: round(sum(step[unit] for step in steps.values()), 2) for unit in ("wall_s", "cpu_s")}


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--skills", type=int, default=100)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    taken = conditions(PACKAGES)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        library(root, given.skills)
        steps = measure(root)
        built = sum(1 for _ in (root / "site").rglob("index.html"))
    print_table(
        ("step", "wall s", "cpu s"), [(name, row["wall_s"], row["cpu_s"]) for name, row in steps.items()]
    )
    if given.json:
        write(given.json, {**taken, "skills": given.skills, "pages": built, "steps": steps})


if __name__ == "__main__":
    main()
