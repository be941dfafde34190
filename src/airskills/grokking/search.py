"""Tuning with the same number of trials for every method, in batches of trials trained as one model.

The study is an SQLite file: a killed search goes on where it was. There is no pruning on test accuracy, which
stays at chance until late in every run that groks.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from math import isclose, log
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from airskills.grokking import methods, runner, stats, tasks
from airskills.grokking.config import Method, RunSpec
from airskills.grokking.errors import GrokkingError
from airskills.grokking.stats import Times

SEEDS = (0, 1, 2, 3, 4)
BATCH = 8  # trials asked for at once: with five seeds, 40 runs


@dataclass(frozen=True, slots=True)
class Tuned:
    """The best settings of one method on one task, and what finding them cost."""

    task: str
    method: str
    settings: Method
    rmst: float
    trials: int
    on_border: tuple[str, ...]
    importance: dict[str, float]
    cpu_s: float


def space(method: str) -> dict[str, BaseDistribution]:
    """The box of a method: the learning rate is continuous, all other knobs are choices."""
    low, high = methods.LR
    choices = methods.get(method).space().items()
    return {"lr": FloatDistribution(low, high, log=True)} | {
        k: CategoricalDistribution(v) for k, v in choices
    }


def tune(
    task: str,
    method: str,
    out: Path,
    *,
    trials: int = 24,
    seeds: Sequence[int] = SEEDS,
    budget: int | None = None,
    workers: int = 1,
) -> Tuned:
    """Find settings with the least restricted mean time to generalize, on tuning seeds and validation rows.

    Args:
        task: Name of the task.
        method: Name of the method.
        out: Folder of `study.db` and of the runs.
        trials: In all, with those already in the study.
        seeds: Tuning seeds; never report on these.
        budget: Steps, if not the task's.
        workers: Processes.

    Raises:
        GrokkingError: if the study cannot be opened, or holds another box than this version's.
    """
    study = open_study(out, f"{task}/{method}")
    while (missing := trials - len(complete(study))) > 0:
        _round(study, task, method, out, min(BATCH, missing), seeds, budget, workers)
    return result(study, task, method)


def open_study(out: Path, name: str) -> optuna.Study:
    """Open or make the study in `out/study.db`.

    Raises:
        GrokkingError: if the file cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = f"sqlite:///{out / 'study.db'}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        study = optuna.create_study(storage=storage, study_name=name, load_if_exists=True)
    except (OSError, SQLAlchemyError, optuna.exceptions.OptunaError) as error:
        raise GrokkingError(
            f"{out / 'study.db'}: cannot open the study ({error}); choose another folder"
        ) from error
    study.sampler = _sampler(len(study.get_trials(deepcopy=False)))
    return study


def _sampler(seed: int) -> optuna.samplers.TPESampler:
    """Seeded with the number of trials so far: a continued search does not repeat its first random settings."""
    with warnings.catch_warnings():
        # Options that Optuna marks as experimental; our tests pin what they do.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(
            seed=seed, multivariate=True, constant_liar=True, n_startup_trials=BATCH
        )


def complete(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Trials that have a result."""
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def _round(
    study: optuna.Study,
    task: str,
    method: str,
    out: Path,
    count: int,
    seeds: Sequence[int],
    budget: int | None,
    workers: int,
) -> None:
    """Ask for trials, train them with all seeds as batches, and tell their results."""
    try:
        asked = [study.ask(space(method)) for _ in range(count)]
    except ValueError as error:
        raise GrokkingError(
            f"The study of {task}/{method} has another search box ({error}): use a new folder"
        ) from error
    tried = [settings(method, trial.params) for trial in asked]
    specs = [RunSpec(task=task, method=m, seed=s, budget=budget) for m in tried for s in seeds]
    records = runner.run_all(specs, out / "runs", workers=workers, selection=True)
    horizon = budget or tasks.get(task).card.budget
    for number, trial in enumerate(asked):
        part = records[number * len(seeds) : (number + 1) * len(seeds)]
        trial.set_user_attr("cpu_s", sum(record["cpu_s"] for record in part))
        trial.set_user_attr("settings", tried[number].model_dump(mode="json"))
        study.tell(trial, objective([record["t_grok"] for record in part], horizon))


def settings(method: str, params: dict[str, Any]) -> Method:
    """Paper settings of a method with the values of a trial in them."""
    return Method.model_validate(methods.get(method).default.model_dump() | params)


def objective(t_grok: list[int | None], horizon: int) -> float:
    """Logarithm of the restricted mean time: a failure counts with the whole horizon."""
    return log(stats.rmst(Times.of(t_grok, horizon), horizon))


def result(study: optuna.Study, task: str, method: str) -> Tuned:
    """Return the best trial of a study, and what finding it cost."""
    best, done = study.best_trial, complete(study)
    return Tuned(
        task=task,
        method=method,
        settings=Method.model_validate(best.user_attrs["settings"]),
        rmst=float(np.exp(best.values[0])),
        trials=len(done),
        on_border=border(best.params),
        importance=importance(study),
        cpu_s=round(sum(trial.user_attrs["cpu_s"] for trial in done), 1),
    )


def border(params: dict[str, Any]) -> tuple[str, ...]:
    """Names of the knobs whose best value lies on the border of the common box (lr within 5 % of an end)."""
    low, high = methods.LR
    found = ["lr"] if any(isclose(params["lr"], end, rel_tol=0.05) for end in (low, high)) else []
    return (*found, "weight_decay") if params["weight_decay"] == methods.DECAYS[-1] else tuple(found)


def importance(study: optuna.Study) -> dict[str, float]:
    """Share of the variance of the objective that each knob explains (functional ANOVA); empty below 4 results."""
    values = {trial.value for trial in complete(study)}
    if len(values) < 4:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return {
        k: round(v, 4) for k, v in optuna.importance.get_param_importances(study, evaluator=evaluator).items()
    }


@dataclass(frozen=True, slots=True)
class Job:
    """One study for one worker."""

    task: str
    method: str
    out: Path
    trials: int
    seeds: tuple[int, ...]
    budget: int

    def work(self) -> Tuned:
        """Run it, or the rest of it."""
        return tune(
            self.task, self.method, self.out, trials=self.trials, seeds=self.seeds, budget=self.budget
        )


def tune_all(
    names: Sequence[str],
    chosen: Sequence[str],
    out: Path,
    *,
    trials: int = 24,
    seeds: Sequence[int] = SEEDS,
    budgets: Mapping[str, int] | None = None,
    workers: int = 1,
    on_done: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Tune every method on every task with the same number of trials; the result is what `bench --tuned` reads.

    Args:
        names: Tasks.
        chosen: Methods; one that a task has no use for is left out there.
        out: Folder of the studies and of `tuned.json`; an unfinished one is continued.
        trials: Trials per study.
        seeds: Tuning seeds.
        budgets: Steps by task, where they are not the task's own.
        workers: Processes; each takes one study after the other.
        on_done: Called with the numbers of studies done and asked for.

    Raises:
        GrokkingError: if a study cannot be opened or a worker died; finished trials stay in the folder.
    """
    wanted = jobs(names, chosen, out, trials=trials, seeds=seeds, budgets=budgets)
    found: dict[Job, Tuned] = {}
    for job, tuned in _finished(wanted, workers):
        found[job] = tuned
        if on_done:
            on_done(len(found), len(wanted))
    return write(found, wanted, out)


def jobs(
    names: Sequence[str],
    chosen: Sequence[str],
    out: Path,
    *,
    trials: int,
    seeds: Sequence[int] = SEEDS,
    budgets: Mapping[str, int] | None = None,
) -> list[Job]:
    """Return the studies of all methods on the tasks they apply to.

    Raises:
        GrokkingError: if no method applies to any of the tasks.
    """
    steps = {name: tasks.get(name).card.budget for name in names} | dict(budgets or {})
    pairs = [(t, m) for t in names for m in chosen if methods.get(m).applies(tasks.get(t).card)]
    if not pairs:
        raise GrokkingError(
            f"None of {', '.join(chosen)} applies to {', '.join(names)}: StableMax needs a softmax in the loss"
        )
    return [Job(t, m, out / t / m, trials, tuple(seeds), steps[t]) for t, m in pairs]


def write(found: Mapping[Job, Tuned], wanted: Sequence[Job], out: Path) -> dict[str, Any]:
    """Write `out/tuned.json`."""
    content = {"seeds": list(wanted[0].seeds), "tuned": [_line(found[job], job.budget) for job in wanted]}
    runner.write_json(out / "tuned.json", content)
    return content


def _finished(jobs: Sequence[Job], workers: int) -> Iterator[tuple[Job, Tuned]]:
    if workers == 1:
        torch.set_num_threads(1)
        yield from ((job, job.work()) for job in jobs)
        return
    with runner.pool(workers) as workplace:
        futures = {workplace.submit(job.work): job for job in jobs}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise GrokkingError(
                f"A worker died; finished trials are kept in {jobs[0].out.parents[1]}: start again to do the rest"
            ) from error
        finally:
            workplace.shutdown(wait=False, cancel_futures=True)


def _line(tuned: Tuned, budget: int) -> dict[str, Any]:
    return {
        "task": tuned.task,
        "method": tuned.method,
        "settings": tuned.settings.model_dump(mode="json", exclude_defaults=True) | {"id": tuned.method},
        "rmst": round(tuned.rmst, 1),
        "horizon": budget,
        "trials": tuned.trials,
        "on_border": list(tuned.on_border),
        "importance": tuned.importance,
        "cpu_s": tuned.cpu_s,
    }
