"""Many runs on several one-thread worker processes; every finished batch is on disk before the next starts.

`runs.jsonl` gets one line per run as soon as its batch ends, so a kill, a crash or a full disk costs the batches
in flight and nothing else: starting again skips what is there.
"""

import ctypes
import json
import multiprocessing
import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from airskills.grokking import cost, tasks
from airskills.grokking.config import RunSpec
from airskills.grokking.errors import GrokkingError
from airskills.grokking.tasks.registry import Task
from airskills.grokking.train import Evaluation, RunResult, Trainer

CACHE = 4 << 20  # bytes of activations at which batching stopped paying on the CPUs measured
MOST = 32
POINTS = 32  # of a stored curve
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of mallopt, from malloc.h
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """A batch for one worker."""

    task: Task
    specs: tuple[RunSpec, ...]
    out: Path
    selection: bool = False


def plan(
    specs: Sequence[RunSpec], workers: int, sizes: Mapping[str, int] | None = None
) -> list[tuple[RunSpec, ...]]:
    """Cut runs into batches of one task and budget, at least one per worker.

    `sizes` gives measured batch sizes by task; without it the cache rule holds.
    """
    groups: dict[tuple[str, int | None], list[RunSpec]] = {}
    for spec in specs:
        groups.setdefault((spec.task, spec.budget), []).append(spec)
    batches: list[tuple[RunSpec, ...]] = []
    for (name, _), runs in groups.items():
        runs.sort(key=lambda s: repr(s.method.structure))
        most = (sizes or {}).get(name) or batch_size(name)
        size = min(most, -(-len(runs) // workers))
        batches += [tuple(runs[i : i + size]) for i in range(0, len(runs), size)]
    return batches


@lru_cache
def batch_size(name: str) -> int:
    """Runs per batch by the cache rule: their activations fill about 4 MiB."""
    return int(min(max(CACHE // cost.activation_bytes(tasks.get(name)), 1), MOST))


def measured_batch_size(
    task: Task, sizes: Iterable[int] = (1, 4, 16, 32), steps: int = 8
) -> tuple[int, dict[int, float]]:
    """Find the fastest batch size by trying: returns it with the run-steps per second of each size."""
    speeds: dict[int, float] = {}
    for size in sizes:
        specs = [RunSpec(task=task.card.id, method=task.card.reference, seed=seed) for seed in range(size)]
        trainer = Trainer(task, specs)
        trainer.advance()
        start = time.perf_counter()
        for _ in range(steps):
            trainer.advance()
        speeds[size] = size * steps / (time.perf_counter() - start)
    return max(speeds, key=lambda size: speeds[size]), speeds


def run_all(
    specs: Sequence[RunSpec],
    out: Path,
    *,
    workers: int = 2,
    selection: bool = False,
    measure: bool = False,
    on_done: Callable[[int, int], None] | None = None,
) -> list[Record]:
    """Run what is not yet in `out/runs.jsonl` and return the records of all specs, in their order.

    Args:
        specs: The runs.
        out: A folder; made if it is not there.
        workers: Processes of one thread each; 1 runs in this process.
        selection: Judge on validation rows.
        measure: Find each task's fastest batch size by trying (seconds per task) and not by the cache rule.
        on_done: Called with the numbers of runs done and asked for, after each batch.

    Raises:
        GrokkingError: if the folder cannot be written or a worker died; finished runs stay in the folder.
    """
    known = {record["digest"]: record for record in read(out)}
    missing = [spec for spec in specs if spec.digest() not in known]
    used = {spec.task for spec in missing}
    sizes = {name: measured_batch_size(tasks.get(name))[0] for name in used} if measure else None
    jobs = [Job(tasks.get(batch[0].task), batch, out, selection) for batch in plan(missing, workers, sizes)]
    for records in _finished(jobs, workers):
        append(out, records)
        known |= {record["digest"]: record for record in records}
        if on_done:
            on_done(sum(s.digest() in known for s in specs), len(specs))
    return [known[spec.digest()] for spec in specs]


def _finished(jobs: list[Job], workers: int) -> Iterator[list[Record]]:
    if workers == 1 or len(jobs) < 2:
        for job in jobs:
            yield work(job)
        return
    jobs = sorted(jobs, key=_expected, reverse=True)
    with pool(workers) as workplace:
        futures = [workplace.submit(work, job) for job in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        except (OSError, RuntimeError) as error:
            workplace.shutdown(wait=False, cancel_futures=True)
            raise GrokkingError(
                f"A worker failed ({type(error).__name__}: {error}); finished runs are kept in "
                f"{jobs[0].out / 'runs.jsonl'}: start again to do the rest"
            ) from error


def pool(workers: int) -> ProcessPoolExecutor:
    """Processes of one thread each; spawned, because a forked one inherits torch's threads in an unknown state."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=single_thread)


def _expected(job: Job) -> float:
    """Guess the relative cost of a batch, so that long ones start first."""
    steps = job.specs[0].budget or job.task.card.budget
    return len(job.specs) * steps * cost.flops_per_step(job.task, job.specs[0])


def single_thread() -> None:
    """Compute with one thread from now on: steps are so short that a second one mostly waits for the first."""
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    keep_memory()


def keep_memory() -> None:
    """Let malloc keep what is freed: else each large temporary is mapped and faulted in anew (glibc only)."""
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for option in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD):
            libc.mallopt(option, 1 << 30)


def work(job: Job) -> list[Record]:
    """Run one batch and describe its runs; `progress/` gets a live line meanwhile."""
    flops: dict[object, int] = {}
    for spec in job.specs:
        if spec.method.structure not in flops:
            flops[spec.method.structure] = cost.flops_per_step(job.task, spec)
    live = Progress(job)
    start = time.perf_counter()
    results = Trainer(job.task, job.specs, selection=job.selection).train([live])
    wall = (time.perf_counter() - start) / len(results)
    live.close()
    return [describe(r, flops[r.spec.method.structure], wall) for r in results]


def describe(result: RunResult, flops: int, wall_s: float) -> Record:
    """Make the JSON record of a run; the curve is thinned to 32 points at logarithmic distances."""
    spec, curve = result.spec, result.curve
    count = len(curve["step"])
    pick = (
        np.unique(np.geomspace(1, max(count, 1), POINTS).round().astype(int) - 1)
        if count
        else np.array([], int)
    )
    keys = ("step", "train_accuracy", "test_accuracy", "train_loss", "weight_norm")
    return {
        "task": spec.task,
        "method": spec.method.id,
        "row": spec.row,
        "seed": spec.seed,
        "digest": spec.digest(),
        "budget": spec.budget or tasks.get(spec.task).card.budget,
        "settings": spec.method.model_dump(mode="json", exclude_defaults=True),
        **result.outcome.model_dump(mode="json"),
        "events": list(result.events),
        "flops_per_step": flops,
        "cpu_s": round(result.cpu_s, 4),
        "wall_s": round(wall_s, 4),
        "curve": {key: [_finite(v) for v in curve[key][pick]] for key in keys},
    }


def _finite(value: float) -> float | None:
    """Round for JSON, which has no NaN."""
    return float(f"{value:.5g}") if np.isfinite(value) else None


class Progress:
    """Writes where a batch stands to `out/progress/<digest>.json`, at most once a second."""

    def __init__(self, job: Job) -> None:
        self.job, self.last, self.start = job, 0.0, time.time()
        self.path = job.out / "progress" / f"{job.specs[0].digest()}.json"

    def on_evaluation(self, trainer: Trainer, seen: Evaluation) -> Tensor | None:
        """Write the medians over the runs still going and the shares of runs that memorized and generalized."""
        now = time.time()
        if now - self.last < 1:
            return None
        self.last = now
        write_json(self.path, self._state(trainer, seen))
        return None

    def _state(self, trainer: Trainer, seen: Evaluation) -> Record:
        outcomes = [result.outcome for result in trainer.results()]
        return {
            "task": self.job.task.card.id,
            "methods": sorted({spec.method.id for spec in self.job.specs}),
            "step": seen.step,
            "budget": trainer.budget,
            "runs": len(outcomes),
            "memorized": sum(o.t_mem is not None for o in outcomes),
            "generalized": sum(o.generalized for o in outcomes),
            "train": float(seen.values["train_accuracy"].median()),
            "test": float(seen.values["test_accuracy"].median()),
            "seconds": round(time.time() - self.start, 1),
        }

    def close(self) -> None:
        """Take the live line away."""
        self.path.unlink(missing_ok=True)


def write_json(path: Path, content: Any, *, indent: int | None = 1) -> None:
    """Write and rename, so that a reader never sees half a file; no `indent` is half the size.

    Raises:
        GrokkingError: if it cannot be written.
    """
    temporary = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(content, indent=indent, allow_nan=False) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise GrokkingError(
            f"{path}: cannot write ({error.strerror}); free space or choose another folder"
        ) from error


def append(out: Path, records: Sequence[Record]) -> None:
    """Add lines to `out/runs.jsonl` and force them to disk.

    Raises:
        GrokkingError: if they cannot be written; lines written before stay.
    """
    path = out / "runs.jsonl"
    try:
        out.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(record, allow_nan=False) + "\n" for record in records)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise GrokkingError(
            f"{path}: cannot write {len(records)} runs ({error.strerror}); what was finished before is kept: "
            "free space and start again"
        ) from error


def read(out: Path) -> list[Record]:
    """Records of `out/runs.jsonl`; a last line cut short by a kill is left out, and its run is done again."""
    path = out / "runs.jsonl"
    if not path.exists():
        return []
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return records
