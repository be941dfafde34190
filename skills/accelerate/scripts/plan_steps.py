# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Compute what a loop with Accelerate will do: batches, optimizer steps, repeated rows, and where to resume.

Arithmetic of a map-style dataset with the default DataLoaderConfiguration (accelerate 1.15): batch_size is per
process unless --split-batches, the last round is filled with rows from the beginning. Standard library only.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import asdict, dataclass

EXAMPLE = """example:
  python plan_steps.py --rows 10000 --batch 8 --processes 4 --accumulate 4 --epochs 3
  python plan_steps.py --rows 10000 --batch 8 --processes 4 --accumulate 4 --epochs 3 --resume-at 137 --json

exit status: 0 nothing lost, 1 rows are repeated or a window is short, 2 wrong numbers.
"""


@dataclass(frozen=True)
class Plan:
    """What one epoch and the whole run hold; batches are those of one process."""

    rows_per_step: int
    batches: int
    repeated_rows: int
    steps_per_epoch: int
    steps: int
    short_window: int
    scheduler_length: int


@dataclass(frozen=True)
class Place:
    """Where a step stands: loader.set_epoch(epoch), skip_first_batches(loader, batches)."""

    epoch: int
    batches: int


def plan(rows: int, batch: int, processes: int, accumulate: int, epochs: int, *, split: bool = False) -> Plan:
    """Count batches, steps and repeats.

    Raises:
        ValueError: A number is below 1, or a batch cannot be split.
    """
    if min(rows, batch, processes, accumulate, epochs) < 1:
        raise ValueError("rows, batch, processes, accumulate and epochs must be at least 1")
    if split and batch % processes:
        raise ValueError(f"a batch of {batch} cannot be split over {processes} processes")
    each = batch // processes if split else batch
    batches = math.ceil(rows / (each * processes))
    steps = math.ceil(batches / accumulate)
    return Plan(
        rows_per_step=each * processes * accumulate,
        batches=batches,
        repeated_rows=batches * each * processes - rows if processes > 1 else 0,
        steps_per_epoch=steps,
        steps=steps * epochs,
        short_window=batches % accumulate,
        scheduler_length=steps * epochs * (1 if split else processes),
    )


def place(step: int, planned: Plan, accumulate: int) -> Place:
    """Epoch and batches that are done after that many optimizer steps.

    Raises:
        ValueError: The run has fewer steps.
    """
    if not 0 <= step <= planned.steps:
        raise ValueError(f"step {step} is not in 0 to {planned.steps}")
    epoch, inside = divmod(step, planned.steps_per_epoch)
    return Place(epoch, min(inside * accumulate, planned.batches))


def notes(planned: Plan, accumulate: int) -> list[str]:
    """What is lost, in sentences."""
    found = []
    if planned.repeated_rows:
        found.append(
            f"{planned.repeated_rows} rows per epoch are trained twice: even_batches fills the last round"
        )
    if planned.short_window:
        found.append(
            f"the last window of an epoch has {planned.short_window} of {accumulate} batches: its gradient is "
            f"{planned.short_window / accumulate:.2f} of a mean over them"
        )
    return found


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for flag, text, default in (
        ("rows", "rows of the dataset", None),
        ("batch", "batch_size of the DataLoader", None),
        ("processes", "accelerator.num_processes", 1),
        ("accumulate", "gradient_accumulation_steps", 1),
        ("epochs", "epochs", 1),
    ):
        made.add_argument(f"--{flag}", type=int, required=default is None, default=default, help=text)
    made.add_argument("--resume-at", type=int, metavar="STEP", help="optimizer steps that are done")
    made.add_argument("--split-batches", action="store_true", help="batch_size is for all processes together")
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def main() -> int:
    """Print the plan."""
    args = parser().parse_args()
    try:
        planned = plan(
            args.rows, args.batch, args.processes, args.accumulate, args.epochs, split=args.split_batches
        )
        where = None if args.resume_at is None else place(args.resume_at, planned, args.accumulate)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    found = notes(planned, args.accumulate)
    if args.json:
        print(json.dumps({"plan": asdict(planned), "resume": where and asdict(where), "notes": found}))
        return 1 if found else 0
    for name, value in asdict(planned).items():
        print(f"{name.replace('_', ' '):18} {value}")
    if where:
        print(
            f"resume             loader.set_epoch({where.epoch}); skip_first_batches(loader, {where.batches})"
        )
    print(
        "scheduler length: of one that is prepared; one that is not, stepped once per optimizer step, needs steps"
    )
    for note in found:
        print(f"note: {note}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
