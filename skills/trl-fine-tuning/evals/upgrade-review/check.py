"""Compare the places with what the wheels of trl 1.6.0 and 1.16.0 do (transformers 5.23.0); every place was run on both."""

import json
import sys
from pathlib import Path

EXPECTED = {"fails": {1, 2, 5, 11}, "differs": {4, 6, 7, 18}, "warns": {3, 8, 9, 10}}


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
