"""Scores by the doc_id of the log."""

import json
from pathlib import Path


def join(log: Path, rows: list[dict]) -> dict[int, float]:
    """Return {index in rows: exact_match} for the rows of a samples file."""
    samples = (json.loads(line) for line in log.read_text(encoding="utf-8").splitlines())
    return {sample["doc_id"]: float(sample["exact_match"]) for sample in samples}
