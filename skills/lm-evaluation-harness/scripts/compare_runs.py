# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Say where two runs of one lm-eval task part first: rows, prompts, answers, filter or metric.

Reads two samples_<task>_<date>.jsonl files (lm_eval run --log_samples). Rows are joined by what they hold, for doc_id
belongs to another row when chosen indices were not sorted. Standard library only.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

EXAMPLE = """example:
  python compare_runs.py old/samples_quiz_2026-08-01.jsonl new/samples_quiz_2026-09-01.jsonl
  python compare_runs.py old.jsonl new.jsonl --metric acc_norm --filter none --json

exit status: 0 the runs agree, 1 they part, 2 a file cannot be read.
"""
CAUSES = {
    "rows": "other data: revision of the dataset, split, --limit, --samples, process_docs",
    "prompts": "few-shot seed or split, chat template, delimiter, gen_prefix, version of the task",
    "targets": "doc_to_target or the data changed",
    "answers": "model, dtype, batch size, generation settings, backend",
    "filtered": "the filter changed",
    "scores": "the metric changed",
    "nothing": "nothing differs: for two different models this means one response cache (--use_cache)",
}


@dataclass(frozen=True)
class Report:
    """Where runs part; counts are rows that both have."""

    shared: int
    only_first: int
    only_second: int
    differ: dict[str, int]
    first_difference: str
    cause: str
    mean_first: float | None
    mean_second: float | None
    difference: float | None
    paired_error: float | None


def key(sample: dict[str, Any]) -> str:
    """What a row is known by."""
    return json.dumps([sample["doc"], sample.get("filter")], sort_keys=True)


def read(path: Path, name: str | None) -> dict[str, dict[str, Any]]:
    """Samples of a file by row, those of one filter if it is named.

    Raises:
        ValueError: A line is no sample, or there is none.
    """
    held = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            sample = json.loads(line)
            if name is None or sample.get("filter") == name:
                held[key(sample)] = sample
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}:{number}: no sample of lm-eval ({error!r})") from error
    if not held:
        raise ValueError(f"{path}: no samples" + (f" of the filter {name}" if name else ""))
    return held


def parts(sample: dict[str, Any], metric: str) -> dict[str, Any]:
    """The stages of a score, in order."""
    return {
        "prompts": sample.get("arguments"),
        "targets": sample.get("target"),
        "answers": sample.get("resps"),
        "filtered": sample.get("filtered_resps"),
        "scores": None if sample.get(metric) is None else str(sample[metric]),
    }


def value(sample: dict[str, Any], metric: str) -> float | None:
    """A score that is one number, else None."""
    try:
        return float(sample[metric])
    except (KeyError, TypeError, ValueError):
        return None


def paired(first: list[float], second: list[float]) -> tuple[float, float | None]:
    """Mean difference and its standard error on the same rows."""
    apart = [b - a for a, b in zip(first, second, strict=True)]
    mean, count = sum(apart) / len(apart), len(apart)
    if count < 2:
        return mean, None
    return mean, math.sqrt(sum((one - mean) ** 2 for one in apart) / (count - 1) / count)


def compare(first: dict[str, Any], second: dict[str, Any], metric: str | None = None) -> Report:
    """Find the first stage at which two runs differ.

    Raises:
        ValueError: They have no row in common.
    """
    shared = [one for one in first if one in second]
    if not shared:
        raise ValueError("the two files have no row in common: other data, or another filter")
    named = metric or (first[shared[0]].get("metrics") or ["acc"])[0]
    differ = dict.fromkeys(("prompts", "targets", "answers", "filtered", "scores"), 0)
    for one in shared:
        here, there = parts(first[one], named), parts(second[one], named)
        for stage in differ:
            differ[stage] += here[stage] != there[stage]
    stages = [stage for stage, count in differ.items() if count]
    uneven = len(shared) < max(len(first), len(second))
    at = "rows" if uneven else stages[0] if stages else "nothing"
    pairs = [(value(first[one], named), value(second[one], named)) for one in shared]
    left = [a for a, b in pairs if a is not None and b is not None]
    right = [b for a, b in pairs if a is not None and b is not None]
    difference, error = paired(left, right) if left else (None, None)
    return Report(
        len(shared), len(first) - len(shared), len(second) - len(shared), differ, at, CAUSES[at],
        sum(left) / len(left) if left else None, sum(right) / len(right) if right else None, difference, error,
    )  # fmt: skip


def main() -> int:
    """Print where the runs part."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--metric", help="default: the first one of the log")
    parser.add_argument("--filter", help="only samples of this filter")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    try:
        report = compare(read(args.first, args.filter), read(args.second, args.filter), args.metric)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(asdict(report)))
    else:
        print(
            f"rows in both: {report.shared}; only first: {report.only_first}; only second: {report.only_second}"
        )
        for stage, count in report.differ.items():
            print(f"{stage} differ: {count}")
        print(f"first difference: {report.first_difference}; {report.cause}")
        if report.difference is not None:
            error = "" if report.paired_error is None else f", paired error {report.paired_error:.4f}"
            print(
                f"{report.mean_first:.4f} -> {report.mean_second:.4f}, difference {report.difference:+.4f}{error}"
            )
    return 0 if report.first_difference == "nothing" else 1


if __name__ == "__main__":
    sys.exit(main())
