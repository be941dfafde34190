"""Tables and figures of a benchmark, made from its JSON and from nothing else."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airskills.grokking import benchmark, stats, svg
from airskills.grokking.errors import GrokkingError

HEADER = (
    "| method | row | grokked / direct / censored / not memorized / diverged | median | RMST [95 %] "
    "| ratio to AdamW [paired 95 %] | log-rank p | relapsed | MFLOP per step | CPU s |"
)

READING = (
    "Times are steps of the evaluation grid. RMST is the restricted mean time to generalize: a run that did not "
    "within the horizon counts with the horizon. A ratio below 1 is sooner than AdamW of the same row."
)


def load(path: Path) -> dict[str, Any]:
    """Read a results file and check that its summary is that of its runs.

    Raises:
        GrokkingError: if it cannot be read, is of another schema, or was edited by hand.
    """
    try:
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise GrokkingError(
            f"{path}: not a results file ({error}); run `airskills grok bench` first"
        ) from error
    if result.get("schema") != benchmark.SCHEMA:
        raise GrokkingError(f"{path}: schema {result.get('schema')}; this version reads {benchmark.SCHEMA}")
    if benchmark.summarize(result["runs"]) != result["summary"]:
        raise GrokkingError(
            f"{path}: the summary is not that of the runs; run the benchmark again, do not edit it"
        )
    return result


def write(result: dict[str, Any], out: Path) -> list[Path]:
    """Write `report.md` and one SVG of survival curves per task; returns the files."""
    out.mkdir(parents=True, exist_ok=True)
    files = []
    for name in _tasks(result):
        files.append(out / f"{name}.svg")
        files[-1].write_text(figure(result, name), encoding="utf-8")
    files.append(out / "report.md")
    files[-1].write_text(markdown(result), encoding="utf-8")
    return files


def _tasks(result: dict[str, Any]) -> list[str]:
    return sorted({line["task"] for line in result["summary"]})


def markdown(result: dict[str, Any]) -> str:
    """Everything as one Markdown page."""
    machine = result["hardware"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    where = (
        f"{machine['system']} {machine['machine']}, Python {machine['python']}, {versions}, "
        f"GPU: {machine['gpu'] or 'none'}. Energy is not measured; "
        f"{result['energy']['total']:,} CPU seconds were used."
    )
    title = f"# Grokking benchmark {result['benchmark_version']}, tier {result['tier']}"
    lines = [title, "", where, "", READING, "", tuning(result), *verdicts(result)]
    for name in _tasks(result):
        cells = [line for line in result["summary"] if line["task"] == name]
        lines += ["", f"## {name}", "", f"Horizon {cells[0]['horizon']:,} steps.", "", *table(cells)]
        lines += ["", f"![Share of runs not yet generalized]({name}.svg)"]
    return "\n".join(lines) + "\n"


def tuning(result: dict[str, Any]) -> str:
    """Say what tuning cost, or that there was none."""
    if not result["tuning"]:
        return "**No method was tuned**: these rows compare published settings, and say nothing on which is best."
    trials = {entry["trials"] for entry in result["tuning"]["tuned"]}
    seeds = ", ".join(map(str, result["tuning"]["seeds"]))
    cost = sum(entry["cpu_s"] for entry in result["tuning"]["tuned"])
    return (
        f"Tuned rows: {trials.pop()} trials per method and task, on seeds {seeds} and validation rows; "
        f"{cost:,.0f} CPU seconds."
    )


def verdicts(result: dict[str, Any]) -> list[str]:
    """Say for each task which tuned method is soonest, and whether that is twice as soon as tuned AdamW."""
    lines = []
    for name in _tasks(result):
        rows = [line for line in result["summary"] if line["task"] == name and line["row"] == "tuned"]
        rated = [line for line in rows if line["ratio_to_adamw"]]
        if rated and any(line["share_generalized"]["value"] > 0 for line in rows):
            lines.append(f"- {name}: {_verdict(min(rated, key=lambda line: float(line['rmst']['value'])))}")
    border = [
        f"{entry['method']} on {entry['task']} ({', '.join(entry['on_border'])})"
        for entry in (result["tuning"] or {"tuned": []})["tuned"]
        if entry["on_border"]
    ]
    if border:
        lines += [
            "",
            f"Best value on the border of the box, so that more might be gained: {'; '.join(border)}.",
        ]
    return ["", "Soonest tuned method against tuned AdamW:", "", *lines] if lines else []


def _verdict(line: dict[str, Any]) -> str:
    ratio = line["ratio_to_adamw"]
    text = f"{line['method']}, ratio {_interval(ratio, 2)}: "
    if ratio["high"] >= 1:
        return text + ("no method is shown to be sooner" if ratio["low"] < 1 else "AdamW is sooner than all")
    if ratio["value"] <= 0.5:
        return text + "at least twice as soon, and the interval excludes 1"
    return text + "sooner, and less than twice"


def table(cells: Sequence[dict[str, Any]]) -> list[str]:
    """Markdown rows, the soonest first."""
    ordered = sorted(cells, key=lambda line: (line["rmst"]["value"], line["method"]))
    return [HEADER, "|" + " --- |" * HEADER.count(" | ") + " --- |", *map(_row, ordered)]


def _row(line: dict[str, Any]) -> str:
    counts = " / ".join(
        str(line[key]) for key in ("grokked", "direct", "censored", "not_memorized", "diverged")
    )
    median = f"{line['median']:,.0f}" if line["median"] is not None else "not reached"
    ratio, p = "", ""
    if line["ratio_to_adamw"]:
        ratio, p = _interval(line["ratio_to_adamw"], 2), f"{line['ratio_to_adamw']['p_log_rank']:.3f}"
    cells = [line["method"], line["row"], counts, median, _interval(line["rmst"], 0), ratio, p]
    cells += [str(line["relapsed"]), f"{line['flops_per_step'] / 1e6:.1f}", f"{line['cpu_s']:.1f}"]
    return "| " + " | ".join(cells) + " |"


def _interval(value: dict[str, float], digits: int) -> str:
    return f"{value['value']:,.{digits}f} [{value['low']:,.{digits}f}, {value['high']:,.{digits}f}]"


def figure(result: dict[str, Any], task: str) -> str:
    """Survival curves of all methods and rows of a task."""
    cells: dict[str, list[dict[str, Any]]] = {}
    for run in result["runs"]:
        if run["task"] == task:
            cells.setdefault(f"{run['method']} ({run['row']})", []).append(run)
    horizon = min(benchmark.horizon(runs) for runs in cells.values())
    lines = []
    for label, runs in sorted(cells.items()):
        times, shares = stats.kaplan_meier(benchmark.times_of(runs, horizon))
        lines.append(svg.Line(label, times.tolist(), shares.tolist()))
    every = next(card["every"] for card in result["tasks"] if card["id"] == task)
    return svg.survival(f"{task}: time to generalize", lines, every, horizon)
