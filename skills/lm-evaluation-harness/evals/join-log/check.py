"""Log an evaluation of chosen rows with the package's own tracker and compare the answer's scores with the true ones."""

import importlib.util
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import Fixed, right, rows, run, task
from lm_eval.loggers import EvaluationTracker


def main() -> int:
    """Exit 0 when each row has the score that its own answer got, for several orders of the chosen rows."""
    spec = importlib.util.spec_from_file_location("join", Path(sys.argv[1]) / "join.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    data, failed = rows(9), False
    for chosen in ([7, 2, 5], [0, 1], [8, 3], [6]):
        want = {number: float(number % 2) for number in chosen}
        model = Fixed(lambda prompt: right(prompt) if int(right(prompt)) % 2 else "no")
        with tempfile.TemporaryDirectory() as folder:
            tracker = EvaluationTracker(output_path=folder)
            results = run(model, task({"test": data}), samples={"t": chosen}, evaluation_tracker=tracker)
            samples = results.pop("samples")
            tracker.save_results_aggregated(results=results, samples=samples)
            tracker.save_results_samples(task_name="t", samples=samples["t"])
            got = module.join(next(Path(folder).rglob("samples_*.jsonl")), data)
        print(f"rows {chosen}: {got}, expected {want}")
        failed |= {int(key): float(value) for key, value in got.items()} != want
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
