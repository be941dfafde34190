# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Say what a training file for sentence-transformers (6.2) will really train, and where its rows contradict the loss.

Reads JSON lines; columns count in the order of the first row, as in `datasets`. Imports nothing of the package.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

EXAMPLE = """example:
  python check_pairs.py train.jsonl --loss MultipleNegativesRankingLoss --batch 64
  python check_pairs.py pairs.jsonl --loss CosineSimilarityLoss --json

exit status: 0 nothing found, 1 something found, 2 the file cannot be read.
"""
LABELS = ("label", "labels", "score", "scores")  # what the data collator takes as the label, first match
LIKELY_LABELS = ("similarity", "target", "relevance", "rating", "gold", "y", "sim")
EXPECTED = {
    "anchor": 0, "query": 0, "question": 0, "sentence1": 0, "sentence_A": 0,
    "positive": 1, "answer": 1, "passage": 1, "document": 1, "sentence2": 1, "sentence_B": 1,
    "negative": 2,
}  # fmt: skip
IN_BATCH = {
    "MultipleNegativesRankingLoss", "CachedMultipleNegativesRankingLoss", "MultipleNegativesSymmetricRankingLoss",
    "CachedMultipleNegativesSymmetricRankingLoss", "GISTEmbedLoss", "CachedGISTEmbedLoss", "MegaBatchMarginLoss",
}  # fmt: skip
RANGES = {"CosineSimilarityLoss": (-1, 1), "ContrastiveLoss": (0, 1), "OnlineContrastiveLoss": (0, 1),
          "BinaryCrossEntropyLoss": (0, 1)}  # fmt: skip
UNLABELED = IN_BATCH | {"TripletLoss"}
BATCHES = 200


@dataclass(frozen=True)
class Finding:
    """One thing that does not train what it seems to."""

    code: str
    what: str
    cure: str


def label_of(columns: list[str]) -> str | None:
    """The column that becomes the label."""
    return next((name for name in LABELS if name in columns), None)


def of_columns(columns: list[str], loss: str) -> Iterator[Finding]:
    """Faults of names, order and number of columns."""
    label = label_of(columns)
    texts = [name for name in columns if name != label]
    for place, name in enumerate(texts):
        if name in LIKELY_LABELS:
            yield Finding("label-name", f"{name} is taken as text: a label is named {', '.join(LABELS)}",
                          f"dataset.rename_column({name!r}, 'label')")  # fmt: skip
        elif name == "id" or name.endswith(("_id", "_ids", "_idx")):
            yield Finding("id-column", f"{name} is embedded and trained as column {place + 1}",
                          f"dataset.remove_columns({name!r})")  # fmt: skip
        elif EXPECTED.get(name, place) != place:
            yield Finding("order", f"{name} is column {place + 1}; the order counts, names do not",
                          f"dataset.select_columns({sorted(texts, key=lambda n: EXPECTED.get(n, 9))})")  # fmt: skip
    if label is None and loss in RANGES:
        yield Finding("no-label", f"{loss} needs a label column", "a column named label")
    if loss == "TripletLoss" and len(texts) != 3:
        yield Finding(
            "count", f"TripletLoss takes 3 text columns, here are {len(texts)}", "anchor, positive, negative"
        )
    if loss == "DistillKLDivLoss" and len(texts) < 3:
        yield Finding("count", f"DistillKLDivLoss takes 3 or more text columns, here are {len(texts)}",
                      "a second passage, and one teacher score for each")  # fmt: skip


def of_labels(rows: list[dict[str, Any]], columns: list[str], loss: str) -> Iterator[Finding]:
    """Faults of label values."""
    label = label_of(columns)
    values = [row.get(label) for row in rows] if label else []
    numbers = [value for value in values if isinstance(value, (int, float))]
    if loss in UNLABELED and numbers and min(numbers) <= 0:
        wrong = sum(value <= 0 for value in numbers)
        yield Finding("label-ignored", f"{loss} ignores {label}: {wrong} rows with {label} <= 0 are trained as positives",
                      "keep the positive rows only, or a loss with labels")  # fmt: skip
    if numbers and loss in RANGES:
        low, high = RANGES[loss]
        if min(numbers) < low or max(numbers) > high:
            yield Finding("label-range", f"{label} runs from {min(numbers):g} to {max(numbers):g}, {loss} wants {low} to {high}",
                          f"scale it to {low} to {high}")  # fmt: skip
    if numbers and loss not in UNLABELED and len(set(numbers)) == 1:
        yield Finding("label-constant", f"{label} is {numbers[0]:g} in all rows", "rows of both kinds")


def of_texts(rows: list[dict[str, Any]], columns: list[str], loss: str, words: int) -> Iterator[Finding]:
    """Faults of single rows."""
    label = label_of(columns)
    texts = [name for name in columns if name != label]
    bad = sum(
        any(not isinstance(row.get(name), str) or not row[name].strip() for name in texts) for row in rows
    )
    if bad:
        yield Finding(
            "no-text",
            f"{bad} rows have a number, nothing or an empty text in a text column",
            "drop or fill them",
        )
    if loss in UNLABELED:
        same = sum(len({str(row.get(name)) for name in texts}) < len(texts) for row in rows)
        if same:
            yield Finding(
                "same-text",
                f"{same} rows hold one text twice",
                "drop them: there is nothing to learn, or a contradiction",
            )
    longest = [name for name in texts if sum(len(str(row.get(name)).split()) > words for row in rows) > 0]
    for name in longest:
        count = sum(len(str(row.get(name)).split()) > words for row in rows)
        yield Finding("cut", f"{count} texts of {name} have more than {words} words: about what max_seq_length keeps",
                      "split them, or raise model.max_seq_length")  # fmt: skip


def collisions(rows: list[dict[str, Any]], column: str, batch: int, seed: int = 0) -> float:
    """Share of rows whose text stands twice in a random batch, over BATCHES draws."""
    draw, size = random.Random(seed), min(batch, len(rows))
    hit = 0
    for _ in range(BATCHES):
        counts = Counter(str(row.get(column)) for row in draw.sample(rows, size))
        hit += sum(count for count in counts.values() if count > 1)
    return hit / (BATCHES * size)


def of_batches(rows: list[dict[str, Any]], columns: list[str], loss: str, batch: int) -> Iterator[Finding]:
    """Faults that only show in a batch."""
    if loss not in IN_BATCH:
        return
    if min(batch, len(rows)) < 2:
        yield Finding("batch", "a batch of one row has no negatives: the loss is 0", "a larger batch")
        return
    for column in [name for name in columns if name != label_of(columns)][:2]:
        share = collisions(rows, column, batch)
        if share > 0.005:
            yield Finding("duplicates", f"{share:.1%} of a batch of {batch} share their {column} with another row: false negatives",
                          "batch_sampler=BatchSamplers.NO_DUPLICATES, or remove duplicates")  # fmt: skip


def findings(rows: list[dict[str, Any]], loss: str, *, batch: int = 32, words: int = 350) -> list[Finding]:
    """All faults of a file."""
    columns = list(rows[0])
    return [
        *of_columns(columns, loss),
        *of_labels(rows, columns, loss),
        *of_texts(rows, columns, loss, words),
        *of_batches(rows, columns, loss, batch),
    ]


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of JSON lines.

    Raises:
        ValueError: A line holds no object, or there is none.
    """
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not rows or not all(isinstance(row, dict) for row in rows):
        message = f"{path} holds no rows: one JSON object a line is needed"
        raise ValueError(message)
    return rows


def main() -> int:
    """Print what is found."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help="JSON lines")
    parser.add_argument("--loss", default="MultipleNegativesRankingLoss", help="name of the loss class")
    parser.add_argument("--batch", type=int, default=32, help="rows in a batch of one device")
    parser.add_argument(
        "--max-words", type=int, default=350, help="words that fit max_seq_length (512 tokens: about 350)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    try:
        rows = read(args.file)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    found = findings(rows, args.loss, batch=args.batch, words=args.max_words)
    label = label_of(list(rows[0]))
    order = [name for name in rows[0] if name != label]
    if args.json:
        print(
            json.dumps(
                {
                    "rows": len(rows),
                    "texts": order,
                    "label": label,
                    "findings": [asdict(one) for one in found],
                }
            )
        )
    else:
        print(f"{len(rows)} rows; texts in order: {', '.join(order)}; label: {label or 'none'}")
        for one in found:
            print(f"{one.code}: {one.what}\n    cure: {one.cure}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
