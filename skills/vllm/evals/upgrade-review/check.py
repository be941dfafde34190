"""Compare the places with those where the wheels 0.26.0 and 0.33.0 behave differently."""

import json
import sys
from pathlib import Path

RIGHT = {1, 2, 4, 6, 8, 9, 11, 13, 14, 16, 17}


def main() -> int:
    """Exit 0 when exactly the right numbers are named."""
    named = set(json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))["changed"])
    print(f"missed: {sorted(RIGHT - named)}; named without reason: {sorted(named - RIGHT)}")
    return 0 if named == RIGHT else 1


if __name__ == "__main__":
    sys.exit(main())
