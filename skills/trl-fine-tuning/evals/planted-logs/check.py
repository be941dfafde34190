"""Compare the named causes with those that were planted."""

import json
import sys
from pathlib import Path

PLANTED = {
    "a": "reference-is-not-the-start",
    "b": "weights-do-not-move",
    "c": "pairs-equal-after-truncation",
    "d": "reference-follows-policy",
    "e": "random-labels",
}


def main() -> int:
    """Exit 0 when all five are right."""
    answer = json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))
    wrong = [f"{log}: {answer.get(log)}" for log, cause in PLANTED.items() if answer.get(log) != cause]
    print("; ".join(wrong) or "all five causes are right")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
