"""Compare the lines named with those that the facts of this skill show."""

import json
import sys
from pathlib import Path

DEAD = {4, 9, 15, 16, 17, 26, 30}


def main() -> int:
    """Exit 0 when exactly those are named."""
    named = set(json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))["dead"])
    print(f"missed: {sorted(DEAD - named)}; named without reason: {sorted(named - DEAD)}")
    return 0 if named == DEAD else 1


if __name__ == "__main__":
    sys.exit(main())
