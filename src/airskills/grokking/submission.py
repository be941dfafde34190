"""Is a results file what it says? For those who send one in, and for those who are sent one.

Three questions: is it whole (every run that the tier asks for), is it fair (the tier's tuning, on other seeds), and does
it repeat (some runs, drawn by chance, are made again)?
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from airskills.grokking import benchmark, tasks
from airskills.grokking.config import Method, RunSpec
from airskills.grokking.errors import GrokkingError
from airskills.grokking.runner import Record
from airskills.grokking.train import Trainer

TOLERANCE = 0.1  # of t_grok: another processor or batch rounds otherwise, and that moves it


@dataclass(frozen=True, slots=True)
class Repeat:
    """A run that was made again: its name, the recorded and the new time to generalize, and whether they agree."""

    name: str
    recorded: int | None
    again: int | None
    agrees: bool


def faults(result: dict[str, Any]) -> list[str]:
    """Return what keeps a results file from being a submission, one sentence each.

    Raises:
        GrokkingError: for a tier that is not tuned or not known.
    """
    if result["tier"] not in benchmark.TIERS:
        raise GrokkingError(
            f"Tier {result['tier']!r} cannot be submitted; there are: {', '.join(benchmark.TIERS)}"
        )
    return [
        *_version(result),
        *_cards(result),
        *_tuning(result),
        *_settings(result["runs"]),
        *_missing(result),
    ]


def _version(result: dict[str, Any]) -> Iterator[str]:
    if result["benchmark_version"] != benchmark.VERSION:
        yield f"Benchmark version {result['benchmark_version']}; this is {benchmark.VERSION}: run it again"


def _cards(result: dict[str, Any]) -> Iterator[str]:
    """Thresholds, budget, network and loss of a task must be this version's."""
    for task in result["tasks"]:
        if task["card"] != tasks.get(task["id"]).card.digest():
            yield f"{task['id']}: its card {task['card']} is not the one of this version: do not change a task"


def _tuning(result: dict[str, Any]) -> Iterator[str]:
    plan, tuning = benchmark.TIERS[result["tier"]], result["tuning"]
    if tuning is None:
        yield "No method was tuned: leave out nothing of `airskills grok bench`"
        return
    if max(tuning["seeds"]) >= benchmark.FIRST_SEED:
        yield f"Tuned on seed {max(tuning['seeds'])}: tuning seeds lie below {benchmark.FIRST_SEED}"
    for entry in tuning["tuned"]:
        if entry["trials"] != plan.trials:
            yield f"{entry['task']} {entry['method']}: {entry['trials']} trials, where {plan.trials} are given to each"


def _settings(runs: Sequence[Record]) -> Iterator[str]:
    for run in runs:
        if spec(run).digest() != run["digest"]:
            yield f"{name(run)}: its settings are not those that it was run with"


def _missing(result: dict[str, Any]) -> Iterator[str]:
    known = {run["digest"] for run in result["runs"]}
    wanted = benchmark.specs(result["tier"], result["tuning"])
    lost = Counter((s.task, s.method.id, s.row) for s in wanted if s.digest() not in known)
    for (task, method, row), count in lost.items():
        yield f"{task} {method} ({row}): {count} runs are missing"


def spec(run: Record) -> RunSpec:
    """Rebuild what a run was asked to do, from its record."""
    method = Method.model_validate(run["settings"])
    asked = RunSpec(task=run["task"], method=method, seed=run["seed"], row=run["row"])
    own = tasks.get(run["task"]).card.budget
    return asked if run["budget"] == own else asked.model_copy(update={"budget": run["budget"]})


def name(run: Record) -> str:
    """Words for a run."""
    return f"{run['task']} {run['method']} ({run['row']}) seed {run['seed']}"


def draw(runs: Sequence[Record], count: int, seed: int) -> list[Record]:
    """Draw runs by chance; a seed of one's own choice is what the sender could not know."""
    return Random(seed).sample(list(runs), min(count, len(runs)))  # noqa: S311 - a draw, and no secret


def repeat(run: Record) -> Repeat:
    """Make a run again, and compare its time to generalize."""
    task = tasks.get(run["task"])
    (result,) = Trainer(task, [spec(run)]).train()
    again = result.outcome.t_grok
    return Repeat(name(run), run["t_grok"], again, agree(run["t_grok"], again, task.card.every))


def agree(one: int | None, two: int | None, every: int) -> bool:
    """Both never, or both within a tenth or two steps of the grid, whichever is more."""
    if one is None or two is None:
        return one is two
    return abs(one - two) <= max(TOLERANCE * one, 2 * every)
