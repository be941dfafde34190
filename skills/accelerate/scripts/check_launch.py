# /// script
# requires-python = ">=3.11"
# dependencies = ["pyyaml==6.0.3"]
# ///
"""Say what `accelerate launch --config_file FILE` will really start (accelerate 1.15), and what in the file has no effect.

Reads the file and, if given, the training script; starts nothing and imports nothing of either.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

EXAMPLE = """example:
  python check_launch.py config.yaml --script train.py
  python check_launch.py config.yaml --no-gpu --json

exit status: 0 nothing found, 1 something found, 2 a file cannot be read.
"""
STARTS_MANY = {
    "MULTI_GPU", "MULTI_NPU", "MULTI_MLU", "MULTI_SDAA", "MULTI_MUSA", "MULTI_XPU", "MULTI_HPU", "MULTI_NEURON",
    "FSDP", "DEEPSPEED", "MEGATRON_LM", "XLA", "TPU",
}  # fmt: skip
KNOWN = {
    "compute_environment", "distributed_type", "mixed_precision", "use_cpu", "debug", "num_processes", "machine_rank",
    "num_machines", "gpu_ids", "main_process_ip", "main_process_port", "rdzv_backend", "same_network",
    "main_training_function", "enable_cpu_affinity", "fp8_config", "deepspeed_config", "fsdp_config",
    "parallelism_config", "megatron_lm_config", "mpirun_config", "downcast_bf16", "tpu_name", "tpu_zone",
    "tpu_use_cluster", "tpu_use_sudo", "command_file", "commands", "tpu_vm", "tpu_env", "dynamo_config",
}  # fmt: skip
FSDP1_ONLY = {
    "sharding_strategy",
    "use_orig_params",
    "sync_module_states",
    "backward_prefetch",
    "forward_prefetch",
}


@dataclass(frozen=True)
class Finding:
    """One setting that does not do what it says."""

    code: str
    what: str
    cure: str


def calls(source: str) -> dict[str, Any]:
    """Literal keyword arguments of Accelerator(...) in a script; ... stands for what is no literal."""
    for node in ast.walk(ast.parse(source)):
        name = node.func if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and getattr(name, "id", getattr(name, "attr", "")) == "Accelerator":
            return {word.arg: literal(word.value) for word in node.keywords if word.arg}
    return {}


def literal(node: ast.expr) -> Any:
    """The value of a literal, else Ellipsis."""
    return node.value if isinstance(node, ast.Constant) else ...


def processes(config: dict[str, Any]) -> int:
    """How many processes the launcher starts on this file."""
    hosts = (config.get("mpirun_config") or {}).get("mpirun_hostfile") or config.get("mpirun_hostfile")
    many = str(config.get("distributed_type", "NO")).upper() in STARTS_MANY or hosts
    return int(config.get("num_processes") or 1) if many else 1


def launching(config: dict[str, Any], given: dict[str, Any], *, gpu: bool) -> Iterator[Finding]:
    """Faults of how many processes there are, and of the device."""
    asked, started = int(config.get("num_processes") or 1), processes(config)
    if asked > started:
        kind = config.get("distributed_type", "NO")
        yield Finding("one-process", f"distributed_type {kind} starts 1 process, num_processes {asked} is ignored",
                      "distributed_type: MULTI_GPU, and Accelerator(cpu=True) where there is no GPU")  # fmt: skip
    if started > 1 and not gpu and given.get("cpu") is not True:
        yield Finding("strangers", f"without a GPU {started} processes train alone, each with num_processes 1",
                      "Accelerator(cpu=True) or ACCELERATE_USE_CPU=true")  # fmt: skip
    if config.get("distributed_type") == "FSDP" and given.get("cpu") is True:
        yield Finding("fsdp-on-cpu", "Accelerator(cpu=True) turns FSDP into DDP", "drop cpu=True")
    if "main_process_port" not in config and started > 1:
        yield Finding("port", "port 29500 is shared by all runs on the machine", "main_process_port: 0")


def ineffective(config: dict[str, Any], given: dict[str, Any]) -> Iterator[Finding]:
    """Settings that nobody reads, or that the script overrides."""
    for key in sorted(config.keys() - KNOWN):
        yield Finding("unknown-key", f"{key} is no key of the file: ValueError at the start",
                      f"remove {key}; settings of the loop belong into Accelerator(...)")  # fmt: skip
    precision, own = config.get("mixed_precision"), given.get("mixed_precision")
    if isinstance(precision, str) and own not in (None, ..., precision):
        yield Finding(
            "precision", f"the script's mixed_precision={own!r} wins over {precision!r}", "one of the two"
        )


def sharding(config: dict[str, Any]) -> Iterator[Finding]:
    """Faults of fsdp_config."""
    settings = {
        str(key).removeprefix("fsdp_"): value for key, value in (config.get("fsdp_config") or {}).items()
    }
    if not settings and config.get("distributed_type") != "FSDP":
        return
    two = str(settings.get("version", 1)) == "2"
    if not two:
        yield Finding("fsdp1", "fsdp_version is 1 unless it says 2", "fsdp_version: 2; accelerate to-fsdp2")
    for key in sorted(FSDP1_ONLY & settings.keys()) if two else ():
        yield Finding("fsdp1-key", f"fsdp_{key} has no effect in version 2", f"remove fsdp_{key}")
    offload = str(settings.get("activation_checkpointing_offload", "")).lower() == "true"
    if offload and not (two and str(settings.get("activation_checkpointing", "")).lower() == "true"):
        yield Finding("offload", "activation offload is an error without version 2 and activation checkpointing",
                      "fsdp_activation_checkpointing: true")  # fmt: skip
    by_layer = "TRANSFORMER" in str(settings.get("auto_wrap_policy", "")).upper()
    if by_layer and not settings.get("transformer_layer_cls_to_wrap"):
        yield Finding("no-layer", "no layer class is named: the model's _no_split_modules are taken, if it has them",
                      "fsdp_transformer_layer_cls_to_wrap")  # fmt: skip


def findings(config: dict[str, Any], given: dict[str, Any], *, gpu: bool = True) -> list[Finding]:
    """All faults of a file and the Accelerator call of its script."""
    return [*launching(config, given, gpu=gpu), *ineffective(config, given), *sharding(config)]


def main() -> int:
    """Print what is found."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path)
    parser.add_argument("--script", type=Path, help="the training script")
    parser.add_argument("--no-gpu", action="store_true", help="the machine has no accelerator")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    try:
        config = yaml.safe_load(args.config.read_text(encoding="utf-8"))
        given = calls(args.script.read_text(encoding="utf-8")) if args.script else {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, SyntaxError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if not isinstance(config, dict):
        print(f"error: {args.config} holds no mapping", file=sys.stderr)
        return 2
    found = findings(config, given, gpu=not (args.no_gpu or given.get("cpu") is True))
    if args.json:
        print(json.dumps({"processes": processes(config), "findings": [asdict(one) for one in found]}))
    else:
        print(f"processes: {processes(config)}")
        for one in found:
            print(f"{one.code}: {one.what}\n    cure: {one.cure}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
