"""Compare the lines named with those that skypilot 0.14.1 loads as something else."""

import json
import sys
from pathlib import Path

LINES = {7, 10, 11, 13, 16, 18, 21, 23, 31, 33}


def main() -> int:
    """Exit 0 when exactly the lines are named."""
    named = set(json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))["lines"])
    print(f"missed: {sorted(LINES - named)}; named but sound: {sorted(named - LINES)}")
    return 0 if named == LINES else 1


if __name__ == "__main__":
    sys.exit(main())
