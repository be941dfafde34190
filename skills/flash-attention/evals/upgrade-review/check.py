"""Compare the numbers named with those that the facts and measurements of this skill show."""

import json
import sys
from pathlib import Path

RIGHT = {1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 14, 16}


def main() -> int:
    """Exit 0 when exactly the right numbers are named."""
    named = set(json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))["changed"])
    print(f"missed: {sorted(RIGHT - named)}; named without reason: {sorted(named - RIGHT)}")
    return 0 if named == RIGHT else 1


if __name__ == "__main__":
    sys.exit(main())
