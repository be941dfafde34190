"""Requests per second and p99 of `airskills serve` against FastMCP's own directory provider, in one process and one run.

    python -m pip install '.[mcp]'
    python benchmarks/serve_speed.py --json benchmarks/results/serve_speed.json

Both serve the same folders (a SKILL.md of about 3 KB and one reference each) to FastMCP's client over its in-memory transport, so that
figures hold the whole protocol but no pipe and no network. The contenders take turns, request by request. `load` is a `resources/read`
of a SKILL.md, which both have; `load_skill` is our tool, to which the other has no counterpart; `list` is the first page of `skills/list`,
100 entries in both. A cell stops after `--seconds`; a request that takes longer than that is its only sample, and not warmed up.

`ready` is when a server can take a request. The other has then read and hashed every file; ours does that when an entry is asked for, and
meanwhile in a thread of its own, to tell what it leaves out. Here that is done first (`all_read`), so that no request is timed beside it. With
10,000 skills the start of the peer takes longest: 44 s of processor time. Wants a quiet machine.
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
from typing import Any, TypeVar

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
Made = TypeVar("Made")


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


def clocked(make: Callable[[], Made]) -> tuple[Made, dict[str, float]]:
    """What is made, and the seconds that took, by the wall and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    made = make()
    return made, {"s": round(time.perf_counter() - wall, 2), "cpu_s": round(time.process_time() - cpu, 2)}


def live_of(root: Path) -> Live:
    """Ours, before it is a server; what is served can be read of it."""
    return Live(partial(Library.open, root), tell=lambda _: None, watch=False)


def peer_of(root: Path) -> FastMCP[Any]:
    """FastMCP's own."""
    theirs: FastMCP[Any] = FastMCP("peer", list_page_size=PAGE)
    theirs.add_provider(SkillsDirectoryProvider(root))
    return theirs


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
        live, ready = clocked(partial(live_of, Path(folder)))
        _, all_read = clocked(live.catalogue.findings)
        peer, peer_ready = clocked(partial(peer_of, Path(folder)))
        extensions = [SkillsClientExtension()]
        async with (
            Client(app.build(live), extensions=extensions) as ours,
            Client(peer, extensions=extensions) as theirs,
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
    return {
        "ready": {"airskills": ready, "fastmcp": peer_ready},
        "all_read": {"airskills": all_read},
        **cells,
    }


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
    parser.add_argument("--skills", type=int, nargs="+", default=[100, 1_000, 10_000])
    parser.add_argument("--seconds", type=float, default=10.0, help="for each contender in each cell")
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
