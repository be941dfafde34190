"""How fast `airskills test` is: environments from uv's cache, and a warm parent that forks against cold processes.

    python benchmarks/run_speed.py --json benchmarks/results/run_speed.json

Environments: the pins of the skill peft, installed into a fresh folder again and again while uv's cache is warm; the aim
is a second. Forks: a made-up skill of 40 blocks, each in a section of its own, each importing torch, transformers and peft
and attaching a LoRA to a tiny module; once with forks of a parent that has imported them, once with a process for each
block. Wall clock feels what else the machine does; CPU time (of all that ran) is beside it. `--cold-blocks` makes the cold
run shorter, and its figures are then scaled up.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from airskills.environments import environment
from airskills.pins import parse_pins
from airskills.run import api, isolation
from airskills.run.judge import Limits
from airskills.run.keepers import Keeper, strongest
from measured import conditions, print_table, write

PINS = "peft==0.21.2 transformers==5.23.0 torch==2.13.0 accelerate==1.15.0"
PACKAGES = ("peft", "torch", "transformers", "uv")
BLOCKS = 40
BLOCK = """
import torch
import transformers
from peft import LoraConfig, get_peft_model

assert transformers.__version__
model = get_peft_model(torch.nn.Sequential(torch.nn.Linear(4, 4)), LoraConfig(r=2, target_modules=["0"]))
assert model(torch.ones(1, 4)).shape == (1, 4)
"""
NOTHING = "\nx = 1\n"


def used() -> float:
    """CPU seconds of this process and of all children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Wall and CPU seconds of one call."""
    start, cpu = time.perf_counter(), used()
    work()
    return time.perf_counter() - start, used() - cpu


def environments(rounds: int) -> dict[str, Any]:
    """Seconds to make an environment with uv's cache warm, and to find one that is there."""
    pins = parse_pins(PINS)
    with tempfile.TemporaryDirectory() as folder:
        environment(pins, cache=Path(folder) / "first")  # fills uv's cache
        caches = [Path(folder) / str(number) for number in range(rounds)]
        times = [timed(partial(environment, pins, cache=cache)) for cache in caches]
        found = timed(lambda: environment(pins, cache=Path(folder) / "0"))
        python = environment(pins, cache=Path(folder) / "0").python
        module = next(python.parent.parent.glob("lib/python*/site-packages/torch/__init__.py"))
        links = module.stat().st_nlink > 1
    return {
        "made_seconds": [round(wall, 2) for wall, _ in times],
        "made_median": round(statistics.median(wall for wall, _ in times), 2),
        "made_cpu_median": round(statistics.median(cpu for _, cpu in times), 2),
        "found_ms": round(found[0] * 1e3, 2),
        "hard_links": links,
    }


def skill(folder: Path, block: str, count: int) -> Path:
    """A skill of so many equal blocks, each in its own section."""
    body = "".join(f"\n## Section {number}\n\n```python{block}```\n" for number in range(count))
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(
        f"---\nname: {folder.name}\ndescription: x\n---\n{body}", encoding="utf-8"
    )
    return folder


def blocks(block: str, count: int, *, cold: bool) -> tuple[float, float]:
    """Wall and CPU seconds of running them on one worker."""
    with tempfile.TemporaryDirectory() as folder:
        suites = api.suites([str(skill(Path(folder) / "demo", block, count))])
        options = api.Options(
            limits=Limits(timeout=600), workers=1, cold=cold, remember=False, where="current"
        )
        reports: list[api.Report] = []
        times = timed(lambda: reports.append(api.run(suites, options)))
    if not reports[0].passed:
        raise SystemExit(str(reports[0].findings[0]))
    return times


def starts(rounds: int) -> dict[str, float]:
    """Median milliseconds until a bare keeper is ready, by the isolation that this machine allows."""
    found = {}
    for kind in isolation.KINDS[isolation.KINDS.index(strongest()) :]:
        times = []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                keeper = Keeper(Path(folder) / "root", Path(sys.executable), kind)
                times.append(timed(keeper.start)[0])
                keeper.close()
        found[kind] = round(statistics.median(times) * 1e3, 1)
    return found


def main() -> None:
    """Measure, print, and store."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", help="file to write")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cold-blocks", type=int, default=BLOCKS)
    arguments = parser.parse_args()
    record = conditions(PACKAGES)
    record["environment"] = environments(arguments.rounds)
    record["keeper_start_ms"] = starts(arguments.rounds)
    empty, _ = blocks(NOTHING, BLOCKS, cold=False)
    warm = blocks(BLOCK, BLOCKS, cold=False)
    part = blocks(BLOCK, arguments.cold_blocks, cold=True)
    cold = tuple(seconds * BLOCKS / arguments.cold_blocks for seconds in part)
    record["blocks"] = {
        "count": BLOCKS,
        "cold_blocks_run": arguments.cold_blocks,
        "empty_seconds": round(empty, 2),
        "warm_seconds": round(warm[0], 1),
        "warm_cpu": round(warm[1], 1),
        "cold_seconds": round(cold[0], 1),
        "cold_cpu": round(cold[1], 1),
        "cold_to_warm": round(cold[0] / warm[0], 1),
        "cold_to_warm_cpu": round(cold[1] / warm[1], 1),
    }
    print_table(
        ("40 blocks, one worker", "wall s", "CPU s"),
        [
            ("nothing in them", f"{empty:.1f}", ""),
            ("forks of a warm parent", f"{warm[0]:.1f}", f"{warm[1]:.1f}"),
            ("cold processes", f"{cold[0]:.1f}", f"{cold[1]:.1f}"),
        ],
    )
    print(record["environment"])
    print(record["keeper_start_ms"])
    write(arguments.json, record)


if __name__ == "__main__":
    main()
