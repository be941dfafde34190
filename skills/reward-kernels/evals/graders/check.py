"""Compare scores with those of the graders of trl 1.16.0 (math-verify 0.9.0) and verl 0.9.1; every one was run."""

import json
import sys
from pathlib import Path

SCORES = {
    "accuracy_reward": [1, 1, 1, 0, 0, 1, 1, 1, 0, 1, 0, None],
    "math_reward": [1, 0, 0, 1, 1, 0, 1, 1, 0, 1, 0, 1],
    "math_dapo": [1, -1, -1, 1, -1, -1, -1, -1, 1, -1, -1, 1],
    "gsm8k": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0],
}


def main() -> int:
    """Exit 0 when all scores are right."""
    answer = json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))
    for grader, scores in SCORES.items():
        pairs = enumerate(zip(answer[grader], scores, strict=True), start=1)
        print(f"{grader}: {[number for number, (given, score) in pairs if given != score]} differ")
    return 0 if {grader: answer[grader] for grader in SCORES} == SCORES else 1


if __name__ == "__main__":
    sys.exit(main())
