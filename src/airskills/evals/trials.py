"""What became of the tasks of skills when a model tried them, without the skill and with it: `tried` in `evals/evals.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from airskills.evals.tasks import FILE
from airskills.folder import Folder


class Trial(NamedTuple):
    """One task and its trial.

    Attributes:
        skill: whose task it is.
        task: its slug.
        without: `passed` or `failed` without the skill, "" where it was not tried.
        with_: the same with the skill.
        ceiling: whether models pass it without the skill, so that it does not count.
        model: which model tried it.
        date: ISO day.
        how: what it could do besides answering.
    """

    skill: str
    task: str
    without: str
    with_: str
    ceiling: bool
    model: str
    date: str
    how: str


class Totals(NamedTuple):
    """Trials together: tasks, those tried without and with the skill, those that passed so, and those that count."""

    tasks: int
    tried_without: int
    passed_without: int
    tried_with: int
    passed_with: int
    counted: int


def read_trials(folder: Folder) -> list[Trial]:
    """The tasks of a skill as its file has them; none where there is no file that can be read, which `check` says."""
    try:
        rows = json.loads(folder.text(FILE))["evals"] if folder.has(FILE) else []
        return [_trial(folder.name, row, row.get("tried") or {}) for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def totals(trials: Sequence[Trial]) -> Totals:
    """The sums. A task counts when it failed without the skill and passed with it."""
    return Totals(
        len(trials),
        sum(bool(trial.without) for trial in trials),
        sum(trial.without == "passed" for trial in trials),
        sum(bool(trial.with_) for trial in trials),
        sum(trial.with_ == "passed" for trial in trials),
        sum(_counts(trial) for trial in trials),
    )


def table(trials: Sequence[Trial]) -> Iterator[str]:
    """Two Markdown tables: the sums of each skill and of all with who tried them, and every task."""
    yield from [
        "| skill | tasks | passed without | passed with | count | tried by |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for skill in dict.fromkeys(trial.skill for trial in trials):
        own = [trial for trial in trials if trial.skill == skill]
        yield f"{_summed(_linked(skill), totals(own))} {_escaped(_tried_by(own))} |"
    yield f"{_summed('**all**', totals(trials))} |"
    yield from ["", "| skill | task | without | with | counts | how |", "|---|---|---|---|---|---|"]
    for t in trials:
        cells = (_linked(t.skill), f"`{t.task}`", said(t.without), said(t.with_), counts(t), t.how)
        yield f"| {' | '.join(map(_escaped, cells))} |"


def said(outcome: str) -> str:
    """An outcome as tables show it."""
    return outcome or "not tried"


def counts(trial: Trial) -> str:
    """Whether a task counts, and if not, why."""
    if _counts(trial):
        return "yes"
    return "no: ceiling" if trial.ceiling else "no"


def _counts(trial: Trial) -> bool:
    return (trial.without, trial.with_, trial.ceiling) == ("failed", "passed", False)


def _trial(skill: str, row: dict[str, Any], tried: dict[str, Any]) -> Trial:
    texts = (str(tried.get(key, "")) for key in ("model", "date", "how"))
    return Trial(
        skill,
        str(row.get("slug", row["id"])),
        str(tried.get("without", "")),
        str(tried.get("with", "")),
        row.get("ceiling") is True,
        *texts,
    )


def _summed(name: str, sums: Totals) -> str:
    without = f"{sums.passed_without} of {sums.tried_without}" if sums.tried_without else "not tried"
    with_ = f"{sums.passed_with} of {sums.tried_with}" if sums.tried_with else "not tried"
    return f"| {name} | {sums.tasks} | {without} | {with_} | {sums.counted} |"


def _tried_by(trials: Sequence[Trial]) -> str:
    """Each model with its days, once."""
    models = dict.fromkeys(trial.model for trial in trials if trial.model)
    days = {model: sorted({trial.date for trial in trials if trial.model == model}) for model in models}
    return "; ".join(f"{model}, {', '.join(days[model])}" for model in models)


def _linked(skill: str) -> str:
    return f"[{skill}](../../skills/{skill}/SKILL.md)"


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")
