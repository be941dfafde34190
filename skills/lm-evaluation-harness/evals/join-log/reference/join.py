"""Scores by row, found by what was asked and not by the number in the log."""

import json
from pathlib import Path


def join(log: Path, rows: list[dict]) -> dict[int, float]:
    """Return {index in rows: exact_match} for the rows of a samples file."""
    places = {json.dumps(row, sort_keys=True): number for number, row in enumerate(rows)}
    samples = (json.loads(line) for line in log.read_text(encoding="utf-8").splitlines())
    return {
        places[json.dumps(sample["doc"], sort_keys=True)]: float(sample["exact_match"]) for sample in samples
    }
