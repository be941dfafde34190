"""Index build, no-change refresh, load, search and memory for 100 to 100,000 skills, against two peers.

    python -m pip install . fastmcp==4.2.3
    python benchmarks/scale.py --json benchmarks/results/scale.json

The skills are synthetic and the same in every run: 2 to 4 kB each, words drawn from a Zipf distribution over 30,000.
Every contender builds in one process and is used in another, each with a peak of its own:

* airskills: `Library.open(root)`; its first search builds the SQLite index, a later one finds nothing changed.
* fastmcp: `SkillsDirectoryProvider(roots=root)`, FastMCP's provider of skills. It keeps nothing between processes, so a
  refresh is a new discovery; it has no search, so a request lists the resources and looks for its words in them.
* plain scan: every SKILL.md read, its YAML parsed (libyaml), and the words of a request looked for in every text.
"""

from __future__ import annotations

import argparse
import asyncio
import bisect
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from measured import conditions, percentiles, print_table, write

SIZES = (100, 10_000, 100_000)
QUICK_SIZES = (100, 1_000)
CONTENDERS = ("airskills", "fastmcp", "plain scan")
REQUESTS = 300
PACKAGES = ("airskills", "fastmcp", "pyyaml", "pystemmer")
BUDGET_SECONDS = 20  # per figure; a slow contender is sampled fewer times, at least three
TERMS = [
    "GRPO",
    "LoRA",
    "vLLM",
    "llama.cpp",
    "4-bit",
    "DPO",
    "KV-cache",
    "tokenizer",
    "quantization",
    "FSDP",
    "embedding",
    "adapter",
    "rollout",
]


# -- the skills --------------------------------------------------------------------------------------------------------


class Words:
    """30,000 words of two to four syllables, drawn with Zipf's frequencies."""

    def __init__(self) -> None:
        syllables = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
        rng = random.Random(0)
        made = ("".join(rng.choices(syllables, k=rng.choice((2, 3, 3, 4)))) for _ in itertools.count())
        self.words = list(dict.fromkeys(itertools.islice(made, 60_000)))[:30_000]
        self._sums = list(itertools.accumulate(1 / (rank + 2) for rank in range(len(self.words))))

    def draw(self, rng: random.Random, count: int) -> list[str]:
        """So many words, common ones often."""
        draws = (bisect.bisect(self._sums, rng.random() * self._sums[-1]) for _ in range(count))
        return [self.words[min(place, len(self.words) - 1)] for place in draws]


def skill_name(number: int, words: Words) -> str:
    """A name that no other skill has."""
    rng = random.Random(number)
    return f"{rng.choice(words.words)}-{rng.choice(words.words)}-{number}"


def skill_text(number: int, words: Words) -> str:
    """A SKILL.md of 2 to 4 kB: frontmatter, prose, lists and code under six to ten headings."""
    rng = random.Random(-number - 1)
    name = skill_name(number, words)
    said = " ".join(words.draw(rng, 18))
    tags = " ".join(words.draw(rng, 5))
    sections = [_section(rng, words) for _ in range(rng.randint(6, 10))]
    return (
        f'---\nname: {name}\ndescription: "{name.split("-")[0].capitalize()}: {said}. Use when {rng.choice(TERMS)}'
        f' {words.draw(rng, 1)[0]}."\nlicense: MIT\nmetadata:\n  airskills-category: {words.words[number % 20]}\n'
        f'  airskills-tags: "{tags}"\n---\n\n# {name}\n\n' + "\n".join(sections)
    )


def _section(rng: random.Random, words: Words) -> str:
    heading = " ".join(words.draw(rng, 3)).capitalize()
    prose = " ".join(words.draw(rng, rng.randint(20, 34))).capitalize()
    item, value, flag = words.draw(rng, 3)
    return (
        f"## {heading}\n\n{prose} {rng.choice(TERMS)}.\n\n- `{item}_{value}`: {' '.join(words.draw(rng, 8))}\n\n"
        f"```python\nimport {item}\n\n{value} = {item}.{flag}({rng.randint(1, 99)})\n```\n"
    )


def make_skills(root: Path, count: int) -> list[str]:
    """Write `count` skill folders; returns their names."""
    words = Words()
    names = [skill_name(number, words) for number in range(count)]
    for number, name in enumerate(names):
        (root / name).mkdir(parents=True)
        (root / name / "SKILL.md").write_text(skill_text(number, words), encoding="utf-8")
    return names


def make_requests(names: list[str]) -> list[str]:
    """Different requests of 2 to 14 words; every second one names a tool, every tenth of those misspells it."""
    words, rng = Words(), random.Random(1)
    requests = []
    for number in range(REQUESTS):
        request = words.draw(rng, rng.randint(2, 14))
        if number % 2:
            name = rng.choice(names).split("-")[0]
            request.insert(rng.randrange(len(request)), name[:-2] + name[-1] if number % 20 == 1 else name)
        requests.append(" ".join([*request, rng.choice(TERMS)]))
    return requests


# -- the contenders ----------------------------------------------------------------------------------------------------

Use = tuple[Callable[[str], object], Callable[[str], object]]


def open_airskills(root: str, cache: str) -> Use:
    """Load and search of a library whose index is up to date."""
    from airskills import Library

    library = Library.open(root, max_folders=1_000_000, cache=cache)
    _ = library.index_state
    return library.load, library.search


def open_fastmcp(root: str, _cache: str) -> Use:
    """Load and search of FastMCP's provider, through its public coroutines."""
    from fastmcp.skills.provider import SkillsDirectoryProvider

    provider = SkillsDirectoryProvider(roots=root)
    loop = asyncio.new_event_loop()

    async def load(name: str) -> object:
        resource = await provider.get_resource(f"skill://{name}/SKILL.md")
        return await resource.read()

    async def search(request: str) -> list[str]:
        wanted = request.lower().split()
        listed = await provider.list_resources()
        return _best((f"{found.name} {found.description}".lower(), found.name) for found in listed)(wanted)

    return (
        lambda name: loop.run_until_complete(load(name)),
        lambda text: loop.run_until_complete(search(text)),
    )


def open_plain(root: str, _cache: str) -> Use:
    """Load and search of a scan that keeps every text in memory."""
    import yaml

    def read(name: str) -> tuple[dict[str, Any], str]:
        text = Path(root, name, "SKILL.md").read_text(encoding="utf-8")
        _, front, body = text.split("---\n", 2)
        return yaml.load(front, Loader=yaml.CSafeLoader), body

    texts = []
    for name in sorted(folder.name for folder in Path(root).iterdir()):
        fields, body = read(name)
        texts.append((f"{name} {fields['description']} {body}".lower(), name))
    return read, lambda text: _best(texts)(text.lower().split())


def _best(texts: Iterable[tuple[str, str]]) -> Callable[[list[str]], list[str]]:
    """Names of the five texts that hold the most of some words."""

    def choose(wanted: list[str]) -> list[str]:
        counted = ((sum(word in text for word in wanted), name) for text, name in texts)
        return [name for count, name in sorted(counted, reverse=True)[:5] if count]

    return choose


OPEN: dict[str, Callable[[str, str], Use]] = {
    "airskills": open_airskills,
    "fastmcp": open_fastmcp,
    "plain scan": open_plain,
}


def build(contender: str, root: str, cache: str) -> dict[str, Any]:
    """One first opening, everything imported before."""
    _import(contender)
    wall, cpu = _timed(lambda _: OPEN[contender](root, cache), "")
    return {"build_s": round(wall, 3), "build_cpu_s": round(cpu, 3), "build_peak_mb": _peak_mb()}


def use(contender: str, root: str, cache: str) -> dict[str, Any]:
    """Openings that find nothing changed, then loads and searches on an open library."""
    _import(contender)
    names = sorted(folder.name for folder in Path(root).iterdir())
    load, search = OPEN[contender](root, cache)
    opened = [
        _timed(lambda _: OPEN[contender](root, cache), "") for _ in range(1 if len(names) > 20_000 else 5)
    ]
    chosen = random.Random(2).sample(names, min(len(names), REQUESTS))
    return {
        "refresh_s": round(min(wall for wall, _ in opened), 4),
        "refresh_cpu_s": round(min(cpu for _, cpu in opened), 4),
        "load": percentiles(_sample(load, chosen)),
        "search": percentiles(_sample(search, make_requests(names))),
        "use_peak_mb": _peak_mb(),
    }


def _import(contender: str) -> None:
    """Opening an empty folder imports all that the contender needs."""
    with tempfile.TemporaryDirectory() as folder:
        OPEN[contender](folder, folder)


def _sample(call: Callable[[str], object], items: Iterable[str]) -> list[tuple[float, float]]:
    """Wall and CPU seconds of each call, after one that does not count, until the budget is spent."""
    first, *rest = items
    call(first)
    taken: list[tuple[float, float]] = []
    for item in rest:
        taken.append(_timed(call, item))
        if len(taken) >= 3 and sum(wall for wall, _ in taken) > BUDGET_SECONDS:
            break
    return taken


def _timed(call: Callable[[str], object], item: str) -> tuple[float, float]:
    """Wall and CPU seconds of one call; on a shared machine only the second is ours alone."""
    wall, cpu = time.perf_counter(), time.process_time()
    call(item)
    return time.perf_counter() - wall, time.process_time() - cpu


def _peak_mb() -> float:
    """Largest resident size of this process so far, from the kernel's VmHWM."""
    line = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")
    )
    return round(int(line.split()[1]) / 1024, 1)


# -- the run -----------------------------------------------------------------------------------------------------------


def measure(size: int, contenders: Iterable[str]) -> dict[str, Any]:
    """All figures of one size; every stage in a process of its own."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        root = Path(folder, "skills")
        make_skills(root, size)
        found["mean_bytes"] = round(sum(file.stat().st_size for file in root.glob("*/SKILL.md")) / size)
        for contender in contenders:
            found[contender] = {}
            for stage in ("build", "use"):
                found[contender] |= _stage(stage, contender, str(root), folder)
    return found


def _stage(stage: str, contender: str, root: str, cache: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--stage", stage, contender, root, cache]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def rows(record: dict[str, Any]) -> Iterable[list[object]]:
    """One row per contender and size: wall clock, and CPU time in brackets."""
    for size, found in record["sizes"].items():
        for name in record["contenders"]:
            one = found[name]
            yield [
                f"{int(size):,} {name}",
                f"{one['build_s']} ({one['build_cpu_s']})",
                f"{one['refresh_s']} ({one['refresh_cpu_s']})",
                *(
                    f"{one[kind][f'{at}_ms']} ({one[kind][f'cpu_{at}_ms']})"
                    for kind in ("load", "search")
                    for at in ("p50", "p99")
                ),
                one["build_peak_mb"],
                one["use_peak_mb"],
            ]


def growth(record: dict[str, Any]) -> dict[str, float] | None:
    """CPU per skill of airskills at the largest size over that at the size before: 1 is flat."""
    sizes = sorted(map(int, record["sizes"]))
    if len(sizes) < 2:
        return None
    small, large = (record["sizes"][str(size)]["airskills"] for size in sizes[-2:])
    return {
        key: round(large[key] / small[key] * sizes[-2] / sizes[-1], 2)
        for key in ("build_cpu_s", "refresh_cpu_s")
    }


def main() -> None:
    """Measure every size, print the table, store the figures if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help=f"only {QUICK_SIZES} skills")
    parser.add_argument("--sizes", help="numbers of skills, comma separated")
    parser.add_argument("--only", choices=CONTENDERS, help="one contender")
    parser.add_argument("--json", metavar="OUT", help="write the figures there")
    parser.add_argument("--stage", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        stage, *rest = options.stage
        print(json.dumps({"build": build, "use": use}[stage](*rest)))
        return
    sizes = (
        [int(size) for size in options.sizes.split(",")]
        if options.sizes
        else QUICK_SIZES
        if options.quick
        else SIZES
    )
    contenders = [options.only] if options.only else list(CONTENDERS)
    record = {**conditions(PACKAGES), "contenders": contenders, "sizes": {}}
    for size in sizes:
        record["sizes"][str(size)] = measure(size, contenders)
    header = [
        "skills",
        "build s",
        "refresh s",
        "load p50 ms",
        "p99",
        "search p50 ms",
        "p99",
        "build MB",
        "use MB",
    ]
    print_table(header, rows(record))
    if "airskills" in contenders:
        record["growth_per_skill"] = growth(record)
        print(f"CPU per skill, largest size over the one before: {record['growth_per_skill']}")
    record["load_average_end"] = [round(value, 1) for value in os.getloadavg()]
    write(options.json, record)


if __name__ == "__main__":
    main()
