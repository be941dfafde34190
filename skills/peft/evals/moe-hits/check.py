"""Compare what is adapted with `targeted_module_names` and `targeted_parameter_names` of peft 0.21.2 on tiny random models."""

import json
import sys
from pathlib import Path

HITS = dict(
    enumerate(
        ["AER", "AER", "AD", "AER", "A", "ADR", "AER", "AER", "A", "AE", "AE", "AE", "A", "ADE"],
        start=1,
    )
)
ROWS = {1: 64, 11: 64, 14: 32}


def main() -> int:
    """Exit 0 when every request has its letters and every row count is right."""
    answer = json.loads((Path(sys.argv[1]) / "answer.json").read_text(encoding="utf-8"))
    hits = {int(request): "".join(sorted(letters)) for request, letters in answer["adapts"].items()}
    rows = {int(request): count for request, count in answer["rows"].items()}
    print(f"adapts: {sorted(request for request in HITS if hits.get(request) != HITS[request])} differ")
    print(f"rows: {sorted(request for request in ROWS if rows.get(request) != ROWS[request])} differ")
    return 0 if (hits, rows) == (HITS, ROWS) else 1


if __name__ == "__main__":
    sys.exit(main())
