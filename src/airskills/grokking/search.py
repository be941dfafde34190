"""Tuning with the same number of trials for every method, in batches of trials trained as one model.

The study is an SQLite file: a killed search goes on where it was. There is no pruning on test accuracy, which
stays at chance until late in every run that groks.
"""

import warnings
from collections.abc import Sequence
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
    study = _study(out, f"{task}/{method}")
    while (done := len(_complete(study))) < trials:
        _round(study, task, method, out, min(BATCH, trials - done), seeds, budget, workers)
    return _result(study, task, method)


def _study(out: Path, name: str) -> optuna.Study:
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


def _complete(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
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
    default = methods.get(method).default
    settings = [Method.model_validate(default.model_dump() | trial.params) for trial in asked]
    specs = [RunSpec(task=task, method=m, seed=s, budget=budget) for m in settings for s in seeds]
    records = runner.run_all(specs, out / "runs", workers=workers, selection=True)
    horizon = budget or tasks.get(task).card.budget
    for number, trial in enumerate(asked):
        part = records[number * len(seeds) : (number + 1) * len(seeds)]
        trial.set_user_attr("cpu_s", sum(record["cpu_s"] for record in part))
        trial.set_user_attr("settings", settings[number].model_dump(mode="json"))
        study.tell(trial, objective([record["t_grok"] for record in part], horizon))


def objective(t_grok: list[int | None], horizon: int) -> float:
    """Logarithm of the restricted mean time: a failure counts with the whole horizon."""
    return log(stats.rmst(Times.of(t_grok, horizon), horizon))


def _result(study: optuna.Study, task: str, method: str) -> Tuned:
    best, done = study.best_trial, _complete(study)
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
    values = {trial.value for trial in _complete(study)}
    if len(values) < 4:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return {
        k: round(v, 4) for k, v in optuna.importance.get_param_importances(study, evaluator=evaluator).items()
    }


def tune_all(
    names: Sequence[str],
    chosen: Sequence[str],
    out: Path,
    *,
    trials: int = 24,
    budget: int | None = None,
    workers: int = 1,
) -> dict[str, Any]:
    """Tune every method on every task with the same number of trials; the result is what `bench --tuned` reads."""
    torch.set_num_threads(1)
    pairs = [(t, m) for t in names for m in chosen if methods.get(m).applies(tasks.get(t).card)]
    found = [tune(t, m, out / t / m, trials=trials, budget=budget, workers=workers) for t, m in pairs]
    lines = [
        {
            "task": t.task,
            "method": t.method,
            "settings": t.settings.model_dump(mode="json", exclude_defaults=True) | {"id": t.method},
            "rmst": round(t.rmst, 1),
            "trials": t.trials,
            "on_border": list(t.on_border),
            "importance": t.importance,
            "cpu_s": t.cpu_s,
        }
        for t in found
    ]
    result = {"seeds": list(SEEDS), "tuned": lines}
    runner.write_json(out / "tuned.json", result)
    return result
