"""Compare the lines with those that vllm 0.33.0 refuses: tests/test_vllm_scripts.py and facts.yaml hold what it says."""

import json
import sys
from pathlib import Path

RIGHT = {2, 3, 5, 6, 9, 10, 12, 14, 15, 17, 18}


def main() -> int:
    """Exit 0 when exactly the right numbers are named."""
    named = set(json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))["refused"])
    print(f"missed: {sorted(RIGHT - named)}; named without reason: {sorted(named - RIGHT)}")
    return 0 if named == RIGHT else 1


if __name__ == "__main__":
    sys.exit(main())
