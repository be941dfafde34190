"""The search of `search`, with trials on a Ray cluster: Ray Tune runs them, the study stays the same SQLite file.

A trial is all tuning seeds of one setting, trained as one batch on one CPU. There is no scheduler that stops
trials: a run that will grok looks like one that will not until late.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
import ray
import torch
from optuna.trial import TrialState
from ray import tune
from ray.tune.search import Searcher

from airskills.grokking import search, tasks
from airskills.grokking.config import Method, RunSpec
from airskills.grokking.errors import GrokkingError
from airskills.grokking.tasks.registry import Task
from airskills.grokking.train import Trainer

METRIC = "objective"


class StudySearcher(Searcher):  # type: ignore[misc]  # ray is not installed where types are checked
    """Ray Tune's view of our study: settings are asked of it, results are told to it."""

    def __init__(self, study: optuna.Study, method: str) -> None:
        super().__init__(metric=METRIC, mode="min")
        self.study, self.method = study, method
        self.asked: dict[str, optuna.Trial] = {}

    def suggest(self, trial_id: str) -> dict[str, Any]:
        """Ask for the settings of one trial."""
        self.asked[trial_id] = trial = self.study.ask(search.space(self.method))
        settings = search.settings(self.method, trial.params).model_dump(mode="json")
        trial.set_user_attr("settings", settings)
        return {"settings": settings}

    def on_trial_complete(
        self,
        trial_id: str,
        result: dict[str, Any] | None = None,
        error: bool = False,  # noqa: FBT001, FBT002 - Ray's signature
    ) -> None:
        """Tell the study; a trial whose worker was lost has failed, and the next start asks for another."""
        trial = self.asked.pop(trial_id)
        if error or result is None or METRIC not in result:
            self.study.tell(trial, state=TrialState.FAIL)
            return
        trial.set_user_attr("cpu_s", result["cpu_s"])
        self.study.tell(trial, result[METRIC])

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the study is on disk."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore."""


def trial(config: dict[str, Any], task: Task, seeds: Sequence[int], budget: int) -> dict[str, float]:
    """Train one setting with all tuning seeds, on a worker."""
    torch.set_num_threads(1)
    method = Method.model_validate(config["settings"])
    specs = [RunSpec(task=task.card.id, method=method, seed=s, budget=budget) for s in seeds]
    results = Trainer(task, specs, selection=True).train()
    value = search.objective([r.outcome.t_grok for r in results], budget)
    return {METRIC: value, "cpu_s": sum(r.cpu_s for r in results)}


def tune_one(job: search.Job, workers: int) -> search.Tuned:
    """Run one study, or the rest of it.

    Raises:
        GrokkingError: if trials failed; finished ones stay in the study, and starting again does the rest.
    """
    study = search.open_study(job.out, f"{job.task}/{job.method}")
    missing = job.trials - len(search.complete(study))
    if missing > 0:
        work = tune.with_parameters(trial, task=tasks.get(job.task), seeds=job.seeds, budget=job.budget)
        searcher = tune.search.ConcurrencyLimiter(
            StudySearcher(study, job.method), min(workers, search.BATCH)
        )
        plan = tune.TuneConfig(search_alg=searcher, num_samples=missing, metric=METRIC, mode="min")
        place = tune.RunConfig(name="ray", storage_path=str(job.out.resolve()), verbose=0)
        found = tune.Tuner(tune.with_resources(work, {"cpu": 1}), tune_config=plan, run_config=place).fit()
        if found.errors:
            raise GrokkingError(
                f"{len(found.errors)} of {missing} trials of {job.task}/{job.method} failed on Ray "
                f"({found.errors[0]}); finished ones are kept in {job.out / 'study.db'}: start again to do the rest"
            )
    return search.result(study, job.task, job.method)


def tune_all(
    names: Sequence[str],
    chosen: Sequence[str],
    out: Path,
    *,
    trials: int = 24,
    budgets: Mapping[str, int] | None = None,
    workers: int = 2,
) -> dict[str, Any]:
    """Do what `search.tune_all` does on the cluster that `RAY_ADDRESS` names, or on `workers` CPUs of this machine."""
    jobs = search.jobs(names, chosen, out, trials=trials, budgets=budgets)
    local = {} if "RAY_ADDRESS" in os.environ else {"num_cpus": workers}
    with ray.init(include_dashboard=False, log_to_driver=False, logging_level="error", **local):
        found = {job: tune_one(job, workers) for job in jobs}
    return search.write(found, jobs, out)
