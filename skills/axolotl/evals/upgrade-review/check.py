"""Compare the places named with those that the facts of this skill show."""

import json
import sys
from pathlib import Path

CHANGED = {1, 3, 4, 5, 6, 8, 9, 11, 12, 14, 16}


def main() -> int:
    """Exit 0 when exactly those are named."""
    named = set(json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))["changed"])
    print(f"missed: {sorted(CHANGED - named)}; named without reason: {sorted(named - CHANGED)}")
    return 0 if named == CHANGED else 1


if __name__ == "__main__":
    sys.exit(main())
