"""Compare the places called failing with those whose names 1.20.0 no longer has."""

import json
import sys
from pathlib import Path

FAILS = {2, 3, 4, 6, 7, 9, 10, 11}


def main() -> int:
    """Exit 0 when exactly the failing places are named."""
    named = set(json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))["fails"])
    print(f"missed: {sorted(FAILS - named)}; called failing but run: {sorted(named - FAILS)}")
    return 0 if named == FAILS else 1


if __name__ == "__main__":
    sys.exit(main())
