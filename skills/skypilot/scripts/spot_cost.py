# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Expected hours and dollars of a job on spot with recovery, against on-demand.

Preemptions are taken as a Poisson process. A lost node restarts all nodes, so the rate counts each. Work is cut into
segments of one checkpoint interval; a preempted segment is recovered (a new cluster, setup, loading) and starts again.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import asdict, dataclass

EXAMPLE = """example:
  python spot_cost.py --hours 24 --spot 9.6 --on-demand 32 --preemptions-per-day 4 --checkpoint-minutes 30
  python spot_cost.py --hours 24 --spot 9.6 --on-demand 32 --preemptions-per-day 4 --nodes 4 --json

Without --checkpoint-minutes the best interval is searched. Rates are of one node; measure yours from `sky jobs queue`.
exit status: 0 spot is cheaper, 1 on-demand is, 2 wrong arguments.
"""
MAX_EXPONENT = 600.0  # beyond it a segment is never finished


@dataclass(frozen=True)
class Job:
    """What is to be run; hours, USD an hour of one node, preemptions an hour of one node."""

    hours: float
    spot: float
    on_demand: float
    rate: float
    nodes: int = 1
    recovery: float = 0.25
    write: float = 1 / 60


def spot_hours(job: Job, interval: float) -> float:
    """Expected hours by the clock with a checkpoint every `interval` hours; infinite where none is ever reached.

    A segment of length c + w that is restarted at rate r with d hours of recovery takes (1/r + d)(exp(r(c + w)) - 1) on
    average.
    """
    rate = job.rate * job.nodes
    segments = job.hours / interval
    if rate == 0:
        return segments * (interval + job.write)
    exponent = rate * (interval + job.write)
    if exponent > MAX_EXPONENT:
        return math.inf
    return segments * (1 / rate + job.recovery) * math.expm1(exponent)


def best_interval(job: Job) -> float:
    """The interval in hours with the fewest expected hours, between the time of one write and the whole job."""
    low, high = math.log(min(max(job.write, 1e-4), job.hours)), math.log(job.hours)
    golden = (math.sqrt(5) - 1) / 2
    for _ in range(80):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if spot_hours(job, math.exp(left)) <= spot_hours(job, math.exp(right)):
            high = right
        else:
            low = left
    return math.exp((low + high) / 2)


def estimate(job: Job, interval: float | None = None) -> dict[str, object]:
    """Hours and dollars of spot with this interval (the best one if None), of spot without checkpoints, of on-demand."""
    chosen = best_interval(job) if interval is None else min(interval, job.hours)
    hours = spot_hours(job, chosen)
    bare = spot_hours(Job(**{**asdict(job), "write": 0.0}), job.hours)
    dollars, fixed = hours * job.spot * job.nodes, job.hours * job.on_demand * job.nodes
    return {
        "interval_minutes": round(chosen * 60, 1),
        "best_interval_minutes": round(best_interval(job) * 60, 1),
        "spot_hours": finite(hours),
        "spot_usd": finite(dollars),
        "spot_usd_without_checkpoints": finite(bare * job.spot * job.nodes),
        "preemptions": finite(hours * job.rate * job.nodes),
        "on_demand_hours": job.hours,
        "on_demand_usd": round(fixed, 2),
        "cheaper": "spot" if dollars < fixed else "on-demand",
    }


def finite(value: float) -> float | None:
    """Rounded to cents; None for what never ends, or not within a billion."""
    return round(value, 2) if value < 1e9 else None


def positive(text: str) -> float:
    """A number above zero, for argparse."""
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def not_negative(text: str) -> float:
    """A number of zero or more, for argparse."""
    value = float(text)
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return value


def arguments(words: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--hours", type=positive, required=True, help="work on machines that are never preempted"
    )
    parser.add_argument("--spot", type=positive, required=True, help="USD an hour of one node")
    parser.add_argument("--on-demand", type=positive, required=True, help="USD an hour of one node")
    parser.add_argument("--preemptions-per-day", type=not_negative, required=True, help="of one node")
    parser.add_argument("--nodes", type=int, default=1, choices=range(1, 10_001), metavar="N")
    parser.add_argument("--checkpoint-minutes", type=positive, help="interval; searched if left out")
    parser.add_argument(
        "--recovery-minutes", type=not_negative, default=15.0, help="new cluster, setup, loading (15)"
    )
    parser.add_argument("--write-minutes", type=not_negative, default=1.0, help="training stands still (1)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    """Print the estimate."""
    given = arguments(words)
    job = Job(
        given.hours,
        given.spot,
        given.on_demand,
        given.preemptions_per_day / 24,
        given.nodes,
        given.recovery_minutes / 60,
        given.write_minutes / 60,
    )
    found = estimate(job, given.checkpoint_minutes / 60 if given.checkpoint_minutes else None)
    lines = (
        f"{name.replace('_', ' ')}: {'never ends' if value is None else value}"
        for name, value in found.items()
    )
    print(json.dumps(found) if given.json else "\n".join(lines))
    return 0 if found["cheaper"] == "spot" else 1


if __name__ == "__main__":
    sys.exit(main())
