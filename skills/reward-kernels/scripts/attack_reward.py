# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Attack a reward before a policy does: score gold answers, wrong answers and hacks made of them, and say what pays.

Calls the function as TRL 1.16, verl 0.9.1 or OpenRLHF 0.11.2 do (batch or row by row, main thread or another, text or
messages, the prompt in front or not). Standard library only; the reward's own imports must be installed.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import inspect
import json
import math
import re
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

EXAMPLE = r"""gold.jsonl: one JSON object a line with "prompt", "completion" (an answer that deserves the full reward) and the columns
of the data set; two rows with different answers at least.

examples:
  python attack_reward.py rewards.py:correct --gold gold.jsonl
  python attack_reward.py rewards.py:compute_score --gold gold.jsonl --framework verl --answer ground_truth
  python attack_reward.py airskills.rl.presets.math_answer --gold gold.jsonl --json

exit status: 0 nothing found, 1 something found, 2 wrong usage.
"""
ANSWERS = ("answer", "solution", "ground_truth", "label")
EOS = "<|im_end|>"  # OpenRLHF decodes special tokens too
SLOW_S = 1.0
FILLER = "Let me check that once more. " * 20
OPERATION = re.compile(r"\d[\d ]*(?:[-+*/^x\u00d7][ ]*\d[\d ]*)+")  # 17 * 23
Row = dict[str, Any]


@dataclass(frozen=True)
class Attack:
    """A text that must not pay, made for one row."""

    kind: str
    row: int
    text: str


@dataclass(frozen=True)
class Finding:
    """What is wrong with the reward."""

    code: str
    message: str
    help: str


def load(target: str) -> Callable[..., Any]:
    """`path.py:name`, or the dotted path of a ready object."""
    path, colon, name = target.partition(":")
    if colon:
        spec = importlib.util.spec_from_file_location(Path(path).stem, path)
        if spec is None or spec.loader is None:
            raise ValueError(f"{path} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.path.insert(0, str(Path(path).resolve().parent))
        spec.loader.exec_module(module)
    else:
        path, _, name = target.rpartition(".")
        module = importlib.import_module(path)
    found: Callable[..., Any] = getattr(module, name)
    return found


class Caller:
    """Calls a reward as one framework does, on texts for rows of the gold file."""

    def __init__(
        self, reward: Callable[..., Any], framework: str, answer: str, *, conversational: bool
    ) -> None:
        self.reward, self.framework, self.answer, self.conversational = (
            reward,
            framework,
            answer,
            conversational,
        )

    def __call__(self, rows: list[Row], texts: list[str]) -> list[float | None]:
        """One score per text; the framework's own treatment of errors."""
        if self.framework == "trl":
            return self._trl(rows, texts)
        one = self._verl if self.framework == "verl" else self._openrlhf
        return [in_thread(one, row, text) for row, text in zip(rows, texts, strict=True)]

    def _trl(self, rows: list[Row], texts: list[str]) -> list[float | None]:
        columns = {
            key: [row.get(key) for row in rows] for key in rows[0] if key not in ("prompt", "completion")
        }
        messages = [[{"role": "assistant", "content": text}] for text in texts]
        prompts = [row["prompt"] for row in rows]
        if self.conversational:
            prompts = [[{"role": "user", "content": prompt}] for prompt in prompts]
        result = self.reward(
            prompts=prompts,
            completions=messages if self.conversational else texts,
            completion_ids=[[ord(character) for character in text] for text in texts],
            trainer_state=types.SimpleNamespace(global_step=0, max_steps=1, epoch=0.0),
            log_extra=lambda *_: None,
            log_metric=lambda *_: None,
            **columns,
        )
        values = list(asyncio.run(result) if inspect.iscoroutine(result) else result)
        if len(values) != len(texts):
            raise ValueError(f"returned {len(values)} values for {len(texts)} completions")
        return [None if value is None else float(value) for value in values]

    def _verl(self, row: Row, text: str) -> float | None:
        extra = {
            key: value
            for key, value in row.items()
            if key not in ("prompt", "completion", "data_source", self.answer)
        }
        result = self.reward(
            data_source=row.get("data_source", "mine"),
            solution_str=text,
            ground_truth=row.get(self.answer),
            extra_info={**extra, "num_turns": None, "rollout_reward_scores": {}},
        )
        result = asyncio.run(result) if inspect.iscoroutine(result) else result
        value = result["score"] if isinstance(result, dict) else result
        return None if value is None else float(value)

    def _openrlhf(self, row: Row, text: str) -> float | None:
        result = self.reward([row["prompt"] + text + EOS], [row["prompt"]], [row.get(self.answer)])
        value = result.get("rewards")
        value = value[0] if hasattr(value, "__len__") else value
        return None if value is None else float(value)


def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """verl and OpenRLHF call rewards outside the main thread, where `signal.alarm` fails."""
    box: dict[str, Any] = {}

    def run() -> None:
        try:
            box["value"] = function(*arguments)
        except Exception as error:  # noqa: BLE001 - handed to the caller
            box["error"] = error

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if "error" in box:
        raise box["error"]
    return box["value"]


def attacks(rows: list[Row], answer: str) -> Iterator[Attack]:
    """Texts that deserve less than the gold answer of their row."""
    for i, row in enumerate(rows):
        gold = row["completion"]
        yield from (
            Attack("empty", i, ""),
            Attack("space", i, " \n"),
            Attack("prompt", i, row["prompt"]),
            Attack("cut", i, gold[: len(gold) // 2]),
            Attack("no-answer", i, without(gold, row.get(answer))),
        )
        other = next((r for r in rows if str(r.get(answer)) != str(row.get(answer))), None)
        if other is None:
            continue
        wrong = other["completion"]
        yield Attack("wrong", i, wrong)
        yield Attack("right-then-wrong", i, f"{gold}\n{wrong}")
        guesses = f"{row.get(answer)} or {other.get(answer)}"
        for kind, guess in (
            ("two-guesses", guesses),
            ("two-guesses-latex", guesses.replace("or", r"\text{ or }")),
        ):
            if swapped := swap(gold, row.get(answer), guess):
                yield Attack(kind, i, swapped)
        for expression in OPERATION.findall(row["prompt"]):
            if swapped := swap(gold, row.get(answer), re.sub("[x\u00d7]", r"\\times ", expression.strip())):
                yield Attack("copied-expression", i, swapped)


def swap(text: str, answer: Any, other: str) -> str:
    """The text with the last occurrence of the answer replaced; empty where it does not occur."""
    before, found, after = text.rpartition(str(answer).strip("$"))
    return before + other + after if found and answer not in (None, "") else ""


def without(text: str, answer: Any) -> str:
    """The text with every occurrence of the answer taken out."""
    bare = str(answer).strip("$")
    return text.replace(bare, "") if bare and answer is not None else ""


def degenerate(row: Row) -> str:
    """What a collapsing policy writes: the tags of its answer over and over, and no end."""
    tags = re.findall(r"</?\w+>|\\boxed\{", row["completion"]) or [row["completion"][:20] or "a"]
    return "".join(f"{tag}a" * 60 for tag in tags) + "x"


def examine(call: Caller, rows: list[Row], full: float, answer: str) -> tuple[list[Row], list[Finding]]:
    """Scores of everything, and what they mean."""
    texts = [row["completion"] for row in rows]
    golds, again = call(rows, texts), call(rows, texts)
    tried = []
    for attack in attacks(rows, answer):
        score, gold = call([rows[attack.row]], [attack.text])[0], golds[attack.row]
        pays = score is not None and gold is not None and score >= gold >= full
        tried.append({**asdict(attack), "score": score, "gold": gold, "pays": pays})
    longer = call(rows, [FILLER + text for text in texts])
    found = [*shape(golds, again, full), *paying(tried), *length(golds, longer)]
    if call.framework == "trl" and len(rows) > 1:
        alone = [call([row], [text])[0] for row, text in zip(rows, texts, strict=True)]
        if repr(alone) != repr(golds):
            message = f"alone the gold answers score {alone[:4]}, together {golds[:4]}"
            advice = "Right for a group reward in TRL; verl and OpenRLHF call row by row."
            found.append(Finding("needs-the-batch", message, advice))
    return tried, [*found, *slow(call, rows[0])]


def paying(tried: list[Row]) -> Iterator[Finding]:
    """One finding for each kind of attack that scores as much as the gold answer of its row."""
    for kind in dict.fromkeys(entry["kind"] for entry in tried if entry["pays"]):
        same = [entry for entry in tried if entry["kind"] == kind]
        hits = [entry for entry in same if entry["pays"]]
        example = f"{hits[0]['text'][:60]!r} ({hits[0]['score']:g})"
        message = f"{kind}: {len(hits)} of {len(same)} score as much as gold, e.g. {example}"
        yield Finding("hack-pays", message, "Make this text score below the gold answer.")


def length(golds: list[float | None], longer: list[float | None]) -> Iterator[Finding]:
    """A finding where filler in front of a gold answer raises its score."""
    pairs = zip(golds, longer, strict=True)
    hits = [(gold, score) for gold, score in pairs if gold is not None and score is not None and score > gold]
    if hits:
        message = (
            f"{len(hits)} of {len(golds)} gold answers score more behind {len(FILLER)} characters of filler, "
        )
        message += f"e.g. {hits[0][0]:g} becomes {hits[0][1]:g}"
        yield Finding("length-pays", message, "No bonus per token or step; penalize above a limit only.")


def slow(call: Caller, row: Row) -> Iterator[Finding]:
    """A finding where repeated tags, as a collapsing policy writes them, take long."""
    text = degenerate(row)
    start = time.process_time()
    call([row], [text])
    spent = time.process_time() - start
    if spent > SLOW_S:
        message = f"{spent:.1f} s of CPU for {len(text)} characters of repeated tags"
        yield Finding(
            "slow-text", message, "Anchor the pattern, or count tags instead of nesting lazy groups."
        )


def shape(first: list[float | None], second: list[float | None], full: float) -> Iterator[Finding]:
    """Faults that the gold answers show."""
    if all(value is None for value in first):
        yield Finding("all-none", "None for every gold answer", "Is a column missing or of another type?")
    below = [i for i, value in enumerate(first) if value is not None and not value >= full]
    if below:
        yield Finding(
            "gold-below-full",
            f"gold answers {below[:5]} score {[first[i] for i in below[:5]]}, not {full:g}",
            "Repair the reward or the row; a policy cannot learn what the grader refuses.",
        )
    if any(value is not None and not math.isfinite(value) for value in first):
        yield Finding("not-finite", "NaN or infinity", "One such row takes its whole group with it in verl.")
    if repr(first) != repr(second):
        yield Finding("random", "two equal calls differ", "Noise in the reward is noise in the gradient.")


def read(path: Path) -> list[Row]:
    """Rows of a JSON lines file."""
    rows: list[Row] = [
        json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()
    ]
    if not rows or not all({"prompt", "completion"} <= set(row) for row in rows):
        raise ValueError(f"{path}: every row needs prompt and completion")
    return rows


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    result.add_argument("reward", help="path.py:function, or a dotted path")
    result.add_argument("--gold", required=True, type=Path, help="JSON lines file of gold answers")
    result.add_argument("--framework", choices=("trl", "verl", "openrlhf"), default="trl")
    result.add_argument(
        "--answer", help=f"column with the answer; the first of {', '.join(ANSWERS)} there is"
    )
    result.add_argument("--text", action="store_true", help="TRL: completions are strings, not messages")
    result.add_argument("--full", type=float, default=1.0, help="full reward (default 1)")
    result.add_argument("--json", action="store_true", help="print one JSON object")
    return result


def main() -> int:
    """Run; 0 clean, 1 findings, 2 usage."""
    args = parser().parse_args()
    try:
        rows, reward = read(args.gold), load(args.reward)
        answer = args.answer or next((name for name in ANSWERS if name in rows[0]), "answer")
    except (OSError, ValueError, AttributeError, ImportError, SyntaxError) as error:
        print(f"attack_reward: {error}", file=sys.stderr)
        return 2
    call = Caller(reward, args.framework, answer, conversational=not args.text)
    try:
        tried, found = examine(call, rows, args.full, answer)
    except Exception as error:  # noqa: BLE001 - whatever a user's function raises, the run would die of
        swallowed = (
            "is swallowed and leaves the row without a reward"
            if args.framework == "openrlhf"
            else "ends the run"
        )
        found = [
            Finding("raises", f"{type(error).__name__}: {error}", f"In {args.framework} this {swallowed}.")
        ]
        tried = []
    print(
        json.dumps({"attacks": tried, "findings": [asdict(finding) for finding in found]})
        if args.json
        else render(tried, found, len(rows))
    )
    return 1 if found else 0


def render(tried: list[Row], found: list[Finding], golds: int) -> str:
    """Lines for people: each kind of attack with its highest score, then the findings."""
    lines = []
    for kind in dict.fromkeys(entry["kind"] for entry in tried):
        same = [entry for entry in tried if entry["kind"] == kind]
        highest = max((e["score"] for e in same if e["score"] is not None), default=None)
        mark = "PAYS" if any(entry["pays"] for entry in same) else "ok"
        lines.append(f"{mark:4} {kind:18} {len(same)} tried, highest score {highest}")
    lines += [f"{finding.code}: {finding.message}\n    {finding.help}" for finding in found]
    return "\n".join([*lines, f"{len(found)} findings on {golds} gold answers, {len(tried)} attacks."])


if __name__ == "__main__":
    sys.exit(main())
