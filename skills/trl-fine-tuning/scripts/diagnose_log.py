# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Read the log of an SFT or DPO run and name what is wrong with it.

Takes trainer_state.json (from a checkpoint), a JSONL of metrics, or the captured output of the trainer (lines that
are Python dictionaries). Metric names are those of TRL 1.16. Standard library only.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

EXAMPLE = """example:
  python diagnose_log.py out/checkpoint-200/trainer_state.json
  python diagnose_log.py train.log --json

exit status: 0 nothing found, 1 something found, 2 the file holds no log. Thresholds are rules of thumb; log with
logging_steps=1 to see the first step.
"""
WINDOW = 0.2  # share of the rows that counts as start and as end

Row = dict[str, float]
Rows = list[Row]


@dataclass(frozen=True)
class Finding:
    """One fault: its name, the numbers that show it, how to make sure, and what to do."""

    code: str
    evidence: str
    check: str
    cure: str


def number(value: Any) -> float:
    """A float, from a number or from its text; NaN for what is no number."""
    try:
        return math.nan if value is None or isinstance(value, (list, dict)) else float(value)
    except ValueError:
        return math.nan


def parse_line(line: str) -> dict[str, Any] | None:
    """One line of JSONL or one printed dictionary, wherever it starts in the line."""
    start, end = line.find("{"), line.rfind("}")
    for parse in (json.loads, ast.literal_eval) if 0 <= start < end else ():
        try:
            row = parse(line[start : end + 1])
        except (ValueError, SyntaxError):
            continue
        return row if isinstance(row, dict) else None
    return None


def read(path: Path) -> Rows:
    """Training rows of a trainer_state.json, a JSON list, a JSONL, or captured output."""
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        data = json.loads(text)
    except ValueError:
        data = [row for row in map(parse_line, text.splitlines()) if row]
    if isinstance(data, dict):
        data = data.get("log_history", [data])
    rows = [{key: number(value) for key, value in row.items()} for row in data if isinstance(row, dict)]
    return [row for row in rows if "loss" in row]


def column(rows: Rows, key: str) -> list[float]:
    """Values of one metric, without gaps."""
    return [row[key] for row in rows if key in row and not math.isnan(row[key])]


def ends(rows: Rows, key: str) -> tuple[float, float]:
    """Mean of the first and of the last fifth; NaN where the metric is missing."""
    values = column(rows, key)
    size = max(1, round(len(values) * WINDOW))
    if not values:
        return math.nan, math.nan
    return statistics.fmean(values[:size]), statistics.fmean(values[-size:])


def preference(rows: Rows) -> bool:
    """Whether the log is one of DPO."""
    return bool(column(rows, "rewards/margins"))


def not_a_number(rows: Rows) -> Iterator[Finding]:
    """A loss that is no number."""
    bad = [i for i, row in enumerate(rows) if not math.isfinite(row["loss"])]
    if bad:
        yield Finding(
            "loss-is-not-finite",
            f"first in row {bad[0]} of {len(rows)}",
            "load one batch and look for rows without a trained token; is the model in float16?",
            "float32 weights with bf16=True; a lower learning rate",
        )


def nothing_trained(rows: Rows) -> Iterator[Finding]:
    """Loss and gradient exactly 0: every label is -100."""
    norms = column(rows, "grad_norm")
    if norms and not preference(rows) and max(norms) == 0 and not any(column(rows, "loss")):
        yield Finding(
            "nothing-trained",
            "loss and grad_norm are 0 in every row",
            "scripts/check_data.py: the trained share",
            "the mask leaves nothing: completion or assistant columns are empty",
        )


def from_the_start(rows: Rows) -> bool:
    """Whether the first row is the first of the run: as far from 0 as rows are from each other."""
    epochs = column(rows, "epoch")
    return len(epochs) < 2 or epochs[0] <= 1.5 * (epochs[1] - epochs[0])


def reference_is_not_the_start(rows: Rows) -> Iterator[Finding]:
    """The policy differs from its reference before it has learned anything."""
    rewards, margins = column(rows, "rewards/chosen"), column(rows, "rewards/margins")
    if margins and from_the_start(rows) and (abs(margins[0]) > 0.5 or abs(rewards[0]) > 0.5):
        yield Finding(
            "reference-is-not-the-start",
            f"the first row has rewards/chosen {rewards[0]:.3g} and rewards/margins {margins[0]:.3g}; both start at 0",
            "logging_steps=1: is the first loss ln 2 = 0.693?",
            "the reference was read from model.config._name_or_path: precompute_ref_log_probs=True, or ref_model=",
        )


def flat(rows: Rows) -> bool:
    """Whether the margins never leave 0."""
    margins = column(rows, "rewards/margins")
    return bool(margins) and max(map(abs, margins)) < 1e-3


def reference_follows_policy(rows: Rows) -> Iterator[Finding]:
    """Rewards that are exactly 0 all along."""
    rewards = column(rows, "rewards/chosen") + column(rows, "rewards/rejected")
    if len(rows) > 2 and rewards and not any(rewards):
        yield Finding(
            "reference-follows-policy",
            f"rewards are exactly 0 in all {len(rows)} rows",
            "sync_ref_model, ref_model_sync_steps; does ref_model share tensors with the model?",
            "a reference of its own; sync every few hundred steps or never",
        )


def equal_pairs(rows: Rows) -> Iterator[Finding]:
    """Many pairs are the same tokens: they have no margin, and a tie counts as wrong."""
    late = rows[len(rows) // 3 :]
    accuracies, margins = column(late, "rewards/accuracies"), column(late, "rewards/margins")
    if len(rows) < 4 or not accuracies or flat(rows):
        return
    accuracy, margin = statistics.fmean(accuracies), statistics.fmean(margins)
    if accuracy < 0.35 and margin > 0.01:
        yield Finding(
            "pairs-equal-after-truncation",
            f"rewards/accuracies {accuracy:.2f} although rewards/margins {margin:.2g} is positive: ties count as wrong",
            "scripts/check_data.py --stage dpo counts equal pairs",
            "raise max_length, or drop pairs that differ only behind it",
        )


def weights_do_not_move(rows: Rows) -> Iterator[Finding]:
    """Gradients are there and nothing changes."""
    norms = column(rows, "grad_norm")
    if not norms or statistics.fmean(norms) < 1e-2:
        return
    start, end = ends(rows, "loss")
    still = (
        flat(rows) and any(column(rows, "rewards/chosen"))
        if preference(rows)
        else abs(start - end) < 0.01 * abs(start)
    )
    if still and len(rows) > 4:
        what = "rewards/margins stay below 0.001" if preference(rows) else f"loss {start:.4g} -> {end:.4g}"
        yield Finding(
            "weights-do-not-move",
            f"{what} while grad_norm is {statistics.fmean(norms):.3g}",
            "trainer.model.dtype; share of weights that change in 10 steps",
            'dtype="float32" for the instance (bf16=True stays); in float32 already: ten times the learning rate',
        )


def random_labels(rows: Rows) -> Iterator[Finding]:
    """Margins move and do not rise."""
    accuracy, margins = ends(rows, "rewards/accuracies")[1], column(rows, "rewards/margins")
    if margins and not flat(rows) and 0.3 < accuracy < 0.65 and abs(ends(rows, "rewards/margins")[1]) < 0.5:
        equal = any(equal_pairs(rows))
        if not equal and len(rows) > 4:
            yield Finding(
                "random-labels",
                f"rewards/accuracies {accuracy:.2f} at the end, margins {ends(rows, 'rewards/margins')[1]:.2g}",
                "read 20 pairs: is chosen the better one? Does a longer run help?",
                "clean the pairs; for a known share of errors see conservative DPO in references/dpo.md",
            )


def chosen_falls(rows: Rows) -> Iterator[Finding]:
    """The margin grows because both answers become unlikely."""
    chosen, margin = ends(rows, "rewards/chosen")[1], ends(rows, "rewards/margins")[1]
    if margin > 1 and chosen < -1 and chosen < -0.5 * margin:
        yield Finding(
            "chosen-falls",
            f"rewards/chosen {chosen:.2f} with margins {margin:.2f} at the end",
            "logps/chosen: lower than at the start?",
            'loss_type=["sigmoid", "sft"], a lower learning rate, a higher beta',
        )


def saturated(rows: Rows) -> Iterator[Finding]:
    """Pairs are told apart perfectly and the margin grows on: nothing more is learned from them."""
    loss, margin = ends(rows, "loss")[1], ends(rows, "rewards/margins")[1]
    if loss < 0.02 and margin > 8:
        yield Finding(
            "saturated",
            f"loss {loss:.2g}, rewards/margins {margin:.3g} at the end",
            "can a rule (length, format, a phrase) tell chosen from rejected?",
            "a tenth of the learning rate, fewer steps, harder pairs",
        )


def diverges(rows: Rows) -> Iterator[Finding]:
    """The loss ends well above its start."""
    start, end = ends(rows, "loss")
    if len(rows) > 4 and end > 1.5 * start and end - start > 0.2:
        yield Finding(
            "diverges",
            f"loss {start:.3g} -> {end:.3g}, largest grad_norm {max(column(rows, 'grad_norm'), default=math.nan):.3g}",
            "the learning rate at the turn",
            "a third of the learning rate, warmup_steps=0.1",
        )


RULES: tuple[Callable[[Rows], Iterator[Finding]], ...] = (
    not_a_number,
    nothing_trained,
    reference_is_not_the_start,
    reference_follows_policy,
    equal_pairs,
    weights_do_not_move,
    random_labels,
    chosen_falls,
    saturated,
    diverges,
)


def render(findings: list[Finding], rows: Rows) -> str:
    """Lines for people."""
    lines = [f"{len(rows)} rows of {'DPO' if preference(rows) else 'SFT'}"]
    for finding in findings:
        lines += [
            f"{finding.code}: {finding.evidence}",
            f"    check: {finding.check}",
            f"    cure: {finding.cure}",
        ]
    return "\n".join(lines if findings else [*lines, "No findings."])


def main() -> int:
    """Run; 0 clean, 1 findings, 2 no log."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("log", type=Path, help="trainer_state.json, JSONL, or captured output")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    try:
        rows = read(args.log)
    except OSError as error:
        print(f"diagnose_log: {error}", file=sys.stderr)
        return 2
    if not rows:
        print(f"diagnose_log: {args.log} holds no row with a loss", file=sys.stderr)
        return 2
    findings = [finding for rule in RULES for finding in rule(rows)]
    found = {"rows": len(rows), "findings": [asdict(finding) for finding in findings]}
    print(json.dumps(found, indent=2) if args.json else render(findings, rows))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
