"""Benchmark v1.0: tasks x methods x seeds, and the summary that can be recomputed from the runs.

Tuning happens on seeds 0-4 and on validation rows, reporting on seeds from 100 and on test rows. The negative
control with random labels runs the settings that were tuned on the true labels.
"""

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from airskills.grokking import methods, runner, search, stats, tasks
from airskills.grokking.config import Method, RunSpec
from airskills.grokking.errors import GrokkingError
from airskills.grokking.stats import Times

VERSION = "1.0"
SCHEMA = 1
FIRST_SEED = 100
Record = runner.Record


@dataclass(frozen=True, slots=True)
class Tier:
    """What is run: tasks, methods, how many reporting seeds, and what tuning each method on each task costs.

    A trial trains `tuning_seeds` runs for `horizon` times the task's budget.
    """

    tasks: tuple[str, ...]
    methods: tuple[str, ...]
    seeds: int
    trials: int
    tuning_seeds: int
    horizon: float


TIERS = {
    "standard": Tier(
        ("add-31", "digits-mse", "message-31", "random-31"),
        ("adamw", "grokfast_ema", "perpendicular", "stablemax_perpendicular", "muon", "surge"),
        seeds=10,
        trials=16,
        tuning_seeds=2,
        horizon=0.6,
    ),
    "full": Tier(
        tuple(tasks.names()), tuple(methods.METHODS), seeds=30, trials=64, tuning_seeds=5, horizon=1.0
    ),
}
BORROWED = {"random-31": "add-31"}  # settings of a task that cannot be tuned, as nothing generalizes there
SMOKE_SEEDS = {"two-hop": 1, "random-31": 1}


def smoke() -> list[RunSpec]:
    """Reference settings of all four domains with their controls: decay 0, and random labels."""
    specs = []
    for name in ("add-31", "random-31", "digits-mse", "message-31", "two-hop"):
        card = tasks.get(name).card
        seeds = range(FIRST_SEED, FIRST_SEED + SMOKE_SEEDS.get(name, 2))
        budget = {"two-hop": 1_000, "digits-mse": 2_000}.get(name, 600)
        arms: list[tuple[Method, Any]] = [(card.reference.model_copy(update={"id": "adamw"}), "default")]
        if name not in SMOKE_SEEDS:
            update = {"id": "adamw_no_decay", "weight_decay": 0.0}
            arms.append((card.reference.model_copy(update=update), "control"))
        if name == "add-31":
            arms.append((methods.get("perpendicular").default, "default"))
        specs += [
            RunSpec(task=name, method=m, seed=s, row=row, budget=budget) for m, row in arms for s in seeds
        ]
    return specs


def specs(tier: str, tuned: dict[str, Any] | None = None) -> list[RunSpec]:
    """All runs of a tier: paper settings, the control without decay, and tuned settings where given.

    A negative control runs tuned settings only, if there are any: those are the sharper test.

    Raises:
        GrokkingError: for an unknown tier, or tuned settings that did not cost the same for every method.
    """
    if tier == "smoke":
        return smoke()
    if tier not in TIERS:
        raise GrokkingError(f"Unknown tier {tier!r}; there are: smoke, {', '.join(TIERS)}")
    plan, found = TIERS[tier], []
    settings = _settings(tuned) if tuned else {}
    for name in plan.tasks:
        applicable = [m for m in plan.methods if methods.get(m).applies(tasks.get(name).card)]
        source = BORROWED.get(name, name)
        arms: list[tuple[Method, Any]] = [(_no_decay(name), "control")]
        if not (settings and name in BORROWED):
            arms += [(methods.get(m).default, "default") for m in applicable]
        arms += [(settings[source, m], "tuned") for m in applicable if (source, m) in settings]
        seeds = range(FIRST_SEED, FIRST_SEED + plan.seeds)
        found += [RunSpec(task=name, method=m, seed=s, row=row) for m, row in arms for s in seeds]
    return found


def _no_decay(name: str) -> Method:
    return tasks.get(name).card.reference.model_copy(update={"id": "adamw_no_decay", "weight_decay": 0.0})


def _settings(tuned: dict[str, Any]) -> dict[tuple[str, str], Method]:
    """Read a file made by `search.tune_all`."""
    trials = {entry["trials"] for entry in tuned["tuned"]}
    if len(trials) > 1:
        raise GrokkingError(
            f"Tuned settings cost {sorted(trials)} trials: tune every method with the same number"
        )
    return {(e["task"], e["method"]): Method.model_validate(e["settings"]) for e in tuned["tuned"]}


def run(
    tier: str,
    out: Path,
    *,
    workers: int = 2,
    measure: bool = False,
    tuned: dict[str, Any] | None = None,
    on_done: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Tune and run a tier (or the rest of it) and write `out/results.json`.

    Args:
        tier: smoke, standard or full; smoke is not tuned.
        out: Folder of the results; an unfinished one is continued.
        workers: Processes of one thread each.
        measure: Find batch sizes by trying.
        tuned: Settings of `search.tune_all`; without them the tier's own tuning is done first, in `out/tuning`.
        on_done: Called with what is being done ("studies", "runs") and the numbers done and asked for.
    """
    began, load = time.perf_counter(), os.getloadavg()[0]
    if tuned is None and tier in TIERS:
        tuned = tune(TIERS[tier], out / "tuning", workers, on_done and partial(on_done, "studies"))
    wanted = specs(tier, tuned)
    runner.write_json(out / "plan.json", {"tier": tier, "runs": len(wanted)})
    records = runner.run_all(
        wanted, out, workers=workers, measure=measure, on_done=on_done and partial(on_done, "runs")
    )
    wall = round(time.perf_counter() - began, 1)
    run_by = {"wall_s": wall, "workers": workers, "load": [round(load, 1), round(os.getloadavg()[0], 1)]}
    result = results(tier, records, tuned) | run_by
    runner.write_json(out / "results.json", result, indent=None)
    return result


def tune(
    tier: Tier, out: Path, workers: int = 2, on_done: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Tune the methods of a tier on its tasks, with equal numbers of trials."""
    names = [name for name in tier.tasks if name not in BORROWED]
    return search.tune_all(
        names,
        tier.methods,
        out,
        trials=tier.trials,
        seeds=search.SEEDS[: tier.tuning_seeds],
        budgets={name: round(tier.horizon * tasks.get(name).card.budget) for name in names},
        workers=workers,
        on_done=on_done,
    )


def results(tier: str, records: Sequence[Record], tuned: dict[str, Any] | None = None) -> dict[str, Any]:
    """Everything of a benchmark run but its time: what was run on what, the runs, and their summary."""
    used = sorted({record["task"] for record in records})
    runs = sum(record["cpu_s"] for record in records)
    tuning = sum(entry["cpu_s"] for entry in tuned["tuned"]) if tuned else 0.0
    return {
        "schema": SCHEMA,
        "benchmark_version": VERSION,
        "tier": tier,
        "hardware": hardware(),
        "energy": {"kind": "cpu_seconds", "total": round(runs + tuning, 1), "tuning": round(tuning, 1)},
        "tasks": [_task(name) for name in used],
        "tuning": tuned,
        "runs": list(records),
        "summary": summarize(records),
    }


def hardware() -> dict[str, Any]:
    """Machine and versions."""
    packages = ("torch", "numpy", "scikit-learn", "pydantic")
    return {
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "versions": {name: version(name) for name in packages},
    }


def _task(name: str) -> dict[str, Any]:
    card = tasks.get(name).card
    return {
        **card.model_dump(mode="json", exclude={"reference"}),
        "chance": card.chance,
        "card": card.digest(),
    }


def summarize(records: Sequence[Record]) -> list[dict[str, Any]]:
    """One line per task, method and row: shares, Kaplan-Meier median, restricted mean, and its ratio to AdamW's.

    The ratio is to AdamW of the same row (tuned to tuned), paired by seed, over the common horizon.
    """
    cells: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        cells.setdefault((record["task"], record["method"], record["row"]), []).append(record)
    return [_line(key, runs, cells) for key, runs in sorted(cells.items())]


def _line(
    key: tuple[str, str, str], runs: list[Record], cells: dict[tuple[str, str, str], list[Record]]
) -> dict[str, Any]:
    task, method, row = key
    base = cells.get((task, "adamw", "default" if row == "control" else row))
    budget = horizon([*runs, *(base or [])])
    times = times_of(runs, budget)
    statuses = [run["status"] for run in runs]
    shares = {
        name: statuses.count(name) for name in ("grokked", "direct", "censored", "not_memorized", "diverged")
    }
    done = [run for run in runs if run["t_grok"] is not None]
    ratio = _ratio(runs, base, budget) if base and method != "adamw" else None
    return {
        "task": task,
        "method": method,
        "row": row,
        "runs": len(runs),
        "horizon": budget,
        **shares,
        "share_generalized": asdict(stats.wilson(len(done), len(runs))),
        "median": stats.median(times),
        "rmst": asdict(stats.rmst_interval(times, budget)),
        "ratio_to_adamw": ratio,
        "relapsed": sum(run["relapsed"] for run in done),
        "collapsed": sum(run["softmax_collapse"] for run in runs),
        "flops_per_step": runs[0]["flops_per_step"],
        "cpu_s": round(sum(run["cpu_s"] for run in runs), 2),
    }


def horizon(runs: Sequence[Record]) -> int:
    """Steps that the runs were given: the least, if they differ."""
    return min(int(run["budget"]) for run in runs)


def times_of(runs: Sequence[Record], budget: int) -> Times:
    """Censored times in the order of seeds; a diverged run counts as one that never generalizes."""
    ordered = sorted(runs, key=lambda run: int(run["seed"]))
    return Times.of([run["t_grok"] for run in ordered], budget)


def _ratio(runs: list[Record], base: list[Record], budget: int) -> dict[str, Any] | None:
    seeds = {run["seed"] for run in runs} & {run["seed"] for run in base}
    if not seeds:
        return None
    pair = [times_of([run for run in part if run["seed"] in seeds], budget) for part in (runs, base)]
    return asdict(stats.rmst_ratio(pair[0], pair[1], budget)) | {"p_log_rank": stats.log_rank(*pair)[1]}


def checks(records: Sequence[Record]) -> list[str]:
    """What a smoke run must show; returns what it did not."""
    failures = []
    for record in records:
        name = f"{record['task']} {record['method']} seed {record['seed']}"
        card = tasks.get(record["task"]).card
        negative = record["row"] == "control" or card.groks is False
        if negative and record["t_grok"] is not None:
            failures.append(f"{name}: a control generalized at step {record['t_grok']}")
        if not negative and record["t_grok"] is None:
            failures.append(f"{name}: {record['status']}, test accuracy at most {record['max_test']:.2f}")
    return failures
