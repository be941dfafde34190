# /// script
# requires-python = ">=3.11"
# dependencies = ["trl==1.16.0", "transformers==5.23.0", "torch==2.13.0", "accelerate==1.15.0", "datasets==5.2.0", "pyyaml==6.0.3"]
# ///
"""Check a GRPO configuration with the pinned TRL, without a GPU and without training.

Reads the YAML or JSON that `trl grpo --config` takes (or a flat file of GRPOConfig fields), builds the real
`GRPOConfig`, prints the batch arithmetic and the memory it implies, and names settings that run and train wrongly.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import json
import math
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel
    from trl import GRPOConfig

EXAMPLE = """example:
  python check_config.py grpo.yaml --rows 7473 --processes 4 --model Qwen3-4B/ --prompt-tokens 512

exit status: 0 nothing found, 1 something found, 2 wrong usage. Levels: error (will not run, or runs zero steps),
warning (runs, and trains something else than meant), note (a rule of thumb is broken).
"""
LORA_LEARNING_RATE = 5e-6  # rule of thumb: below this an adapter hardly moves
BF16_LEARNING_RATE = 1e-3  # at 1e-4, 23 % of bfloat16 weights moved in 10 steps; in float32 all of them
SAMPLING = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty")
# What TRL does not set itself is filled in from the checkpoint's generation_config.json.
LEAKS = (
    "min_p",
    "no_repeat_ngram_size",
    "suppress_tokens",
    "min_new_tokens",
    "min_length",
    "bad_words_ids",
    "typical_p",
)
NUMBERS = ("learning_rate", "beta", "epsilon", "epsilon_high", "temperature", "weight_decay", "max_grad_norm")
SUMMING_LOSSES = ("bnpo", "dr_grpo", "dapo", "cispo")
LOSSES = ("grpo", "bnpo", "dr_grpo", "dapo", "luspo", "cispo", "sapo", "vespo")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing wrong with the configuration."""

    level: str
    code: str
    message: str
    help: str


@dataclasses.dataclass(frozen=True)
class Arithmetic:
    """What the batch settings mean. All counts are over all processes unless they say `device`."""

    completions_per_generation: int
    prompts_per_generation: int
    completions_per_step: int
    prompts_per_step: float
    updates_per_generation: float
    completions_at_once_per_device: int
    steps: int | None


@dataclasses.dataclass(frozen=True)
class Run:
    """Everything the rules look at: the file's values, the real config, the model's folder and the counts."""

    values: dict[str, Any]
    config: GRPOConfig
    arithmetic: Arithmetic
    rows: int | None
    generation: dict[str, Any]

    @property
    def lora(self) -> bool:
        """Whether only an adapter is trained."""
        return bool(self.values.get("use_peft"))


def read(path: Path) -> dict[str, Any]:
    """Read a flat YAML or JSON mapping."""
    import yaml  # comes with trl

    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict):
        raise TypeError(f"{path} holds a {type(data).__name__}; a mapping of settings is expected")
    return data


def known_fields() -> tuple[set[str], set[str]]:
    """Names of GRPOConfig's fields, and of the other groups `trl grpo` accepts in the same file."""
    from trl import DatasetMixtureConfig, GRPOConfig, ModelConfig
    from trl.scripts.grpo import GRPOScriptArguments

    other = (DatasetMixtureConfig, ModelConfig, GRPOScriptArguments)
    own = {field.name for field in dataclasses.fields(GRPOConfig)}
    return own, {field.name for group in other for field in dataclasses.fields(group)} | {"env", "config"}


def unknown_keys(values: dict[str, Any]) -> Iterator[Finding]:
    """Keys that neither GRPOConfig nor the command line knows, with the nearest that exists."""
    own, other = known_fields()
    for key in values:
        if key not in own | other:
            near = difflib.get_close_matches(key, own | other, n=1)
            advice = f"Did you mean {near[0]}?" if near else "Remove it."
            if key == "max_prompt_length":
                advice = "Gone since TRL 0.28: nothing cuts prompts; filter the data set by token count."
            yield Finding("error", "unknown-key", f"{key} is not a setting of TRL 1.16", advice)


def text_numbers(values: dict[str, Any]) -> Iterator[Finding]:
    """YAML 1.1 reads 1e-6 as text: `trl grpo` converts it, `GRPOConfig(**yaml)` keeps the text."""
    for key in NUMBERS:
        if isinstance(values.get(key), str):
            message = (
                f"{key} is the text {values[key]!r}: trl grpo converts it, GRPOConfig(**settings) does not"
            )
            yield Finding("warning", "text-number", message, "In YAML write 1.0e-6, with a dot.")


def build(values: dict[str, Any], processes: int) -> GRPOConfig:
    """Build the real GRPOConfig as it would be with that many processes, on the CPU."""
    from trl import GRPOConfig

    class Simulated(GRPOConfig):
        """GRPOConfig that believes in `processes` devices."""

        world_size = property(lambda _: processes)

    own, _ = known_fields()
    fields: dict[str, Any] = {
        key: float(value) if key in NUMBERS and value is not None else value
        for key, value in values.items()
        if key in own
    }
    cpu: dict[str, Any] = {
        "use_cpu": True,
        "tf32": None,
        "deepspeed": None,
        "fsdp": None,
        "report_to": "none",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # checkpointing was renamed; not what is asked here
        return Simulated(**({"output_dir": "out"} | fields | cpu))


def arithmetic(config: GRPOConfig, rows: int | None) -> Arithmetic:
    """Counts of one generation and of one optimizer step."""
    per_micro = config.per_device_train_batch_size * config.world_size
    per_step = per_micro * config.gradient_accumulation_steps
    prompts = config.generation_batch_size // config.num_generations
    steps = config.max_steps if config.max_steps > 0 else None
    if rows is not None:
        usable = rows // prompts * prompts
        epoch = math.ceil(usable * config.num_generations * config.num_iterations / per_step)
        steps = 0 if usable == 0 else steps or math.ceil(epoch * config.num_train_epochs)
    return Arithmetic(
        completions_per_generation=config.generation_batch_size,
        prompts_per_generation=prompts,
        completions_per_step=per_step,
        prompts_per_step=per_step / config.num_generations,
        updates_per_generation=config.generation_batch_size * config.num_iterations / per_step,
        completions_at_once_per_device=config.per_device_train_batch_size * config.steps_per_generation,
        steps=steps,
    )


def too_few_rows(run: Run) -> Iterator[Finding]:
    """Fewer prompts than one generation needs: training ends at step 0."""
    need = run.arithmetic.prompts_per_generation
    if run.rows is not None and run.rows < need:
        message = (
            f"{run.rows} prompts, but one generation takes {need}: training ends at step 0 without an error"
        )
        yield Finding("error", "too-few-prompts", message, "Lower generation_batch_size or add prompts.")


def few_prompts_per_step(run: Run) -> Iterator[Finding]:
    """The batch size counts completions; a step of one or two prompts is mostly noise."""
    prompts = run.arithmetic.prompts_per_step
    if prompts < 4:
        message = (
            f"{prompts:g} prompt(s) in an optimizer step ({run.arithmetic.completions_per_step} completions)"
        )
        yield Finding(
            "note",
            "few-prompts-per-step",
            message,
            "Raise gradient_accumulation_steps; 8 and more are usual.",
        )


def weights_dtype(run: Run) -> tuple[str, bool]:
    """What the weights are loaded as, and whether that is half precision."""
    dtype = (run.config.model_init_kwargs or {}).get("dtype", run.values.get("dtype", "float32"))
    name = str(dtype).removeprefix("torch.")
    return name, name in ("auto", "bfloat16", "float16")


def casting_generation(run: Run) -> Iterator[Finding]:
    """Continuous batching casts the policy to the half precision of the run, and nothing casts it back."""
    if run.config.use_transformers_continuous_batching and (run.config.bf16 or run.config.fp16):
        yield Finding(
            "warning",
            "casting-generation",
            "use_transformers_continuous_batching casts the trained weights to half precision at the first generation",
            "Generate plainly or with vLLM.",
        )


def bf16_weights(run: Run) -> Iterator[Finding]:
    """Full training of bfloat16 weights at RL learning rates rounds nearly every update away."""
    dtype, half = weights_dtype(run)
    if half and not run.lora and run.config.learning_rate < BF16_LEARNING_RATE:
        message = f"weights load as {dtype} and train at {run.config.learning_rate:g}: almost none of them will change"
        yield Finding(
            "warning",
            "bf16-weights",
            message,
            "dtype: float32 (TRL's default); bf16: true stays, it is autocast.",
        )


def adapter_learning_rate(run: Run) -> Iterator[Finding]:
    """The default learning rate is for full training."""
    if run.lora and run.config.learning_rate < LORA_LEARNING_RATE:
        message = f"LoRA at learning rate {run.config.learning_rate:g}"
        yield Finding(
            "note", "lora-learning-rate", message, "Start at 1.0e-5: the default 1e-6 is for full training."
        )


def unknown_loss(run: Run) -> Iterator[Finding]:
    """A wrong loss name is only noticed in the first step, after the first generation."""
    if run.config.loss_type not in LOSSES:
        advice = (
            "GSPO is loss_type: grpo with importance_sampling_level: sequence."
            if "gspo" in run.config.loss_type
            else ""
        )
        advice = advice or f"One of {', '.join(LOSSES)}."
        yield Finding(
            "error", "unknown-loss", f"loss_type {run.config.loss_type!r} fails in the first step", advice
        )


def cispo_cap(run: Run) -> Iterator[Finding]:
    """For CISPO epsilon_high is the cap of the ratio itself, and unset it is epsilon, 0.2."""
    cap = run.config.epsilon if run.config.epsilon_high is None else run.config.epsilon_high
    if run.config.loss_type == "cispo" and cap < 1:
        message = f"cispo caps every ratio at {cap:g}: the policy term has {cap:g} of its size beside beta and entropy_coef"
        yield Finding("warning", "cispo-cap", message, "epsilon_high: 5.0, as in the ScaleRL setting.")


def loss_levels(run: Run) -> Iterator[Finding]:
    """Loss and importance level that contradict each other."""
    config = run.config
    if config.importance_sampling_level == "sequence" and config.loss_type in SUMMING_LOSSES:
        message = f"sequence ratios with loss_type {config.loss_type} weight each completion by its length"
        yield Finding("warning", "sequence-level", message, "For GSPO set loss_type: grpo.")
    if config.loss_type == "luspo" and config.learning_rate >= 1e-6:
        message = (
            "luspo sums over the tokens: its gradient is about as many times larger as completions are long"
        )
        yield Finding(
            "note",
            "luspo-scale",
            message,
            "Expect max_grad_norm to clip every step; lower the learning rate.",
        )
    masks = ("token_truncate", "token_mask")
    if config.loss_type == "vespo" and config.use_vllm and config.vllm_importance_sampling_mode not in masks:
        message = (
            f"vespo with vLLM refuses vllm_importance_sampling_mode {config.vllm_importance_sampling_mode}"
        )
        yield Finding("error", "vespo-vllm", message, "vllm_importance_sampling_mode: token_truncate.")


def hidden_dead_groups(run: Run) -> Iterator[Finding]:
    """With scale_rewards=batch the log's frac_reward_zero_std looks at the batch, not at the groups."""
    if run.config.scale_rewards == "batch":
        message = "scale_rewards: batch makes frac_reward_zero_std 0 even when every group is constant"
        yield Finding(
            "warning",
            "blind-metric",
            message,
            "Watch grad_norm, or log the share of constant groups yourself.",
        )


def masked_completions(run: Run) -> Iterator[Finding]:
    """Masked completions still set the group's mean, and a batch of them gives no gradient."""
    if run.config.mask_truncated_completions:
        message = "mask_truncated_completions: a batch that is cut everywhere has gradient 0 while its reward varies"
        yield Finding("note", "masked", message, "Keep completions/clipped_ratio below 0.3.")


def sampling_mismatch(run: Run) -> Iterator[Finding]:
    """Samples are drawn from another distribution than the one whose log-probabilities are trained."""
    extra = [key for key in SAMPLING if key in (run.config.generation_kwargs or {})]
    if extra:
        message = (
            f"generation_kwargs sets {', '.join(extra)}: the sampler changes, the log-probabilities do not"
        )
        yield Finding("warning", "sampling-mismatch", message, "Set temperature as a field of GRPOConfig.")
    cut = (
        run.config.top_p < 1 or run.config.top_k > 0 or run.config.min_p or run.config.repetition_penalty != 1
    )
    if cut:
        message = "top_p, top_k, min_p or repetition_penalty: the trainer's log-probabilities ignore the cut"
        yield Finding(
            "warning", "truncated-sampling", message, "Leave them at 1.0, 0, null, 1.0 while training."
        )


def leaking_generation_config(run: Run) -> Iterator[Finding]:
    """Settings of the checkpoint's generation_config.json that TRL does not override."""
    leaks = [key for key in LEAKS if run.generation.get(key)]
    if leaks and not run.config.use_vllm:
        message = (
            f"the checkpoint's generation_config.json sets {', '.join(leaks)}, and it applies to the rollouts"
        )
        yield Finding(
            "warning", "generation-config", message, "Reset those values on model.generation_config."
        )


def off_policy(run: Run) -> Iterator[Finding]:
    """More than one update per generation."""
    updates = run.arithmetic.updates_per_generation
    if updates > 1:
        message = f"{updates:g} updates on each generation: off-policy; only the first has importance ratio 1"
        yield Finding("note", "off-policy", message, "Watch clip_ratio/region_mean; keep it below 0.2.")


def vllm_length(run: Run) -> Iterator[Finding]:
    """vLLM's context must hold prompt and completion."""
    limit = run.config.vllm_max_model_length
    if run.config.use_vllm and limit is not None and limit <= run.config.max_completion_length:
        message = f"vllm_max_model_length {limit} leaves no room for a prompt before {run.config.max_completion_length} tokens"
        yield Finding("error", "vllm-length", message, "Longest prompt + max_completion_length.")


RULES: tuple[Callable[[Run], Iterator[Finding]], ...] = (
    too_few_rows,
    few_prompts_per_step,
    bf16_weights,
    casting_generation,
    adapter_learning_rate,
    unknown_loss,
    cispo_cap,
    loss_levels,
    hidden_dead_groups,
    masked_completions,
    sampling_mismatch,
    leaking_generation_config,
    off_policy,
    vllm_length,
)


def memory(model: Path, run: Run, prompt_tokens: int) -> dict[str, float]:
    """GiB on one device: states without sharding, and the KV cache of generation by transformers."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    settings: PreTrainedConfig = AutoConfig.from_pretrained(model)
    with torch.device("meta"):
        empty: PreTrainedModel = AutoModelForCausalLM.from_config(settings)
    parameters = sum(p.numel() for p in empty.parameters())
    text = settings.get_text_config()
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    size = 2 if weights_dtype(run)[1] else 4  # generation runs outside autocast
    token = 2 * text.num_hidden_layers * heads * head * size  # keys and values
    tokens = prompt_tokens + run.config.max_completion_length
    gib = 1024**3
    states = 4 if run.lora else 16  # float32 base alone, or weights, gradients and two Adam moments
    return {
        "parameters": parameters,
        "states_gib": states * parameters / gib,
        "reference_gib": 4 * parameters / gib if run.config.beta and not run.lora else 0.0,
        "kv_cache_gib": run.arithmetic.completions_at_once_per_device * tokens * token / gib,
    }


def checkpoint_generation(model: Path | None) -> dict[str, Any]:
    """The checkpoint's generation_config.json, or nothing."""
    path = model / "generation_config.json" if model else None
    return json.loads(path.read_text(encoding="utf-8")) if path and path.is_file() else {}


def check(args: argparse.Namespace) -> dict[str, Any]:
    """Read, build, count and apply every rule."""
    values = read(args.config)
    findings = [*unknown_keys(values), *text_numbers(values)]
    bad = {finding.message.split()[0] for finding in findings if finding.code == "unknown-key"}
    try:
        config = build({k: v for k, v in values.items() if k not in bad}, args.processes)
    except (TypeError, ValueError, ImportError) as error:
        findings.append(
            Finding(
                "error", "rejected", f"{type(error).__name__}: {error}", "GRPOConfig itself refuses this."
            )
        )
        return {"findings": [dataclasses.asdict(finding) for finding in findings]}
    counts = arithmetic(config, args.rows)
    run = Run(values, config, counts, args.rows, checkpoint_generation(args.model))
    findings += [finding for rule in RULES for finding in rule(run)]
    report: dict[str, Any] = {"arithmetic": dataclasses.asdict(counts)}
    if args.model:
        report["memory"] = memory(args.model, run, args.prompt_tokens)
    return report | {"findings": [dataclasses.asdict(finding) for finding in findings]}


def render(report: dict[str, Any]) -> str:
    """Lines for people."""
    lines = [
        f"{key:32} {value:g}"
        for part in ("arithmetic", "memory")
        for key, value in report.get(part, {}).items()
        if value is not None
    ]
    for finding in report["findings"]:
        lines += [f"{finding['level']} {finding['code']}: {finding['message']}", f"    {finding['help']}"]
    return "\n".join(lines if report["findings"] else [*lines, "No findings."])


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    result.add_argument("config", type=Path, help="YAML or JSON file of settings")
    result.add_argument("--rows", type=int, help="prompts in the training set")
    result.add_argument("--processes", type=int, default=1, help="devices that train (default 1)")
    result.add_argument(
        "--model", type=Path, help="folder with config.json; adds memory and checks generation_config.json"
    )
    result.add_argument(
        "--prompt-tokens", type=int, default=512, help="tokens in a prompt, for the KV cache (default 512)"
    )
    result.add_argument("--json", action="store_true", help="print one JSON object")
    return result


def main() -> int:
    """Run; 0 clean, 1 findings, 2 usage."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    args = parser().parse_args()
    try:
        report = check(args)
    except (OSError, TypeError, ValueError) as error:
        print(f"check_config: {error}", file=sys.stderr)
        return 2
    print(json.dumps(report, indent=2) if args.json else render(report))
    return 1 if report["findings"] else 0


if __name__ == "__main__":
    sys.exit(main())
