"""Tunes lr and decay with 40 trials and writes best.json and importance.json (Optuna 5.0)."""

import json
import sys
from pathlib import Path

import optuna
from lab import steps_to_generalize, train


def objective(trial: optuna.Trial) -> float:
    """Steps until the run generalizes. Nothing is pruned: validation accuracy says nothing before the jump."""
    curve = list(train(trial.suggest_float("lr", 0.0, 1.0), trial.suggest_float("decay", 0.0, 1.0)))
    return float(steps_to_generalize(curve))


def main(out: Path) -> None:
    """Tune; write the best settings and the share of the objective's variance that each knob explains."""
    study = optuna.create_study(
        storage=f"sqlite:///{out / 'study.db'}",
        sampler=optuna.samplers.TPESampler(seed=0),
        pruner=optuna.pruners.NopPruner(),
    )
    study.set_user_attr("code", "lab 3")
    study.optimize(objective, n_trials=40)
    (out / "best.json").write_text(json.dumps(study.best_params | {"steps": study.best_value}))
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    (out / "importance.json").write_text(json.dumps({name: float(share) for name, share in shares.items()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
