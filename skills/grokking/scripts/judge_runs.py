# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Judge runs of a grokking study: what happened in each, and which method is sooner, with censoring.

Takes a JSONL of runs, {"method": ..., "seed": ..., "steps": [...], "train": [...], "test": [...]} each, or a CSV with the columns
method, seed, step, train_accuracy, test_accuracy. Standard library only.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

HOLD = 3  # evaluations for which a threshold must hold
EXAMPLE = """example:
  python judge_runs.py runs.jsonl --baseline adamw --horizon 1000
  python judge_runs.py runs.csv --baseline adamw --chance 0.032 --json

exit status: 0 judged, 1 judged with warnings, 2 the file holds no runs. A ratio below 1 is sooner than the baseline.
"""


@dataclass(frozen=True)
class Run:
    """One curve."""

    method: str
    seed: str
    steps: tuple[int, ...]
    train: tuple[float, ...]
    test: tuple[float, ...]


@dataclass(frozen=True)
class Rules:
    """Thresholds, chance, the common horizon and the number of resamples."""

    train: float
    test: float
    chance: float
    horizon: int
    resamples: int


def read(path: Path) -> list[Run]:
    """Runs of a JSONL or CSV file.

    Raises:
        ValueError: with file and line, for a row that is no run.
    """
    if path.suffix == ".csv":
        return _from_csv(path)
    runs = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                row = json.loads(line)
                runs.append(
                    _run(str(row["method"]), str(row["seed"]), row["steps"], row["train"], row["test"])
                )
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path}:{number}: not a run ({type(error).__name__}: {error})") from error
    return runs


def _run(method: str, seed: str, steps: Any, train: Any, test: Any) -> Run:
    if not len(steps) == len(train) == len(test):
        raise ValueError(f"{len(steps)} steps, {len(train)} train and {len(test)} test values")
    return Run(method, seed, tuple(map(int, steps)), tuple(map(float, train)), tuple(map(float, test)))


def _from_csv(path: Path) -> list[Run]:
    rows: dict[tuple[str, str], list[tuple[int, float, float]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            try:
                value = int(row["step"]), float(row["train_accuracy"]), float(row["test_accuracy"])
                rows.setdefault((row["method"], row["seed"]), []).append(value)
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{path}:{number}: not an evaluation ({type(error).__name__}: {error})"
                ) from error
    return [Run(m, s, *map(tuple, zip(*sorted(values), strict=True))) for (m, s), values in rows.items()]


def held(run: Run, values: tuple[float, ...], threshold: float) -> int | None:
    """Step from which the values stay at the threshold for HOLD evaluations."""
    for i in range(len(values) - HOLD + 1):
        if all(value >= threshold - 1e-9 for value in values[i : i + HOLD]):
            return run.steps[i]
    return None


def judge(run: Run, rules: Rules) -> dict[str, Any]:
    """Status, times and relapse of one run."""
    t_mem, t_grok = held(run, run.train, rules.train), held(run, run.test, rules.test)
    if t_grok is not None and t_grok > rules.horizon:
        t_grok = None
    acc = None if t_mem is None else run.test[run.steps.index(t_mem)]
    half = rules.chance + (rules.test - rules.chance) / 2
    late = (
        t_mem is not None and acc is not None and t_grok is not None and acc <= half and t_grok >= 2 * t_mem
    )
    status = (
        ("grokked" if late else "direct")
        if t_grok is not None
        else "censored"
        if t_mem is not None
        else "not_memorized"
    )
    tail = [v for s, v in zip(run.steps, run.test, strict=True) if t_grok is not None and s > t_grok]
    low = [value < rules.test - 0.10 for value in tail]
    return {
        "method": run.method,
        "seed": run.seed,
        "status": status,
        "t_mem": t_mem,
        "t_grok": t_grok,
        "acc_at_mem": acc,
        "relapsed": any(a and b for a, b in pairwise(low)),
        "tail_steps": run.steps[-1] - t_grok if t_grok is not None else 0,
        "last_step": run.steps[-1],
    }


def mean(times: list[int]) -> float:
    """Arithmetic mean."""
    return sum(times) / len(times)


def interval(own: dict[str, int], base: dict[str, int], resamples: int) -> tuple[float, float, float]:
    """Ratio of restricted means over common seeds, with its paired percentile interval."""
    seeds = sorted(set(own) & set(base))
    rng = random.Random(0)
    ratios = []
    for _ in range(resamples):
        drawn = [rng.choice(seeds) for _ in seeds]
        ratios.append(mean([own[s] for s in drawn]) / mean([base[s] for s in drawn]))
    ratios.sort()
    cut = [ratios[round(share * (resamples - 1))] for share in (0.025, 0.975)]
    return mean([own[s] for s in seeds]) / mean([base[s] for s in seeds]), cut[0], cut[1]


def summarize(verdicts: list[dict[str, Any]], baseline: str, rules: Rules) -> list[dict[str, Any]]:
    """One line per method; all censoring is at the horizon, so the restricted mean is that of min(t, horizon)."""
    times: dict[str, dict[str, int]] = {}
    for v in verdicts:
        times.setdefault(v["method"], {})[v["seed"]] = (
            v["t_grok"] if v["t_grok"] is not None else rules.horizon
        )
    lines = []
    for method, own in times.items():
        mine = [v for v in verdicts if v["method"] == method]
        done = [v["t_grok"] for v in mine if v["t_grok"] is not None]
        line = {
            "method": method,
            "runs": len(own),
            "generalized": len(done),
            "restricted_mean": round(mean(list(own.values())), 1),
            "mean_of_survivors": round(mean(done), 1) if done else None,
            "relapsed": sum(v["relapsed"] for v in mine),
            "statuses": {s: sum(v["status"] == s for v in mine) for s in sorted({v["status"] for v in mine})},
        }
        if method != baseline and set(own) & set(times[baseline]):
            line["ratio"] = [round(x, 3) for x in interval(own, times[baseline], rules.resamples)]
        lines.append(line)
    return sorted(lines, key=lambda line: float(line["restricted_mean"]))


def warnings(
    verdicts: list[dict[str, Any]], lines: list[dict[str, Any]], baseline: str, rules: Rules
) -> list[str]:
    """What a reviewer would ask about."""
    found = []
    seeds = {line["method"]: {v["seed"] for v in verdicts if v["method"] == line["method"]} for line in lines}
    base = seeds[baseline]
    for line in lines:
        name = line["method"]
        if seeds[name] != base:
            found.append(
                f"{name}: other seeds than {baseline}; the ratio uses the {len(seeds[name] & base)} common ones"
            )
        if line["runs"] < 10:
            found.append(f"{name}: {line['runs']} runs; under 10 a gain of 30 % is not resolved")
        short = [
            v
            for v in verdicts
            if v["method"] == name and v["t_grok"] is None and v["last_step"] < rules.horizon
        ]
        if short:
            found.append(
                f"{name}: {len(short)} runs ended before the horizon {rules.horizon} without generalizing: lower --horizon"
            )
        cut = [
            v
            for v in verdicts
            if v["method"] == name
            and v["t_grok"] is not None
            and v["tail_steps"] < max(200, v["t_grok"] // 2)
        ]
        if cut:
            found.append(
                f"{name}: {len(cut)} runs stop within max(200, t_grok / 2) steps of generalizing: a relapse would not be seen"
            )
        if line["mean_of_survivors"] and line["generalized"] < line["runs"]:
            found.append(
                f"{name}: {line['runs'] - line['generalized']} of {line['runs']} runs did not generalize; the mean of the others "
                f"({line['mean_of_survivors']:g}) says nothing, the restricted mean is {line['restricted_mean']:g}"
            )
    return found


def parser() -> argparse.ArgumentParser:
    """Options."""
    made = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("runs", type=Path)
    made.add_argument("--baseline", required=True, help="method that the others are compared with")
    made.add_argument(
        "--horizon",
        type=int,
        help="steps that all runs were given (default: the shortest run's last step that did not generalize)",
    )
    made.add_argument("--train-threshold", type=float, default=0.99)
    made.add_argument("--test-threshold", type=float, default=0.95)
    made.add_argument("--chance", type=float, default=0.0, help="accuracy of guessing, 1 / classes")
    made.add_argument("--resamples", type=int, default=10_000)
    made.add_argument("--json", action="store_true", help="print everything as JSON")
    return made


def common_horizon(runs: list[Run], threshold: float) -> int:
    """Fewest steps that a method gave its longest run: what every method was given."""
    longest: dict[str, int] = {}
    for run in runs:
        longest[run.method] = max(longest.get(run.method, 0), run.steps[-1])
    open_runs = [run.steps[-1] for run in runs if held(run, run.test, threshold) is None]
    return min([*longest.values(), *open_runs])


def main() -> int:
    """Judge, print, and say by the exit status whether there is something to worry about."""
    options = parser().parse_args()
    try:
        runs = read(options.runs)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.baseline not in {run.method for run in runs}:
        print(
            f"{options.runs}: no runs of {options.baseline!r}; there are: {sorted({r.method for r in runs})}",
            file=sys.stderr,
        )
        return 2
    horizon = options.horizon or common_horizon(runs, options.test_threshold)
    rules = Rules(options.train_threshold, options.test_threshold, options.chance, horizon, options.resamples)
    verdicts = [judge(run, rules) for run in runs]
    lines = summarize(verdicts, options.baseline, rules)
    found = warnings(verdicts, lines, options.baseline, rules)
    if options.json:
        print(
            json.dumps({"horizon": horizon, "methods": lines, "runs": verdicts, "warnings": found}, indent=1)
        )
    else:
        print(f"horizon {horizon} steps")
        for line in lines:
            ratio = "ratio {:.2f} [{:.2f}, {:.2f}]".format(*line["ratio"]) if "ratio" in line else ""
            counts = ", ".join(f"{n} {s}" for s, n in line["statuses"].items())
            print(
                f"{line['method']:24} restricted mean {line['restricted_mean']:8.1f}  {ratio:28} relapsed {line['relapsed']}  ({counts})"
            )
        print("\n".join(f"warning: {text}" for text in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
