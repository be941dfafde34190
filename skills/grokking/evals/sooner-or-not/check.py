"""Hold the answer against the restricted means at the horizon that both methods have."""

import json
import sys
from pathlib import Path

BASE = [620, 700, 540, 810, 760, 690, 580, 900, 2000, 640, 730, 850]
NEW = [
    260,
    2000,
    310,
    2000,
    280,
    2000,
    240,
    330,
    2000,
    2000,
    270,
    2000,
]  # at 2,400 is past what base was given


def main() -> int:
    """Exit 0 when ratio, interval and verdict are those of the data."""
    answer = json.loads((Path(sys.argv[1]) / "answer.json").read_text())
    ratio = sum(NEW) / sum(BASE)
    faults = []
    if abs(answer["ratio"] / ratio - 1) > 0.06:
        faults.append(f"ratio {answer['ratio']}, restricted means over 2,000 steps give {ratio:.2f}")
    if not answer["low"] < 1 < answer["high"]:
        faults.append(
            f"interval [{answer['low']}, {answer['high']}]: a paired bootstrap gives about [0.86, 2.04]"
        )
    if answer["verdict"] != "no difference shown":
        faults.append(f"verdict {answer['verdict']!r}")
    print("; ".join(faults) or "ratio, interval and verdict are right")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
