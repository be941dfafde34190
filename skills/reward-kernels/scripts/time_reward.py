# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Time a reward on a batch of the size you train with, and say which share of a training step it is.

Texts and token ids are made up (Zipf-like ids, lengths between half and all of --tokens). Wall and CPU time are
compared: a reward that waits gains from `async`, one that computes from a kernel or from processes. Standard library
only; the reward's own imports must be installed.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import inspect
import json
import random
import statistics
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

EXAMPLE = """examples:
  python time_reward.py rewards.py:correct --rows 1024 --tokens 512 --column answer=7 --log out/trainer_state.json
  python time_reward.py airskills.rl.presets.repetition_penalty --rows 4096 --tokens 2048 --step-seconds 12 --json

exit status: 0 measured, 1 the reward raised, 2 wrong usage.
"""
SHARE = 0.05  # below it, speeding up the reward is not worth an afternoon
WAITING = 0.5  # CPU over wall time below which a reward mostly waits


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


def batch(rows: int, tokens: int, columns: dict[str, str], *, conversational: bool) -> dict[str, Any]:
    """Keyword arguments as TRL passes them."""
    draw = random.Random(0)
    vocabulary = [int(128_000 ** draw.random()) for _ in range(20_000)]  # log-uniform: few common, many rare
    ids = [draw.choices(vocabulary, k=draw.randint(max(1, tokens // 2), tokens)) for _ in range(rows)]
    texts = [" ".join(f"w{i}" for i in row) for row in ids]
    prompt: Any = [{"role": "user", "content": "prompt"}] if conversational else "prompt"
    return {
        "prompts": [prompt] * rows,
        "completions": [[{"role": "assistant", "content": t}] for t in texts] if conversational else texts,
        "completion_ids": ids,
        "log_extra": lambda *_: None,
        "log_metric": lambda *_: None,
        **{name: [value] * rows for name, value in columns.items()},
    }


def run(reward: Callable[..., Any], arguments: dict[str, Any]) -> tuple[float, float]:
    """Wall and CPU seconds of one call, on new list objects, as each step has them."""
    fresh = {key: list(value) if isinstance(value, list) else value for key, value in arguments.items()}
    fresh["trainer_state"] = types.SimpleNamespace(global_step=0, max_steps=1, epoch=0.0)
    wall, cpu = time.perf_counter(), time.process_time()
    result = reward(**fresh)
    if inspect.iscoroutine(result):
        asyncio.run(result)
    return time.perf_counter() - wall, time.process_time() - cpu


def step_seconds(path: Path) -> float:
    """Median `step_time` of a trainer_state.json of TRL."""
    history = json.loads(path.read_text(encoding="utf-8"))["log_history"]
    times = [entry["step_time"] for entry in history if "step_time" in entry]
    if not times:
        raise ValueError(f"{path} has no step_time; it is logged by GRPOTrainer")
    return statistics.median(times)


def advice(wall: float, cpu: float, first: float, share: float | None) -> list[str]:
    """What to do about it, most useful first."""
    said = []
    if share is not None and share < SHARE:
        said.append(f"{share:.1%} of the step: leave it as it is")
    elif cpu < WAITING * wall:
        said.append(
            "it waits for a process or a network: make it async, TRL runs all async rewards of a step together"
        )
    else:
        said.append(
            "it computes: a kernel for token ids, a process pool for the rest (threads share the GIL)"
        )
    if first > 5 * wall and first - wall > 0.5:
        said.append(
            f"the first call takes {first:.1f} s more (imports, compilation): call it once before training"
        )
    return said


def measure(reward: Callable[..., Any], args: argparse.Namespace, columns: dict[str, str]) -> dict[str, Any]:
    """All figures of one reward."""
    arguments = batch(args.rows, args.tokens, columns, conversational=not args.text)
    tokens = sum(map(len, arguments["completion_ids"]))
    first = run(reward, arguments)[0]
    times = [run(reward, arguments) for _ in range(args.rounds)]
    wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
    step = args.step_seconds if args.log is None else step_seconds(args.log)
    share = None if step is None else wall / step
    return {
        "rows": args.rows,
        "tokens": tokens,
        "wall_ms": round(wall * 1e3, 3),
        "cpu_ms": round(cpu * 1e3, 3),
        "first_call_ms": round(first * 1e3, 3),
        "ns_per_token": round(wall / tokens * 1e9, 2),
        "ms_per_row": round(wall / args.rows * 1e3, 4),
        "step_s": step,
        "share_of_step": None if share is None else round(share, 5),
        "advice": advice(wall, cpu, first, share),
    }


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    result.add_argument("reward", help="path.py:function, or a dotted path")
    result.add_argument("--rows", type=int, default=512, help="completions a step and process (default 512)")
    result.add_argument("--tokens", type=int, default=512, help="longest completion (default 512)")
    result.add_argument("--rounds", type=int, default=5, help="calls; the median counts (default 5)")
    result.add_argument("--column", action="append", default=[], metavar="NAME=VALUE", help="data set column")
    result.add_argument("--text", action="store_true", help="completions are strings, not messages")
    step = result.add_mutually_exclusive_group()
    step.add_argument("--step-seconds", type=float, help="seconds of a whole training step")
    step.add_argument("--log", type=Path, help="trainer_state.json of a run, to read them from")
    result.add_argument("--json", action="store_true", help="print one JSON object")
    return result


def main() -> int:
    """Measure; 0 done, 1 the reward raised, 2 usage."""
    args = parser().parse_args()
    if min(args.rows, args.tokens, args.rounds) < 1:
        print("time_reward: --rows, --tokens and --rounds must be 1 or more", file=sys.stderr)
        return 2
    try:
        columns = dict(item.split("=", 1) for item in args.column)
        reward = load(args.reward)
        if args.log is not None:
            step_seconds(args.log)
    except (OSError, ValueError, KeyError, AttributeError, ImportError, SyntaxError) as error:
        print(f"time_reward: {error}", file=sys.stderr)
        return 2
    try:
        report = measure(reward, args, columns)
    except Exception as error:  # noqa: BLE001 - whatever a user's function raises
        print(f"time_reward: the reward raised {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(json.dumps(report) if args.json else render(report))
    return 0


def render(report: dict[str, Any]) -> str:
    """Lines for people."""
    share = "" if report["share_of_step"] is None else f", {report['share_of_step']:.2%} of a step"
    lines = [
        f"{report['wall_ms']:g} ms for {report['rows']} completions ({report['ns_per_token']:g} ns/token{share})",
        f"first call {report['first_call_ms']:g} ms, CPU {report['cpu_ms']:g} ms",
    ]
    return "\n".join([*lines, *report["advice"]])


if __name__ == "__main__":
    sys.exit(main())
