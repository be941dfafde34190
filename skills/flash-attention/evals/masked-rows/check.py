"""Compare what was said of each row with what the machine of references/gpu.md gave."""

import json
import sys
from pathlib import Path

RIGHT = {
    1: "zeros",
    2: "other",
    3: "zeros",
    4: "zeros",
    5: "zeros",
    6: "zeros",
    7: "zeros",
    8: "zeros",
    9: "mean",
    10: "error",
}


def main() -> int:
    """Exit 0 when every row is right."""
    named: dict[str, str] = json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))
    wrong = [number for number, row in RIGHT.items() if named.get(str(number)) != row]
    print(f"wrong: {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
