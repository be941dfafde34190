"""Compare the places with the wheels of trl 1.12.0 and 1.16.0 (transformers 5.23.0): run on both, 6 and 17 read in 1.12.0."""

import json
import sys
from pathlib import Path

EXPECTED = {"fails": {2, 7, 8, 14, 15, 16, 18}, "differs": {1, 3, 4, 6}}


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
