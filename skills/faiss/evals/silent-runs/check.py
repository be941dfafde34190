"""Compare the verdicts with what faiss-cpu 1.15.1 does: each run was run with 2 threads, and each cure too."""

import json
import sys
from pathlib import Path

RIGHT = {2, 5, 7, 9, 12, 15}
ERROR = {4, 10}
WRONG = {1: "f", 3: "a", 6: "c", 8: "d", 11: "e", 13: "g", 14: "h", 16: "b"}


def main() -> int:
    """Exit 0 when every run has its verdict and every silently wrong one its cure."""
    answer = json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))
    wrong = {int(run): str(cure) for run, cure in answer["wrong"].items()}
    print(
        f"right: {sorted(RIGHT ^ set(answer['right']))}, error: {sorted(ERROR ^ set(answer['error']))} differ"
    )
    print(f"wrong: {sorted(run for run in WRONG.keys() | wrong if WRONG.get(run) != wrong.get(run))} differ")
    return 0 if (set(answer["right"]), set(answer["error"]), wrong) == (RIGHT, ERROR, WRONG) else 1


if __name__ == "__main__":
    sys.exit(main())
