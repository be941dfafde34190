"""The proof machine, proven: small faults are planted in true skills, and counted are those that it finds.

    python benchmarks/mutants.py --json benchmarks/results/mutants.json

Every operator of `mutation.py` is applied to every place of every block that runs; `--sample` of each operator and skill
are drawn with a fixed seed. A mutant is caught by `test` when a unit of its section fails that passes without it; by
`verify` when it is reported dead. Survivors are listed. A keyword argument that is dropped often leaves a program that is
right too; so the shares are given with and without that operator. One whose value is the default of what is called means
the same as before: it is no fault. Such mutants are found by running the block as it was with the call watched, listed as
`equivalent`, and not counted; so is `use_cpu=True` where there is no GPU.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from airskills.pins import KEY
from airskills.run import api, plan, schedule
from airskills.run.judge import Limits, Outcome
from airskills.run.keepers import strongest
from airskills.run.results import Results
from airskills.run.units import SHELL_SKIP, Suite, Unit
from measured import conditions, print_table, write
from mutation import OPERATORS, Mutant, flag_mutants, mutants

SKILLS = Path(__file__).resolve().parent.parent / "skills"
PACKAGES = ("faiss-cpu", "peft", "torch", "transformers", "trl", "ty")
SEED = 0


@dataclass(frozen=True, slots=True)
class Planted:
    """A mutant in its place."""

    suite: Suite
    unit: Unit
    mutant: Mutant

    @property
    def name(self) -> str:
        """Where it stands, and what was changed."""
        line = self.unit.first_line + self.mutant.line - 1
        place = f"{self.unit.skill}/{self.unit.path}:{line}"
        return f"{place} {self.mutant.operator}: {self.mutant.before!r} -> {self.mutant.after!r}"


def planted(suite: Suite) -> list[Planted]:
    """Every mutant of a skill's blocks that run, and of its shell blocks."""
    found = []
    for unit in suite.units:
        if unit.kind == "blocks" and (unit.skip is None or unit.skip == SHELL_SKIP):
            made = flag_mutants(unit.source) if unit.skip else mutants(unit.source)
            found += [Planted(suite, unit, mutant) for mutant in made]
    return found


def sampled(all_: Iterable[Planted], count: int, seed: int = SEED) -> list[Planted]:
    """So many of each operator and skill, drawn with a fixed seed; all of them where `count` is 0."""
    groups: dict[tuple[str, str], list[Planted]] = defaultdict(list)
    for one in all_:
        groups[one.unit.skill, one.mutant.operator].append(one)
    draw = random.Random(seed)
    return [
        one
        for group in groups.values()
        for one in (draw.sample(group, count) if 0 < count < len(group) else group)
    ]


def equivalent(chosen: list[Planted], among: Iterable[int], workers: int) -> set[int]:
    """Numbers of those, among some, that drop a keyword which had the default's value, or no effect on this machine."""
    numbers = [n for n in among if chosen[n].mutant.probe]
    probes = [
        replace(chosen[n], mutant=replace(chosen[n].mutant, source=chosen[n].mutant.probe)) for n in numbers
    ]
    differ = caught_by_test(probes, workers)
    same = {n for at, n in enumerate(numbers) if at not in differ}
    no_gpu = not Path("/dev/nvidiactl").exists()
    return same | {n for n in numbers if no_gpu and "use_cpu=True" in chosen[n].mutant.before}


def caught_by_test(chosen: list[Planted], workers: int) -> set[int]:
    """Numbers of those of which a unit of their section fails."""
    jobs: dict[int, int] = {}  # identity of a job -> number of its mutant
    listed = []
    for number, one in enumerate(chosen):
        if one.unit.skip is None:
            job = _job(one)
            jobs[id(job)] = number
            listed.append(job)
    caught: set[int] = set()
    ran: list[int] = []

    def ended(job: plan.Job, outcomes: list[Outcome]) -> None:
        ran.append(jobs[id(job)])
        if any(outcome.state == "failed" for outcome in outcomes):
            caught.add(jobs[id(job)])
        print(f"\r{len(ran)} of {len(listed)} run, {len(caught)} caught", end="", file=sys.stderr)

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        schedule.Crew(
            schedule.lanes(listed, cold=False),
            root,
            root / "run",
            Limits(timeout=120),
            strongest(),
            began=lambda _job: None,
            ended=ended,
            confirm=False,
        ).work(workers)
    print(file=sys.stderr)
    return caught


def caught_by_verify(chosen: list[Planted]) -> set[int]:
    """Numbers of those that are reported as dead or wrong; a section without its mutant must not be."""
    with tempfile.TemporaryDirectory() as folder:
        true: dict[tuple[str, str], str] = {}  # section -> name of the folder that holds it as it is
        for number, one in enumerate(chosen):
            _write_section(Path(folder) / f"m{number:05}", one, one.mutant.source)
            if (one.unit.folder, one.unit.group) not in true:
                true[one.unit.folder, one.unit.group] = f"t{number:05}"
                _write_section(Path(folder) / f"t{number:05}", one, one.unit.source)
        command = [sys.executable, "-m", "airskills", "verify", folder, "--output-format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode > 1:
        raise SystemExit(done.stderr)
    loud = [row for row in json.loads(done.stdout) if row["severity"] != "note"]
    found = {part for row in loud for part in Path(row["path"]).parts if re.fullmatch(r"[mt]\d{5}", part)}
    return {
        number
        for number, one in enumerate(chosen)
        if f"m{number:05}" in found and true[one.unit.folder, one.unit.group] not in found
    }


def _write_section(folder: Path, one: Planted, source: str) -> None:
    """A skill that holds the section of the mutant and what its shell lines name, with this text in the block."""
    folder.mkdir()
    skill = one.suite.folder.skill
    assert skill is not None
    head = f"---\nname: {folder.name}\ndescription: x\nmetadata:\n  {KEY}: {json.dumps(skill.metadata[KEY])}\n---\n"
    section = [unit for unit in one.suite.units if unit.group == one.unit.group and unit.kind == "blocks"]
    fences = [
        f"```{'bash' if unit.skip == SHELL_SKIP else 'python'}\n{source if unit.id == one.unit.id else unit.source}```\n"
        for unit in section
    ]
    (folder / "SKILL.md").write_text(head + "\n## Section\n\n" + "\n".join(fences), encoding="utf-8")
    shutil.copytree(f"{one.suite.folder.path}/scripts", folder / "scripts")


def _job(one: Planted) -> plan.Job:
    """The job of the section in which the mutant stands, with its block changed."""
    base = _jobs(one.suite)[one.unit.group]
    mutated = replace(one.unit, source=one.mutant.source)
    return replace(base, units=tuple(mutated if unit.id == one.unit.id else unit for unit in base.units))


@cache
def _jobs_of(folder: str) -> dict[str, plan.Job]:
    (suite,) = api.suites([folder])
    wanted = plan.plan([suite], lambda unit: unit.kind == "blocks", plan.Places("current"), Results(None))
    return {job.units[0].group: job for job in wanted if isinstance(job, plan.Job)}


def _jobs(suite: Suite) -> dict[str, plan.Job]:
    return _jobs_of(suite.folder.path)


def table(chosen: list[Planted], caught: dict[str, set[int]], same: set[int]) -> list[dict[str, Any]]:
    """For each operator, and for all: how many are faults, and the share that each half and both together catch."""
    rows = []
    for operator in (*OPERATORS, "all but drop-keyword", "all"):
        members = [n for n, one in enumerate(chosen) if _is_of(one, operator) and n not in same]
        if members:
            shares = {
                name: round(len(found & set(members)) / len(members), 3) for name, found in caught.items()
            }
            rows.append({"operator": operator, "mutants": len(members), **shares})
    return rows


def _is_of(one: Planted, operator: str) -> bool:
    if operator == "all but drop-keyword":
        return one.mutant.operator != "drop-keyword"
    return operator in {"all", one.mutant.operator}


def main() -> None:
    """Plant, run, count, and store."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("skills", nargs="*", default=["faiss", "peft", "grpo-rl-training"])
    parser.add_argument("--json", help="file to write")
    parser.add_argument("--sample", type=int, default=30, help="of each operator and skill; 0 is all")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--workers", "-n", type=int, default=2)
    arguments = parser.parse_args()
    suites = api.suites(str(SKILLS / name) for name in arguments.skills)
    chosen = sampled([one for suite in suites for one in planted(suite)], arguments.sample, arguments.seed)
    test = caught_by_test(chosen, arguments.workers)
    verify = caught_by_verify(chosen)
    caught = {"verify": verify, "test": test, "both": verify | test}
    survivors = [n for n in range(len(chosen)) if n not in caught["both"]]
    same = equivalent(chosen, survivors, arguments.workers)
    record = conditions(PACKAGES)
    record["sample"] = arguments.sample
    record["seed"] = arguments.seed
    record["shares"] = table(chosen, caught, same)
    record["survivors"] = [chosen[n].name for n in survivors if n not in same]
    record["equivalent"] = [chosen[n].name for n in sorted(same)]
    print_table(
        ("operator", "mutants", "verify", "test", "together"),
        [list(row.values()) for row in record["shares"]],
    )
    print("\nsurvivors:", *record["survivors"], sep="\n  ")
    print("\nnot counted, for they mean the same:", *record["equivalent"], sep="\n  ")
    write(arguments.json, record)


if __name__ == "__main__":
    main()
