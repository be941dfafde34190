"""Compare the claims named with those that the facts of this skill show."""

import json
import sys
from pathlib import Path

WRONG = {1, 3, 4, 5, 8, 9, 10, 11, 12}


def main() -> int:
    """Exit 0 when exactly those are named."""
    named = set(json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))["wrong"])
    print(f"missed: {sorted(WRONG - named)}; named without reason: {sorted(named - WRONG)}")
    return 0 if named == WRONG else 1


if __name__ == "__main__":
    sys.exit(main())
