"""Compare with the wheels of trl 1.13.0, verl 0.9.0, openrlhf 0.11.1 and of 1.16.0, 0.9.1, 0.11.2: run on both, 11 and 14 read."""

import json
import sys
from pathlib import Path

EXPECTED = {"fails": set(), "works": {1, 11}, "differs": {6, 14}}


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
