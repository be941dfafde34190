"""Compare the bounds with runs of every function of features.py on the wheels named in the prompt, 1.12.0 to 1.15.1."""

import json
import sys
from pathlib import Path

FIRST = {
    "eden": "1.15.0",
    "graph_of_codes": "1.15.1",
    "fast_means": "1.15.1",
    "careful_means": "1.14.2",
    "many_bits": "1.13.2",
    "packed_bit": "1.13.0",
    "turbo": "1.14.3",
    "turned": "1.14.2",
    "city_block": "1.15.0",
    "within": "1.15.0",
    "same_file": "1.15.1",
}
LAST = {
    "is_panorama": "1.15.0",
    "keep_locks": "1.15.0",
    "train_half": "1.13.2",
    "pointers": "1.12.0",
    "kernels": "1.13.2",
}


def main() -> int:
    """Exit 0 when every bound is right."""
    answer = json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))
    for kind, bounds in (("first", FIRST), ("last", LAST)):
        print(f"{kind}: {[name for name in bounds if answer[kind].get(name) != bounds[name]]} differ")
    return 0 if (answer["first"], answer["last"]) == (FIRST, LAST) else 1


if __name__ == "__main__":
    sys.exit(main())
