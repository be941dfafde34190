"""Tunes lr and decay with 40 trials and writes best.json and importance.json (Optuna 4.5)."""

import json
import sys
from pathlib import Path

import optuna

from lab import steps_to_generalize, train


def objective(trial: optuna.Trial) -> float:
    """Steps until the run generalizes."""
    lr = trial.suggest_float("lr", 0.0, 1.0)
    decay = trial.suggest_float("decay", 0.0, 1.0)
    curve = []
    for step, accuracy in enumerate(train(lr, decay)):
        curve.append(accuracy)
        trial.report(-accuracy, step)
        if trial.should_prune():
            raise optuna.TrialPruned
    return float(steps_to_generalize(curve))


def main(out: Path) -> None:
    """Tune; write the best settings and the share of the objective's variance that each knob explains."""
    sampler = optuna.samplers.TPESampler(seed=0, consider_prior=True, prior_weight=1.0)
    study = optuna.create_study(f"sqlite:///{out / 'study.db'}", sampler)
    study.set_system_attr("code", "lab 3")
    study.optimize(objective, n_trials=40)
    (out / "best.json").write_text(json.dumps(study.best_params | {"steps": study.best_value}))
    (out / "importance.json").write_text(json.dumps(optuna.importance.get_param_importances(study)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
