"""Compare the named causes with those that were planted."""

import json
import sys
from pathlib import Path

PLANTED = {
    "a": "dead-groups",
    "b": "weights-do-not-move",
    "c": "all-cut-and-masked",
    "d": "ratio-capped-below-one",
}


def main() -> int:
    """Exit 0 when all four are right."""
    answer = json.loads((Path(sys.argv[1]) / "answer.json").read_text())
    wrong = [f"{log}: {answer.get(log)}" for log, cause in PLANTED.items() if answer.get(log) != cause]
    print("; ".join(wrong) or "all four causes are right")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
