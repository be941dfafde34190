# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Call a reward function exactly as GRPOTrainer of TRL 1.16 does, on a right, a wrong, an empty and a cut answer.

Finds what otherwise shows as a flat reward after an hour: a completion taken for a string when it is a list of
messages, one score for the whole batch, a missing **kwargs, a column that never arrives, equal scores.
Standard library only (the reward's own imports must be installed).
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import inspect
import json
import math
import sys
import types
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

EXAMPLE = """example:
  python probe_reward.py rewards.py:correct --right "So the answer is 7" --wrong "It is 8" --column answer=7
  python probe_reward.py rewards.py:correct --right "7" --wrong "8" --column answer=7 --text

exit status: 0 nothing found, 1 something found, 2 wrong usage.
"""
Reward = Callable[..., Any]


@dataclass(frozen=True)
class Finding:
    """One fault of the reward function."""

    code: str
    message: str
    help: str


def load(target: str) -> Reward:
    """Load `path.py:name`."""
    path, _, name = target.partition(":")
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None or not name:
        raise ValueError(f"{target} is not of the form path.py:function")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(Path(path).resolve().parent))
    spec.loader.exec_module(module)
    reward: Reward = getattr(module, name)
    return reward


def call(reward: Reward, texts: list[str], columns: dict[str, str], *, conversational: bool) -> Any:
    """One call with TRL's arguments: everything by keyword, every column repeated for each completion."""
    size = len(texts)
    prompt: Any = [{"role": "user", "content": "prompt"}] if conversational else "prompt"
    completions: list[Any] = [
        [{"role": "assistant", "content": text}] if conversational else text for text in texts
    ]
    arguments = {
        "prompts": [prompt] * size,
        "completions": completions,
        "completion_ids": [list(range(len(text))) for text in texts],
        "trainer_state": types.SimpleNamespace(global_step=0, max_steps=1, epoch=0.0),
        "log_extra": lambda *_: None,
        "log_metric": lambda *_: None,
    } | {key: [value] * size for key, value in columns.items()}
    result = reward(**arguments)
    return asyncio.run(result) if inspect.iscoroutine(result) else result


def shape(result: Any, size: int) -> list[Finding]:
    """Faults of the returned value itself."""
    try:
        values = list(result)
    except TypeError:
        kind = type(result).__name__
        return [Finding("not-a-list", f"returns a {kind}", "Return one float, or None, per completion.")]
    if len(values) != size:
        message = f"returns {len(values)} values for {size} completions"
        return [Finding("wrong-length", message, "One value per completion; TRL raises ValueError.")]
    bad = [
        value
        for value in values
        if value is not None and not isinstance(value, (int, float)) and not hasattr(value, "item")
    ]
    return [Finding("not-numbers", f"returns {bad[0]!r}", "Return floats.")] if bad else []


def as_float(value: Any) -> float:
    """NaN for None, as in the trainer."""
    return math.nan if value is None else float(value)


def scores(values: list[float]) -> list[Finding]:
    """Faults of the scores of a right, a wrong, an empty and a cut answer."""
    right, wrong = values[0], values[1]
    if all(math.isnan(value) for value in values):
        return [
            Finding("all-none", "None for every completion", "Is a column misspelled? Pass it with --column.")
        ]
    if not right > wrong:
        message = f"the right answer scores {right:g}, the wrong one {wrong:g}"
        return [
            Finding(
                "no-difference",
                message,
                'Conversational completions are lists: read completion[-1]["content"].',
            )
        ]
    best = max((value for value in values[2:] if not math.isnan(value)), default=wrong)
    if best >= right:
        return [
            Finding(
                "empty-wins",
                f"an empty or cut answer scores {best:g}, the right one {right:g}",
                "Score it like a wrong answer.",
            )
        ]
    return []


def signature(reward: Reward) -> list[Finding]:
    """Faults that can be read off the signature."""
    found = []
    kinds = {parameter.kind for parameter in inspect.signature(reward).parameters.values()}
    if inspect.Parameter.VAR_KEYWORD not in kinds:
        found.append(
            Finding(
                "no-kwargs",
                "takes no **kwargs",
                "Add **kwargs: TRL passes prompts, completion_ids and every column.",
            )
        )
    if getattr(reward, "__name__", "") == "<lambda>":
        found.append(
            Finding(
                "lambda", "a lambda has no name of its own", "Use def: metrics of two lambdas are merged."
            )
        )
    return found


def pair(item: str) -> tuple[str, str]:
    """NAME=VALUE as a pair."""
    name, equals, value = item.partition("=")
    if not equals:
        raise ValueError(f"--column {item}: NAME=VALUE is expected")
    return name, value


def probe(
    reward: Reward, args: argparse.Namespace, columns: dict[str, str]
) -> tuple[list[float], list[Finding]]:
    """Signature, one call, a second call for determinism."""
    found = signature(reward)
    texts = [args.right, args.wrong, "", args.right[: len(args.right) // 2]]
    try:
        results = [call(reward, texts, columns, conversational=not args.text) for _ in range(2)]
    except Exception as error:  # noqa: BLE001 - whatever a user's function raises, the run would die of
        return [], [
            *found,
            Finding("raises", f"{type(error).__name__}: {error}", "Catch it inside and return 0.0 or None."),
        ]
    found += shape(results[0], len(texts))
    if {"not-a-list", "wrong-length", "not-numbers"} & {finding.code for finding in found}:
        return [], found
    first, second = ([as_float(value) for value in result] for result in results)
    if repr(first) != repr(second):
        found.append(
            Finding(
                "random",
                f"two equal calls gave {first} and {second}",
                "Noise in the reward is noise in the gradient.",
            )
        )
    return first, found + scores(first)


def render(values: dict[str, float], found: list[Finding]) -> str:
    """Lines for people."""
    lines = [f"{name:6} {value:g}" for name, value in values.items()]
    lines += [f"{finding.code}: {finding.message}\n    {finding.help}" for finding in found]
    return "\n".join(lines if found else [*lines, "No findings."])


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    result.add_argument("reward", help="path.py:function")
    result.add_argument("--right", required=True, help="text of a completion that deserves a high score")
    result.add_argument("--wrong", required=True, help="text of a completion that does not")
    result.add_argument(
        "--column", action="append", default=[], metavar="NAME=VALUE", help="data set column (repeatable)"
    )
    result.add_argument(
        "--text", action="store_true", help="prompts are strings; without it they are conversational"
    )
    result.add_argument("--json", action="store_true", help="print one JSON object")
    return result


def main() -> int:
    """Run; 0 clean, 1 findings, 2 usage."""
    args = parser().parse_args()
    try:
        reward = load(args.reward)
        columns = dict(pair(item) for item in args.column)
    except (OSError, ValueError, AttributeError, ImportError, SyntaxError) as error:
        print(f"probe_reward: {error}", file=sys.stderr)
        return 2
    values, found = probe(reward, args, columns)
    names = ("right", "wrong", "empty", "cut")
    report: dict[str, Any] = {
        "scores": dict(zip(names, values, strict=False)),  # no scores after a fault of the shape
        "findings": [asdict(finding) for finding in found],
    }
    print(json.dumps(report) if args.json else render(report["scores"], found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
