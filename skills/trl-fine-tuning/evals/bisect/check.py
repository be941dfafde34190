"""Compare with the first of the wheels 1.7.0 to 1.16.0 (1.6.0 has none) (transformers 5.23.0) in which each symptom was seen."""

import json
import sys
from pathlib import Path

SINCE = {
    "mask-without-labels": "1.7.0",
    "mask-column-gone": "1.8.0",
    "fewer-rows": "1.9.0",
    "divergence-refused": "1.10.0",
    "end-token-added": "1.14.0",
    "chunked-warns": "1.15.0",
    "first-token-trains": "1.15.0",
    "packing-quiet": "1.16.0",
    "head-refused": "1.7.0",
    "copy-computes-alike": "1.7.0",
    "kto-warns": "1.8.0",
    "smoothing-warns": "1.15.0",
}


def main() -> int:
    """Exit 0 when every symptom has its release."""
    answer = json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))
    print(f"differ: {[name for name in SINCE if answer.get(name) != SINCE[name]]}")
    return 0 if answer == SINCE else 1


if __name__ == "__main__":
    sys.exit(main())
