"""Compare the places called changed with those where the wheels 1.8.0 and 1.16.0 of TRL differ."""

import json
import sys
from pathlib import Path

CHANGED = {1, 2, 5, 6, 9, 10, 11}


def main() -> int:
    """Exit 0 when exactly these are named."""
    named = set(json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))["changed"])
    print(f"missed: {sorted(CHANGED - named)}; unchanged but named: {sorted(named - CHANGED)}")
    return 0 if named == CHANGED else 1


if __name__ == "__main__":
    sys.exit(main())
