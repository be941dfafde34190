"""Build the answer's configuration with the pinned TRL and look at what would really run."""

import dataclasses
import logging
import sys
import warnings
from pathlib import Path

import yaml
from trl import GRPOConfig, ModelConfig


def problems(values: dict) -> list[str]:
    """What is wrong with the file, in words."""
    own = {field.name for field in dataclasses.fields(GRPOConfig)}
    model = {field.name for field in dataclasses.fields(ModelConfig)}
    unknown = sorted(set(values) - own - model)
    if unknown:
        return [f"unknown keys {unknown}"]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        c = GRPOConfig(
            **{k: v for k, v in values.items() if k in own} | {"use_cpu": True, "report_to": "none"}
        )
    written = {"gradient_checkpointing", "use_liger_kernel"} & set(values)
    dtype = (c.model_init_kwargs or {}).get("dtype", values.get("dtype", "float32"))
    prompts = c.per_device_train_batch_size * c.gradient_accumulation_steps / c.num_generations
    cap = c.epsilon if c.epsilon_high is None else c.epsilon_high
    kwargs = c.generation_kwargs or {}
    return [
        text
        for bad, text in (
            (written and caught, f"deprecated: {sorted(written)}"),
            (str(dtype) != "float32", f"weights in {dtype} do not move at {c.learning_rate}"),
            (c.loss_type != "cispo" or cap < 1, f"cispo with every ratio capped at {cap}"),
            (
                c.temperature != 0.8 or "temperature" in kwargs,
                "log-probabilities are not at the sampling temperature",
            ),
            (c.top_p < 1 or kwargs.get("top_p", 1) < 1, "top_p cuts what is sampled and not what is trained"),
            (
                c.get_warmup_steps(c.max_steps) != 50,
                f"{c.get_warmup_steps(c.max_steps)} warm-up steps instead of 50",
            ),
            (prompts < 8, f"{prompts:g} prompts a step"),
            (not c.activation_checkpointing, "checkpointing was switched off"),
            (
                c.max_completion_length != 2048 or c.entropy_coef != 0.01,
                "a setting that was right has changed",
            ),
        )
        if bad
    ]


def main() -> int:
    """Exit 0 without a problem."""
    logging.disable(logging.ERROR)
    found = problems(yaml.safe_load((Path(sys.argv[1]) / "grpo.yaml").read_text()))
    print("; ".join(found) or "no problem left")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
