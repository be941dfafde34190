"""Compare the places with what optuna 4.9.0 and 5.0.0 do; every place was run on both."""

import json
import sys
from pathlib import Path

EXPECTED = {"fails": {5, 6, 7, 8, 10}, "works": {18}, "differs": {1, 2, 4}, "warns": {9}}


def main() -> int:
    """Exit 0 when exactly the places that changed are named, each under its kind."""
    answer = json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))
    for kind, places in EXPECTED.items():
        print(
            f"{kind}: missed {sorted(places - set(answer[kind]))}, extra {sorted(set(answer[kind]) - places)}"
        )
    return 0 if {kind: set(answer[kind]) for kind in EXPECTED} == EXPECTED else 1


if __name__ == "__main__":
    sys.exit(main())
