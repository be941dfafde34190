"""Run the answer's cases on a fresh store and count the traces."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import mlflow
from fixtures import answer, store


def main() -> int:
    """Exit 0 when each case has a trace of its own and all draw the same number."""
    store()
    module = answer(sys.argv[1], "cases")
    found, results = module.run(range(4))
    stored = mlflow.search_traces(return_type="list", flush=True)
    outputs = sorted(span.outputs[0] for trace in stored for span in trace.data.spans if not span.parent_id)
    print(f"{found} found by the answer, outputs of the traces in the store: {outputs}")
    right = [number for number, _ in results] == [0, 1, 2, 3] and len({draw for _, draw in results}) == 1
    return 0 if right and found == 4 and outputs == [0, 1, 2, 3] else 1


if __name__ == "__main__":
    sys.exit(main())
