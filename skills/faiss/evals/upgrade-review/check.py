"""Compare the places with what the wheels of faiss-cpu 1.14.3 and 1.15.1 do; every place was run on both."""

import json
import sys
from pathlib import Path

EXPECTED = {"fails": {1, 10}, "works": {8, 11, 14}, "differs": {3, 4, 6}}


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
