"""Compare with what vllm's own cache specifications count: 18 full layers, 18 with a window and all tokens in flight."""

import json
import sys
from pathlib import Path

RIGHT = 5.0674  # GiB


def main() -> int:
    """Exit 0 within 1 %."""
    given = float(json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))["gib"])
    print(f"{given} GiB, right is {RIGHT}")
    return 0 if abs(given - RIGHT) < 0.01 * RIGHT else 1


if __name__ == "__main__":
    sys.exit(main())
