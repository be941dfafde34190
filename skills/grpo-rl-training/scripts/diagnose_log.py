# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Read the log of a GRPO run and name what is wrong with it.

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

exit status: 0 nothing found, 1 something found, 2 the file holds no log. Thresholds are rules of thumb.
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
    """A float, from a number or from its text; NaN for None and for what is no number."""
    try:
        return math.nan if value is None or isinstance(value, (list, dict)) else float(value)
    except ValueError:
        return math.nan


def parse_line(line: str) -> dict[str, Any] | None:
    """One line of JSONL or one printed dictionary, wherever it starts in the line."""
    start, end = line.find("{"), line.rfind("}")
    if start < 0 or end < start:
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            row = parse(line[start : end + 1])
        except (ValueError, SyntaxError):
            continue
        return row if isinstance(row, dict) else None
    return None


def read(path: Path) -> Rows:
    """Rows of a trainer_state.json, a JSON list, a JSONL, or captured output; evaluation rows are left out."""
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        data = json.loads(text)
    except ValueError:
        data = [row for row in map(parse_line, text.splitlines()) if row]
    if isinstance(data, dict):
        data = data.get("log_history", [data])
    rows = [{key: number(value) for key, value in row.items()} for row in data if isinstance(row, dict)]
    return [row for row in rows if not any(key.startswith("eval_") for key in row)]


def column(rows: Rows, key: str) -> list[float]:
    """Values of one metric, without gaps."""
    return [row[key] for row in rows if key in row and not math.isnan(row[key])]


def ends(rows: Rows, key: str) -> tuple[float, float]:
    """Mean of the first and of the last fifth; NaN where the metric is missing."""
    values = column(rows, key)
    size = max(1, round(len(values) * WINDOW))
    return (
        (statistics.fmean(values[:size]), statistics.fmean(values[-size:]))
        if values
        else (math.nan, math.nan)
    )


def mean(rows: Rows, key: str) -> float:
    """Mean of one metric over the run; NaN where it is missing."""
    values = column(rows, key)
    return statistics.fmean(values) if values else math.nan


def gain(rows: Rows) -> float:
    """Rise of the reward, in units of its spread from row to row at the start."""
    first, last = ends(rows, "reward")
    values = column(rows, "reward")
    noise = statistics.pstdev(values[: max(2, len(values) // 3)]) if len(values) > 2 else 0.0
    return (last - first) / max(noise, 0.01 * abs(first), 1e-6)


def ended_at_zero(rows: Rows) -> Iterator[Finding]:
    """The summary row is there and no step is."""
    if not column(rows, "reward") and column(rows, "train_runtime"):
        yield Finding(
            "no-steps",
            "the run finished without one optimizer step",
            "compare the rows of the data set with generation_batch_size / num_generations",
            "more prompts or a smaller generation batch; check trainer.state.global_step after train()",
        )


def unscored(rows: Rows) -> Iterator[Finding]:
    """Reward logged as None or NaN."""
    missing = sum("reward" in row and math.isnan(row["reward"]) for row in rows)
    if missing:
        yield Finding(
            "unscored",
            f"reward is None in {missing} of {len(rows)} rows: every function returned None for every completion",
            "call the reward functions on one row of the data set",
            "return a float from at least one function; a misspelled column often arrives as the default None",
        )


def constant_reward(rows: Rows) -> Iterator[Finding]:
    """Every completion of every prompt gets the same score."""
    spread = column(rows, "reward_std")
    if spread and max(spread) < 1e-6:
        yield Finding(
            "constant-reward",
            f"reward_std is 0 in all {len(spread)} rows, reward {mean(rows, 'reward'):.3g}",
            "call the reward on a right and on a wrong answer, in the format of the prompts: for conversational prompts a "
            "completion is a list of messages, so len() is 1 and `answer in completion` is False",
            'read completion[-1]["content"]; if the function is right, the task is too hard: SFT first, or easier prompts',
        )


def dead_groups(rows: Rows) -> Iterator[Finding]:
    """Scores differ between prompts and not within a group."""
    dead, spread = mean(rows, "frac_reward_zero_std"), mean(rows, "reward_std")
    if dead > 0.8 and spread > 1e-6 and mean(rows[: max(1, len(rows) // 4)], "frac_reward_zero_std") > 0.8:
        yield Finding(
            "dead-groups",
            f"frac_reward_zero_std {dead:.2f} from the start while reward_std is {spread:.3g}",
            "look at one group in the completions table: are the texts equal (sampling), or only the scores (reward)?",
            "equal texts: temperature 1.0, no min_p or top_k; equal scores: a graded reward, prompts of middle difficulty",
        )


def solved(rows: Rows) -> Iterator[Finding]:
    """Groups die at the end because the reward is at its top."""
    first, last = ends(rows, "frac_reward_zero_std")
    if last > 0.8 and first < 0.5 and gain(rows) > 2 and not collapsed(rows):
        yield Finding(
            "solved",
            f"reward {ends(rows, 'reward')[0]:.3g} -> {ends(rows, 'reward')[1]:.3g}, dead groups {first:.2f} -> {last:.2f}",
            "compare the last reward with the highest possible one",
            "stop here, or go on with harder prompts: nothing is left to learn from these",
        )


def truncated(rows: Rows) -> Iterator[Finding]:
    """Completions run into the length limit."""
    ratio, ended = mean(rows, "completions/clipped_ratio"), mean(rows, "completions/mean_terminated_length")
    if ratio > 0.8 and gain(rows) < 2:
        never = "no completion ever ended" if ended == 0 else f"those that ended had {ended:.0f} tokens"
        yield Finding(
            "truncated",
            f"completions/clipped_ratio {ratio:.2f} at max length {mean(rows, 'completions/max_length'):.0f}; {never}",
            "print trainer.eos_token_ids and the last tokens of a full answer: is its end token among them?",
            "end token missing: set eos_token, or model.generation_config.eos_token_id; else raise max_completion_length "
            "or switch thinking off with chat_template_kwargs",
        )


def zero_gradient(rows: Rows) -> Iterator[Finding]:
    """No gradient although the metrics of the groups look alive."""
    norms = column(rows, "grad_norm")
    dead = sum(value == 0 for value in norms)
    scored = bool(column(rows, "reward"))
    if scored and norms and dead > len(norms) / 2 and mean(rows, "frac_reward_zero_std") < 0.8:
        masked = mean(rows, "completions/clipped_ratio") > 0.8
        cause = (
            "mask_truncated_completions with every completion cut"
            if masked
            else "scale_rewards='batch' hides dead groups"
        )
        yield Finding(
            "zero-gradient",
            f"grad_norm is 0 in {dead} of {len(norms)} rows, frac_reward_zero_std only {mean(rows, 'frac_reward_zero_std'):.2f}",
            f"likely {cause}; with scale_rewards='group' frac_reward_zero_std tells the truth",
            "raise max_completion_length if all is cut; otherwise treat it as dead groups",
        )


def standstill(rows: Rows) -> Iterator[Finding]:
    """There is a gradient, and neither reward nor entropy moves."""
    first, last = entropies(rows)
    norms = column(rows, "grad_norm")
    alive = bool(norms) and statistics.median(norms) > 0 and mean(rows, "frac_reward_zero_std") < 0.8
    still = abs(last - first) < 0.02 * max(abs(first), 1e-6)
    if len(rows) >= 10 and alive and still and abs(gain(rows)) < 1:
        yield Finding(
            "standstill",
            f"{len(rows)} rows, grad_norm {statistics.median(norms):.3g}, learning rate up to "
            f"{max(column(rows, 'learning_rate'), default=math.nan):.3g}; entropy {first:.3f} -> {last:.3f}, reward flat",
            "print next(model.parameters()).dtype, and the share of weights that changed after 10 steps",
            "bfloat16 weights: load float32 (bf16=True stays); float32: ten times the learning rate, LoRA from 1e-5",
        )


def entropies(rows: Rows) -> tuple[float, float]:
    """Entropy at start and end. An exact 0 means that every token was masked: left out."""
    return ends([row for row in rows if row.get("entropy") != 0], "entropy")


def collapsed(rows: Rows) -> bool:
    """Whether entropy fell to nearly nothing."""
    first, last = entropies(rows)
    return last < 0.1 * first and last < 0.2


def collapse(rows: Rows) -> Iterator[Finding]:
    """The policy became deterministic."""
    if collapsed(rows):
        first, last = entropies(rows)
        dead = ends(rows, "frac_reward_zero_std")[1]
        yield Finding(
            "entropy-collapse",
            f"entropy {first:.3g} -> {last:.3g}, dead groups at the end {dead:.2f}, reward {ends(rows, 'reward')[1]:.3g}",
            "is the last reward the highest possible? then it is solved; else the policy stopped exploring",
            "start again with a lower learning rate; then entropy_coef or use_adaptive_entropy; off-policy epsilon_high=0.28",
        )


def blow_up(rows: Rows) -> Iterator[Finding]:
    """Entropy or KL runs away."""
    first, last = entropies(rows)
    kl = ends(rows, "kl")[1]
    if last > 1.5 * first and last - first > 0.5 and gain(rows) < 1:
        yield Finding(
            "entropy-rise",
            f"entropy {first:.3g} -> {last:.3g} without a gain in reward",
            "read late completions: noise or repetition?",
            "lower learning rate or entropy_coef; check that the reward is not random",
        )
    if kl > 5:
        yield Finding(
            "kl-rise", f"kl {kl:.3g} at the end", "read late completions", "lower learning rate, higher beta"
        )


def sampler_mismatch(rows: Rows) -> Iterator[Finding]:
    """vLLM and the trainer disagree on the probabilities of the same tokens."""
    ratio, smallest = (
        mean(rows, "sampling/importance_sampling_ratio/mean"),
        mean(rows, "sampling/importance_sampling_ratio/min"),
    )
    gap = mean(rows, "sampling/sampling_logp_difference/mean")
    if not math.isnan(ratio) and (abs(ratio - 1) > 0.1 or gap > 0.05):
        dropped = "; a minimum of 0 means that completions were dropped" if smallest == 0 else ""
        yield Finding(
            "sampler-mismatch",
            f"importance ratio {ratio:.3g} (logged after masking), log-probability gap {gap:.3g}{dropped}",
            "top_p, top_k, min_p at their defaults? server started with --logprobs-mode processed_logprobs? same dtype?",
            "small gap, long completions: vllm_importance_sampling_mode='token_truncate'; large gap: fix sampling or dtype",
        )


def off_policy(rows: Rows) -> Iterator[Finding]:
    """Too many updates on one generation, or CISPO with its cap below 1."""
    region, cispo = mean(rows, "clip_ratio/region_mean"), mean(rows[:3], "cispo_clip_ratio")
    if region > 0.2:
        evidence = f"clip_ratio/region_mean {region:.2f}"
        yield Finding(
            "off-policy",
            evidence,
            "num_iterations and steps_per_generation",
            "fewer updates per generation, lower learning rate",
        )
    if cispo > 0.3:
        yield Finding(
            "cispo-cap",
            f"cispo_clip_ratio {cispo:.2f} in the first rows, where every ratio is 1",
            "print args.epsilon_high: unset it is epsilon, 0.2, and for cispo it is the cap itself",
            "epsilon_high=5.0",
        )


def reward_parts(rows: Rows) -> Iterator[Finding]:
    """One reward rises while another falls, or two functions share a name."""
    names = sorted({key.split("/")[1] for row in rows for key in row if key.startswith("rewards/")})
    moves = {name: ends(rows, f"rewards/{name}/mean") for name in names}
    up = [name for name, (first, last) in moves.items() if last - first > 0.1 * max(1, abs(first))]
    down = [name for name, (first, last) in moves.items() if first - last > 0.1 * max(1, abs(first))]
    if up and down:
        yield Finding(
            "reward-trade",
            f"{', '.join(up)} rises while {', '.join(down)} falls",
            "read completions with a high total: is the cheap reward bought with the other?",
            "reward_weights, a gate instead of a sum, or multi_objective_aggregation='normalize_then_sum'",
        )
    if "<lambda>" in names:
        yield Finding(
            "unnamed-reward",
            "rewards/<lambda>/mean",
            "several lambdas share one curve",
            "use def with different names",
        )


def tools(rows: Rows) -> Iterator[Finding]:
    """Tools that are never called, or that fail."""
    calls, failures = mean(rows, "tools/call_frequency"), mean(rows, "tools/failure_frequency")
    if calls == 0:
        yield Finding(
            "tools-unused",
            "tools/call_frequency 0",
            "read a prompt: are the tools in it?",
            "SFT on tool calls first, or a hint in the prompt",
        )
    if failures > 0.5:
        yield Finding(
            "tools-fail",
            f"tools/failure_frequency {failures:.2f}",
            "call the tool with arguments from the table",
            "fix names and types in the docstring",
        )


RULES: tuple[Callable[[Rows], Iterator[Finding]], ...] = (
    ended_at_zero,
    unscored,
    truncated,
    constant_reward,
    dead_groups,
    zero_gradient,
    standstill,
    collapse,
    solved,
    blow_up,
    sampler_mismatch,
    off_policy,
    reward_parts,
    tools,
)


def diagnose(rows: Rows) -> list[Finding]:
    """Apply every rule to the step rows (updates that reuse a generation log no reward), or to all without one."""
    steps = [row for row in rows if "reward" in row or "loss" in row]
    return [finding for rule in RULES for finding in rule(steps or rows)]


def summary(rows: Rows) -> dict[str, list[float]]:
    """First and last fifth of the metrics that are read first."""
    keys = (
        "reward",
        "reward_std",
        "frac_reward_zero_std",
        "entropy",
        "grad_norm",
        "completions/clipped_ratio",
    )
    pairs = {key: ends(rows, key) for key in keys}
    return {
        key: [round(value, 4) for value in pair] for key, pair in pairs.items() if not math.isnan(pair[0])
    }


def render(rows: Rows, findings: list[Finding]) -> str:
    """Lines for people."""
    lines = [f"{key:28} {first:g} -> {last:g}" for key, (first, last) in summary(rows).items()]
    for finding in findings:
        lines += [
            f"{finding.code}: {finding.evidence}",
            f"    check: {finding.check}",
            f"    cure:  {finding.cure}",
        ]
    return "\n".join(lines if findings else [*lines, "No findings."])


def main() -> int:
    """Run; 0 clean, 1 findings, 2 usage."""
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
    if not any("reward" in row or "train_runtime" in row for row in rows):
        print(f"diagnose_log: {args.log} holds no GRPO log: no row has 'reward'", file=sys.stderr)
        return 2
    findings = diagnose(rows)
    report = {
        "rows": len(rows),
        "summary": summary(rows),
        "findings": [asdict(finding) for finding in findings],
    }
    print(json.dumps(report, indent=2) if args.json else render(rows, findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
