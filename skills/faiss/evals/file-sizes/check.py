"""Compare sizes with those of indexes that faiss-cpu 1.15.1 wrote for 6,400 Gaussian rows of width 64."""

import json
import sys
from pathlib import Path

BYTES = {
    "EDEN2": 24.05,
    "RaBitQ2": 36.05,
    "RaBitQ4": 52.05,
    "IVF64,RaBitQ": 26.67,
    "IVF64,EDEN4": 50.67,
    "IVF64,PQ16np": 36.91,
    "HNSW32,SQ8": 335.80,
    "HNSW16,RaBitQ4": 196.00,
    "IVF64,RaBitQ4,RFlat": 318.68,
}
TOLERANCE = 0.03


def main() -> int:
    """Exit 0 when each size is within 3 %."""
    answer = json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))
    far = {text: answer[text] for text, size in BYTES.items() if abs(answer[text] / size - 1) > TOLERANCE}
    print(f"more than 3 % off: {far}")
    return 1 if far else 0


if __name__ == "__main__":
    sys.exit(main())
