"""Compare the releases named with those found in the wheels."""

import json
import sys
from pathlib import Path

FOUND = {
    "stable": "1.10",
    "experimental": "1.1",
    "server": "1.9",
    "async": "1.11",
    "tools": "1.11",
    "vocabulary": "1.9",
    "accumulation": "1.7",
    "lmbda": "1.8",
    "minillm": "1.14",
    "liger": "1.13",
}


def main() -> int:
    """Exit 0 when every release is right."""
    named: dict[str, str] = json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))
    wrong = {key: (named.get(key), right) for key, right in FOUND.items() if named.get(key) != right}
    print(
        "; ".join(f"{key}: {said}, in the wheels {right}" for key, (said, right) in wrong.items())
        or "all right"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
