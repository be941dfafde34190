"""Run the repaired script beside a lab of our own and hold what it writes against the study it leaves."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from shutil import copy

import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import TrialState

HERE = Path(__file__).resolve().parent


def faults(answer: Path, place: Path) -> list[str]:
    """What is wrong with tune.py, run in an empty folder."""
    copy(answer / "tune.py", place)
    copy(HERE / "files" / "lab.py", place)
    out = place / "out"
    out.mkdir()
    command = [sys.executable, "-W", "error::FutureWarning", "tune.py", str(out)]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        return [f"tune.py ended with {done.returncode}: {done.stderr[-300:]}"]
    storage = f"sqlite:///{out / 'study.db'}"
    study = optuna.load_study(study_name=None, storage=storage)
    return [*unfinished(study), *shares(study, json.loads((out / "importance.json").read_text()))]


def unfinished(study: optuna.Study) -> list[str]:
    """Trials that were cut before they could generalize."""
    states = [trial.state for trial in study.trials]
    cut = states.count(TrialState.PRUNED)
    return (
        [f"{cut} of {len(states)} trials were pruned before they could generalize"]
        if cut or len(states) != 40
        else []
    )


def shares(study: optuna.Study, written: dict[str, float]) -> list[str]:
    """Is what was written the share of the variance?"""
    exact = [get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=s)) for s in range(3)]
    mean = {name: sum(e[name] for e in exact) / 3 for name in exact[0]}
    off = max(abs(written.get(name, 0.0) - share) for name, share in mean.items())
    return [f"importance {written}; the shares of the variance are {mean}"] if off > 0.1 else []


def main() -> int:
    """Exit 0 when the study is whole and the table means what it says."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory() as place:
        found = faults(Path(sys.argv[1]), Path(place))
    print("; ".join(found) or "40 whole trials, and shares of the variance")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
