"""Requests per second and p99 of `airskills serve` against FastMCP's own directory provider, in one process and one run.

    python -m pip install '.[mcp]'
    python benchmarks/serve_speed.py --json benchmarks/results/serve_speed.json

Both serve the same folders (a SKILL.md of about 3 KB and one reference each) to FastMCP's client over its in-memory transport, so that
figures hold the whole protocol but no pipe and no network. The contenders take turns, request by request. `load` is a `resources/read`
of a SKILL.md, which both have; `load_skill` is our tool, to which the other has no counterpart; `list` is the first page of `skills/list`,
100 entries in both. A cell stops after `--seconds`; a request that takes longer than that is its only sample, and not warmed up.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from fastmcp import Client, FastMCP
from fastmcp.skills import SkillsClientExtension
from fastmcp.skills.provider import SkillsDirectoryProvider

from airskills.library import Library
from airskills.server import app
from airskills.server.live import Live
from measured import conditions, percentiles, print_table, write

PACKAGES = ("airskills", "fastmcp", "mcp", "pydantic")
PAGE = 100
SAMPLES = 500
LIMIT = 30  # seconds of one request; who takes longer has no figure
COLUMNS = ("per_second", "p50_ms", "p99_ms", "cpu_p50_ms")
Ask = Callable[[], Awaitable[Any]]


def fill(root: Path, count: int) -> list[str]:
    """Write `count` skills below `root`; their names."""
    words = ["adapter", "gradient", "recall", "shard", "reward", "tokenizer", "cache", "quantize"]
    names = [f"skill-{number:05}" for number in range(count)]
    for number, name in enumerate(names):
        chosen = random.Random(number)
        body = "\n".join(" ".join(chosen.choices(words, k=12)) for _ in range(35))
        folder = root / name
        (folder / "references").mkdir(parents=True)
        text = f"---\nname: {name}\ndescription: Tools of {name}. Use when it matters.\n---\n\n# {name}\n\n{body}\n"
        (folder / "SKILL.md").write_text(text, encoding="utf-8")
        (folder / "references" / "more.md").write_text(body, encoding="utf-8")
    return names


def servers(root: Path) -> dict[str, tuple[FastMCP[Any], float]]:
    """Each server, and the seconds it took until it could take a request."""
    found: dict[str, tuple[FastMCP[Any], float]] = {}
    start = time.perf_counter()
    ours = app.build(Live(partial(Library.open, root), tell=lambda _: None, watch=False))
    found["airskills"] = (ours, time.perf_counter() - start)
    start = time.perf_counter()
    theirs: FastMCP[Any] = FastMCP("peer", list_page_size=PAGE)
    theirs.add_provider(SkillsDirectoryProvider(root))
    found["fastmcp"] = (theirs, time.perf_counter() - start)
    return found


def asks(client: Client[Any], contender: str, names: list[str]) -> dict[str, Ask]:
    """The requests of a contender by name; each call takes another skill."""
    chosen = random.Random(1)

    async def load() -> object:
        return await client.read_resource(f"skill://{chosen.choice(names)}/SKILL.md")

    async def load_skill() -> object:
        return await client.call_tool("load_skill", {"name": chosen.choice(names), "again": True})

    async def first_page() -> object:
        return await client.list_skills_mcp(cache_mode="bypass")

    found: dict[str, Ask] = {"load": load, "list": first_page}
    return {**found, "load_skill": load_skill} if contender == "airskills" else found


async def timed(requests: dict[str, Ask], seconds: float) -> dict[str, list[tuple[float, float]]]:
    """(Wall, CPU) seconds of each sample of each contender, taken in turns after one to warm up; none where one took too long."""
    times: dict[str, list[tuple[float, float]]] = {contender: [] for contender in requests}
    spent = dict.fromkeys(requests, 0.0)
    for number in range(SAMPLES + 1):
        for contender, ask in requests.items():
            if spent[contender] > seconds and (times[contender] or spent[contender] == math.inf):
                continue
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                async with asyncio.timeout(LIMIT):
                    await ask()
            except TimeoutError:
                spent[contender], times[contender] = math.inf, []
                continue
            sample = time.perf_counter() - wall, time.process_time() - cpu
            spent[contender] += sample[0]
            if number or sample[0] > seconds:
                times[contender].append(sample)
    return times


async def measure(count: int, seconds: float) -> dict[str, Any]:
    """All cells for one number of skills."""
    with tempfile.TemporaryDirectory() as folder:
        names = fill(Path(folder), count)
        built = servers(Path(folder))
        extensions = [SkillsClientExtension()]
        async with (
            Client(built["airskills"][0], extensions=extensions) as ours,
            Client(built["fastmcp"][0], extensions=extensions) as theirs,
        ):
            by_contender = {
                c: asks(client, c, names) for c, client in (("airskills", ours), ("fastmcp", theirs))
            }
            cells = {}
            for kind in ("load", "list", "load_skill"):
                requests = {c: found[kind] for c, found in by_contender.items() if kind in found}
                cells[kind] = {
                    c: _figures(samples) for c, samples in (await timed(requests, seconds)).items()
                }
    return {"ready_seconds": {c: round(ready, 2) for c, (_, ready) in built.items()}, **cells}


def _figures(samples: list[tuple[float, float]]) -> dict[str, float]:
    if not samples:
        return {"longer_than_seconds": LIMIT}
    wall = sum(sample[0] for sample in samples)
    return {"per_second": round(len(samples) / wall, 2), **percentiles(samples)}


def main() -> None:
    """Measure, print, and store."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--skills", type=int, nargs="+", default=[100, 1_000])
    parser.add_argument("--seconds", type=float, default=20.0, help="for each contender in each cell")
    parser.add_argument("--json", help="file for the record")
    arguments = parser.parse_args()
    record: dict[str, Any] = conditions(PACKAGES)
    for count in arguments.skills:
        record[f"{count} skills"] = asyncio.run(measure(count, arguments.seconds))
        write(arguments.json, record)
    rows = [
        (f"{count} {kind}, {contender}", *(cell.get(column, f"over {LIMIT} s") for column in COLUMNS))
        for count in arguments.skills
        for kind in ("load", "list", "load_skill")
        for contender, cell in record[f"{count} skills"][kind].items()
    ]
    print_table(("", "requests/s", "p50 ms", "p99 ms", "CPU p50 ms"), rows)


if __name__ == "__main__":
    main()
