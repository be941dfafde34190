"""The pages of benchmarks and experiments, made from the committed results: no figure on them was typed."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any

from airskills.site.plot import Point, bars, lines, number
from airskills.site.render import render

MAX_ROWS = 400  # of a table; longer results stay files
_CONDITIONS = ("measured", "date", "machine", "python", "load_average", "versions", "conditions", "hardware")


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars from one place of a result.

    Attributes:
        title: what the bars compare.
        unit: of their lengths.
        path: keys that lead to a mapping from label to number, or to rows.
        value: key of the number in each row; "" where the mapping holds numbers itself.
        label: key of the label, where the rows are a list.
        ours: how the labels of what is ours begin.
    """

    title: str
    unit: str
    path: tuple[str, ...]
    value: str = ""
    label: str = ""
    ours: str = ""


@dataclass(frozen=True, slots=True)
class Lines:
    """A line per contender over the sizes of a result: `sizes/<size>/<contender>/<path>`."""

    title: str
    unit: str
    path: tuple[str, ...]


CHARTS: Mapping[str, tuple[Chart | Lines, ...]] = {
    "startup": (
        Chart(
            "A whole process, start to end", "ms of processor time", ("commands",), "cpu_ms", ours="airskills"
        ),
    ),
    "scale": (
        Lines(
            "Loading one skill, median, over the number of skills",
            "ms of processor time",
            ("load", "cpu_p50_ms"),
        ),
        Lines(
            "Searching, median, over the number of skills", "ms of processor time", ("search", "cpu_p50_ms")
        ),
    ),
    "check_speed": (
        Chart("Checking all skills", "s of processor time", ("validators",), "cpu_s", ours="airskills"),
    ),
    "mutants": (Chart("Planted faults that are found", "share", ("shares",), "both", "operator"),),
    "rl_rewards": (
        Chart(
            "Repetition penalty, 4096 completions",
            "times ours",
            ("repetition_penalty", "4096x512", "times_slower_than_ours"),
        ),
    ),
    "rl_losses_cpu": (
        Chart(
            "GRPO loss and its gradients", "times the fused loss", ("grpo_loss", "times_slower_than_fused")
        ),
    ),
    "rl_losses_cuda": (
        Chart(
            "GRPO loss and its gradients in bfloat16",
            "times the fused loss",
            ("bfloat16", "times_slower_than_fused"),
        ),
    ),
    "grokking_speed_cuda": (
        Chart("Steps of many runs at once", "times a plain loop, by runs", ("tasks", "add-31", "ratio")),
    ),
    "serve_speed": (
        Chart(
            "Loading a skill, 1,000 skills",
            "requests per second",
            ("1000 skills", "load"),
            "per_second",
            ours="airskills",
        ),
    ),
}


def pages(root: Path) -> dict[str, str]:
    """A page for each result of `benchmarks/results`, one that lists them, and one for the experiments, by path on the site."""
    folder = root / "benchmarks" / "results"
    found = {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))
    }
    asked = {name: _question(root, name) for name in found}
    made = {
        f"project/benchmarks/{_slug(name)}.md": _page(name, data, asked[name]) for name, data in found.items()
    }
    if found:
        listed = [(_slug(name), _title(name), asked[name], _when(data)) for name, data in found.items()]
        made["project/benchmarks/index.md"] = render("benchmarks.md", listed=listed)
    experiments = [
        _experiment(path, root) for path in sorted((root / "docs" / "experiments" / "results").glob("*.json"))
    ]
    if experiments:
        made["experiments/results.md"] = render("experiments.md", experiments=experiments)
    return made


def chart(data: Any, wanted: Chart | Lines) -> str:
    """The plot, or "" where the result has no such place any more."""
    if isinstance(wanted, Lines):
        series = dict(_series(data, wanted.path))
        return lines(wanted.title, wanted.unit, series) if series else ""
    node = data
    for key in wanted.path:
        if not isinstance(node, dict) or key not in node:
            return ""
        node = node[key]
    rows = {row[wanted.label]: row for row in node} if isinstance(node, list) else node
    values = {label: row[wanted.value] if wanted.value else row for label, row in rows.items()}
    return bars(wanted.title, wanted.unit, values, wanted.ours)


def flat(data: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """(path, value) of everything in a result that is a number or a text; lists of numbers stay together."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from flat(value, (*path, str(key)))
    elif isinstance(data, list) and any(isinstance(item, dict | list) for item in data):
        for place, item in enumerate(data):
            name = next(
                (item[k] for k in ("name", "operator", "id") if isinstance(item, dict) and k in item), place
            )
            yield from flat(item, (*path, str(name)))
    else:
        yield " / ".join(path), _said(data)


def _page(name: str, data: dict[str, Any], question: str) -> str:
    conditions = {key: data[key] for key in _CONDITIONS if key in data}
    figures = flat({key: value for key, value in data.items() if key not in conditions})
    rows = list(islice(figures, MAX_ROWS + 1))
    return render(
        "benchmark.md",
        title=_title(name),
        question=question,
        conditions=list(flat(conditions)),
        charts=[text for text in (chart(data, wanted) for wanted in CHARTS.get(name, ())) if text],
        rows=rows if len(rows) <= MAX_ROWS else [],
        limit=MAX_ROWS,
        file=f"benchmarks/results/{name}.json",
    )


def _experiment(path: Path, root: Path) -> dict[str, Any]:
    """One result of an experiment, with the claim that stands at the head of its file."""
    data = json.loads(path.read_text(encoding="utf-8"))
    source = root / "src" / "airskills" / "grokking" / "experiments" / f"{data['experiment']}.py"
    head = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or data["experiment"]
    title, _, said = head.partition("\n")
    rmst = {
        arm: row["rmst"][0]
        for arm, row in data["measured"].items()
        if isinstance(row, dict) and "rmst" in row
    }
    return {
        "title": title.rstrip("."),
        "said": list(_said_of(said)),
        "verdict": data["verdict"],
        "date": data["date"],
        "config": list(flat(data["config"])),
        "rows": list(flat(data["measured"])),
        "versions": data["hardware"]["versions"],
        "plot": bars("Restricted mean time to generalize", "steps", rmst) if rmst else "",
    }


def _said_of(head: str) -> Iterator[tuple[str, str]]:
    """(word, text) of each part of the head of an experiment; a part goes on in the lines that are indented below it."""
    for part in re.split(r"\n(?=[A-Z])", head.strip()):
        word, _, text = part.partition(" ")
        said = escape(" ".join(text.split()), quote=False)
        yield word, re.sub(r"(https://[^\s;,()]+[^\s;,().])", r"<\1>", said)


def _series(data: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, list[Point]]]:
    for contender in data["contenders"]:
        points = []
        for size, found in data["sizes"].items():
            node = found.get(contender, {})
            for key in path:
                node = node.get(key, {}) if isinstance(node, dict) else {}
            if isinstance(node, int | float) and node > 0:
                points.append((float(size), float(node)))
        if points:
            yield contender, points


def _question(root: Path, name: str) -> str:
    """The first sentence of the script, or the lab's own benchmark, that wrote the result."""
    base = name.removesuffix("_cpu").removesuffix("_cuda").removesuffix("_smoke").removesuffix("_standard")
    scripts = (root / "benchmarks" / f"{base}.py", root / "src" / "airskills" / base / "benchmark.py")
    script = next((path for path in scripts if path.is_file()), None)
    if script is None:
        return ""
    head = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    return " ".join(head.partition("\n\n")[0].split())


def _slug(name: str) -> str:
    return name.replace("_", "-")


def _title(name: str) -> str:
    words = name.replace("_", " ")
    return (
        (words[:1].upper() + words[1:])
        .replace("Rl ", "RL: ")
        .replace(" cpu", " on a CPU")
        .replace(" cuda", " on a GPU")
    )


def _when(data: dict[str, Any]) -> str:
    return str(data.get("measured") or data.get("conditions", {}).get("measured") or "")


def _said(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value)
    return ", ".join(map(_said, value)) if isinstance(value, list) else str(value)
