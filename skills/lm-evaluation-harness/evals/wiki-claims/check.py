"""Compare the claims called wrong with those that the facts of this skill refute."""

import json
import sys
from pathlib import Path

EXPECTED = {1, 2, 3, 4, 7, 8, 9, 10, 11}


def main() -> int:
    """Exit 0 when exactly these are named."""
    named = set(json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))["wrong"])
    print(f"missed: {sorted(EXPECTED - named)}; called wrong but right: {sorted(named - EXPECTED)}")
    return 0 if named == EXPECTED else 1


if __name__ == "__main__":
    sys.exit(main())
