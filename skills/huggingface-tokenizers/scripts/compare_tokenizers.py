# /// script
# requires-python = ">=3.11"
# dependencies = ["tokenizers==0.23.3", "transformers==5.23.0"]
# ///
"""Compare two tokenizers on your own text: same ids or not, length, what is lost, what is unknown, speed.

Each is a folder (loaded by AutoTokenizer) or a tokenizer.json (loaded as it is).
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer

EXAMPLE = """examples:
  python compare_tokenizers.py ./base ./adapted held_out.txt
  python compare_tokenizers.py ./checkpoint ./checkpoint/tokenizer.json sample.txt --json

exit status: 0 the same ids for every line, 1 some differ, 2 wrong usage.
"""


@dataclass(frozen=True)
class Figures:
    """What one tokenizer does with the text."""

    tokens: int
    characters_per_token: float
    bytes_per_token: float
    words_over_4_tokens: float
    unknown: int
    lines_not_reproduced: int
    vocabulary_used: float
    lines_per_second: float


def load(path: Path) -> Tokenizer:
    """The backend of a folder, or of a file as it is; nothing is cut or padded."""
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer

    core = (
        AutoTokenizer.from_pretrained(path).backend_tokenizer
        if path.is_dir()
        else Tokenizer.from_file(str(path))
    )
    core.no_truncation()
    core.no_padding()
    return core


def unknown_id(core: Tokenizer) -> int | None:
    """The id of the unknown token, if the model has one."""
    model: dict[str, Any] = json.loads(core.to_str())["model"]
    if model.get("unk_id") is not None:
        return int(model["unk_id"])
    return core.token_to_id(model["unk_token"]) if model.get("unk_token") else None


def figures(core: Tokenizer, lines: list[str]) -> tuple[Figures, list[list[int]]]:
    """Measure, and return the ids of each line."""
    start = time.perf_counter()
    ids = [encoding.ids for encoding in core.encode_batch_fast(lines, add_special_tokens=False)]
    seconds = time.perf_counter() - start
    words = sorted({word for line in lines for word in line.split()})
    long = sum(len(e.ids) > 4 for e in core.encode_batch_fast(words, add_special_tokens=False))
    tokens = max(sum(map(len, ids)), 1)
    unknown = unknown_id(core)
    return Figures(
        tokens=tokens,
        characters_per_token=round(sum(map(len, lines)) / tokens, 3),
        bytes_per_token=round(sum(len(line.encode()) for line in lines) / tokens, 3),
        words_over_4_tokens=round(long / max(len(words), 1), 4),
        unknown=sum(row.count(unknown) for row in ids) if unknown is not None else 0,
        lines_not_reproduced=sum(
            core.decode(row, skip_special_tokens=False) != line for row, line in zip(ids, lines, strict=True)
        ),
        vocabulary_used=round(len({i for row in ids for i in row}) / core.get_vocab_size(), 4),
        lines_per_second=round(len(lines) / max(seconds, 1e-9)),
    ), ids


def difference(lines: list[str], cores: list[Tokenizer], ids: list[list[list[int]]]) -> dict[str, Any]:
    """How many lines have other ids, and where the first begins to differ."""
    rows = [n for n in range(len(lines)) if ids[0][n] != ids[1][n]]
    result: dict[str, Any] = {"lines": len(lines), "lines_that_differ": len(rows)}
    if rows:
        n = rows[0]
        tokens = [core.encode(lines[n], add_special_tokens=False).tokens for core in cores]
        same = zip(ids[0][n], ids[1][n], strict=False)
        at = next((i for i, (a, b) in enumerate(same) if a != b), min(map(len, tokens)))
        result["first"] = {
            "line": n + 1,
            "token": at + 1,
            "a": tokens[0][at : at + 5],
            "b": tokens[1][at : at + 5],
        }
    return result


def compare(a: Path, b: Path, lines: list[str]) -> dict[str, Any]:
    """Figures of both, and their difference."""
    cores = [load(a), load(b)]
    made = [figures(core, lines) for core in cores]
    result: dict[str, Any] = {name: asdict(figure) for name, (figure, _) in zip("ab", made, strict=True)}
    return result | difference(lines, cores, [ids for _, ids in made])


def render(result: dict[str, Any]) -> str:
    """A table, and the first difference."""
    lines = [f"{'':22}{'a':>14}{'b':>14}"]
    lines += [f"{key:22}{value:>14}{result['b'][key]:>14}" for key, value in result["a"].items()]
    lines.append(f"{result['lines_that_differ']} of {result['lines']} lines have other ids")
    if first := result.get("first"):
        lines.append(f"line {first['line']}, token {first['token']}: {first['a']} and {first['b']}")
    return "\n".join(lines)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    result.add_argument("a", type=Path, help="folder or tokenizer.json")
    result.add_argument("b", type=Path, help="folder or tokenizer.json")
    result.add_argument("text", type=Path, help="text file, one sample a line")
    result.add_argument("--json", action="store_true", help="print one JSON object")
    return result


def main() -> int:
    """Run; 0 same ids, 1 not, 2 usage."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    logging.disable(logging.WARNING)
    args = parser().parse_args()
    try:
        lines = [line for line in args.text.read_text(encoding="utf-8").splitlines() if line]
        result = compare(args.a, args.b, lines)
    except Exception as error:  # noqa: BLE001  (the Rust side raises plain Exception)
        print(f"compare_tokenizers: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    print(json.dumps(result, indent=2, ensure_ascii=False) if args.json else render(result))
    return 1 if result["lines_that_differ"] else 0


if __name__ == "__main__":
    sys.exit(main())
