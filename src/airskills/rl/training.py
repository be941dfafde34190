"""`train(config)`: one run of SFT, DPO, GRPO or RLOO on TRL; `check`: what is wrong with a configuration."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from airskills.rl import config_file
from airskills.rl import trl as trainers
from airskills.rl.callbacks import StopOnCollapse, TrainingMonitor
from airskills.rl.config import Lora, RunConfig
from airskills.rl.errors import SpecError
from airskills.rl.spec import RewardSpec

FILES = {".json": "json", ".jsonl": "json", ".parquet": "parquet", ".csv": "csv"}
NUMBER = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")  # 1e-6, which YAML 1.1 reads as text
GONE = {
    "max_prompt_length": "TRL has no such option any more; filter the dataset by the length of its prompts",
    "use_liger_loss": "TRL has no such option any more; leave it out",
    "rpo_alpha": 'Set loss_type: ["sigmoid", "sft"] and loss_weights',
    "rloo_k": "It is called num_generations now",
    "kl_coef": "It is called beta now",
    "vllm_guided_decoding_regex": "It is called vllm_structured_outputs_regex now",
    "wandb_log_unique_prompts": "It is called log_unique_prompts now",
}


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run did.

    Attributes:
        config: as given.
        history: what the trainer logged, in order.
        steps: optimizer steps.
        wall_s: seconds of training.
        output: folder with the model and `monitor.jsonl`.
        stopped: why the run ended early, or an empty string.
    """

    config: RunConfig
    history: list[dict[str, Any]]
    steps: int
    wall_s: float
    output: Path
    stopped: str = ""

    def series(self, key: str) -> list[float]:
        """Values of one metric, in order; `reward`, `loss`, `entropy` and what else the trainer logs."""
        return [entry[key] for entry in self.history if key in entry]


def train(config: RunConfig) -> RunResult:
    """Train as configured, and save the model under `config.output`.

    Without a GPU, `use_cpu: true` and `bf16: false` are set unless the configuration says otherwise.

    Raises:
        SpecError: for options that the trainer does not know.
    """
    trainer_type, _ = trainers.classes(config.method)
    options: dict[str, Any] = {"peft_config": _adapters(config.lora)} if config.lora else {}
    if config.rewards is not None:
        options["reward_spec"] = config.rewards
    if config.advantage != "trainer":
        options["advantage"] = config.advantage
    monitor, collapse = TrainingMonitor(Path(config.output) / "monitor.jsonl"), StopOnCollapse()
    trainer = trainer_type(
        model=config.model,
        args=arguments(config),
        train_dataset=_dataset(config.dataset),
        callbacks=[monitor, *([collapse] if config.stop_on_collapse else [])],
        **options,
    )
    start = time.perf_counter()
    trainer.train()
    wall_s = time.perf_counter() - start
    trainer.save_model(config.output)
    state = trainer.state
    return RunResult(
        config, state.log_history, state.global_step, wall_s, Path(config.output), collapse.reason
    )


def arguments(config: RunConfig) -> Any:
    """TRL's config of the method.

    Raises:
        SpecError: for options that it does not know or refuses.
    """
    unknown = list(_unknown_options(config.method, config.trainer))
    if unknown:
        key, advice = unknown[0]
        raise SpecError("trainer", 1, f"Unknown option {key!r}", help=advice)
    on_cpu = {} if torch.cuda.is_available() else {"use_cpu": True, "bf16": False}
    defaults = {"report_to": "none", "save_strategy": "no", "logging_steps": 1, **on_cpu}
    given = {key: float(value) if _is_number(value) else value for key, value in config.trainer.items()}
    _, config_type = trainers.classes(config.method)
    Path(config.output).mkdir(parents=True, exist_ok=True)
    try:
        return config_type(output_dir=config.output, seed=config.seed, **{**defaults, **given})
    except (TypeError, ValueError) as error:
        raise SpecError("trainer", 1, f"TRL refuses these options: {error}") from error


def check(path: str | Path) -> list[SpecError]:
    """Every problem of a run configuration, or of a reward spec, in the order of the file."""
    document = config_file.read(path)
    spec_only = "method" not in document.data and isinstance(document.data.get("rewards"), list)
    model: type[RunConfig | RewardSpec] = RewardSpec if spec_only else RunConfig
    try:
        model.model_validate(document.data)
        found = []
    except ValidationError as error:
        found = config_file.problems(model, document, error)
    method, options = document.data.get("method"), document.data.get("trainer")
    if model is RunConfig and method in trainers.METHODS and isinstance(options, dict):
        unknown = _unknown_options(method, options)
        found += [
            SpecError(str(path), document.line(("trainer", key)), f"Unknown key 'trainer.{key}'", help=advice)
            for key, advice in unknown
        ]
    return sorted(found, key=lambda problem: problem.line)


def _unknown_options(method: str, options: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Each option TRL does not know, and what to do about it."""
    _, config_type = trainers.classes(method)
    known = [field.name for field in dataclasses.fields(config_type) if field.init]
    for key in options:
        if key in ("output_dir", "seed", "reward_weights", "multi_objective_aggregation"):
            yield key, "Set output, seed or rewards at the top of the file instead"
        elif key not in known:
            yield key, GONE.get(key) or _meant(key, known, method)


def _meant(key: str, known: list[str], method: str) -> str:
    meant = config_file.suggestion(key, known)
    return meant if meant.startswith("Did") else f"It is not an option of TRL's config for {method}"


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and NUMBER.fullmatch(value) is not None


def _dataset(source: str) -> Any:
    load = import_module("datasets").load_dataset
    kind = FILES.get(Path(source).suffix)
    return load(kind, data_files=source, split="train") if kind else load(source, split="train")


def _adapters(lora: Lora) -> Any:
    from peft import LoraConfig  # noqa: PLC0415 - only runs with adapters need it

    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.target_modules,
        task_type="CAUSAL_LM",
    )
