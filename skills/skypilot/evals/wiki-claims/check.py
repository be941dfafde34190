"""Compare the claims called wrong with those that the facts of this skill refute."""

import json
import sys
from pathlib import Path

WRONG = {2, 4, 6, 7, 9, 12, 13, 14}


def main() -> int:
    """Exit 0 when exactly the wrong claims are named."""
    named = set(json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))["wrong"])
    print(f"missed: {sorted(WRONG - named)}; called wrong but right: {sorted(named - WRONG)}")
    return 0 if named == WRONG else 1


if __name__ == "__main__":
    sys.exit(main())
