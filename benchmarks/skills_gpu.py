"""What skills say about the memory of a GPU, measured: states, casts, activations, logits, adapters, packing.

`python benchmarks/skills_gpu.py [--part NAME] [--write]`, on CUDA: a Qwen3 of half a billion random weights with a
vocabulary of 151,936 words. Figures are what the allocator of PyTorch gave out, without its reserve.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from measured import conditions, write
from rl_step import tokenizer

WIDTH, LAYERS, VOCABULARY = 1024, 24, 151_936
DEVICE = "cuda"


def model(layers: int | None = None, **options: Any) -> Any:
    """Random weights in float32 on the GPU, or as asked."""
    qwen = import_module("transformers.models.qwen3")
    config = qwen.Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        intermediate_size=3 * WIDTH,
        num_hidden_layers=layers or LAYERS,
        num_attention_heads=16,
        num_key_value_heads=8,
        head_dim=64,
        tie_word_embeddings=True,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    torch.manual_seed(0)
    with torch.device(DEVICE):
        return qwen.Qwen3ForCausalLM(config).to(**{"dtype": torch.float32, **options})


def count(made: Any) -> int:
    """Numbers of all parameters."""
    return sum(parameter.numel() for parameter in made.parameters())


class Gauge:
    """Bytes on the device at the end of a block, and at its highest, above those at its beginning."""

    kept = 0
    peak = 0


@contextmanager
def gauge() -> Iterator[Gauge]:
    """Measure a block."""
    found = Gauge()
    torch.cuda.synchronize()
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    yield found
    torch.cuda.synchronize()
    found.kept = torch.cuda.memory_allocated() - before
    found.peak = torch.cuda.max_memory_allocated() - before


def batch(rows: int, length: int) -> torch.Tensor:
    """Random tokens."""
    return torch.randint(3, 1000, (rows, length), device=DEVICE)


def states() -> dict[str, Any]:
    """Bytes a parameter of weights, gradients and moments, and what the optimizer's step takes on top."""
    found = {}
    for name, options in {"fused": {"fused": True}, "foreach": {"foreach": True}}.items():
        with gauge() as weights:
            made = model()
        optimizer = torch.optim.AdamW(made.parameters(), lr=1e-6, **options)
        with gauge() as rest:
            for parameter in made.parameters():
                parameter.grad = torch.zeros_like(parameter)
            optimizer.step()
        with gauge() as again:
            optimizer.step()
        n = count(made)
        found[name] = {
            "bytes_per_parameter": round((weights.kept + rest.kept) / n, 2),
            "step_on_top": round(again.peak / n, 2),
        }
        del made, optimizer, parameter
    return found


def casts() -> dict[str, Any]:
    """What autocast adds: the bfloat16 copies of float32 weights, kept for the backward pass."""
    made, ids = model(), batch(1, 8)
    n = count(made)
    found = {}
    for name, enabled in (("float32", False), ("bf16 autocast", True)):
        with gauge() as forward, torch.autocast("cuda", torch.bfloat16, enabled=enabled):
            loss = made(input_ids=ids, labels=ids).loss
        loss.backward()
        made.zero_grad()
        del loss
        found[name] = round(forward.kept / n, 2)
    return {"bytes_per_parameter_kept_after_a_forward_pass_of_8_tokens": found}


def activations() -> dict[str, Any]:
    """Bytes a token and layer that a forward pass keeps, in units of the hidden size; with checkpointing and without."""
    made = model()
    base, ids = made.base_model, batch(8, 512)
    found = {}
    for name in ("kept", "checkpointed"):
        if name == "checkpointed":
            made.gradient_checkpointing_enable({"use_reentrant": False})
        made.train()
        sizes = []
        for rows in (4, 8):
            with gauge() as forward, torch.autocast("cuda", torch.bfloat16):
                out = base(input_ids=ids[:rows], use_cache=False).last_hidden_state
            sizes.append(forward.kept)
            del out
        times = []
        for _ in range(4):
            torch.cuda.synchronize()
            start = time.perf_counter()
            with torch.autocast("cuda", torch.bfloat16):
                out = base(input_ids=ids, use_cache=False).last_hidden_state
            out.float().sum().backward()
            torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
            made.zero_grad()
        found[name] = {
            "bytes_per_token_and_layer": round((sizes[1] - sizes[0]) / (4 * 512) / LAYERS),
            "in_units_of_hidden_size": round((sizes[1] - sizes[0]) / (4 * 512) / LAYERS / WIDTH, 1),
            "step_ms": round(statistics.median(times[1:]) * 1e3, 1),
        }
    return found


def logits() -> dict[str, Any]:
    """Bytes a token and word at the peak of loss and gradients of a model of one layer: Transformers, TRL."""
    utils = import_module("trl.trainer.utils")
    found = {}
    ids = batch(8, 512)
    for name in ("transformers", "trl"):
        made = model(layers=1, dtype=torch.bfloat16)
        if name != "transformers":
            utils.add_fused_lm_head(made, outputs=("log_probs", "entropy"))
        options = {} if name == "transformers" else {"fused_lm_head": True}
        for _ in range(2):
            made.zero_grad()
            with gauge() as step:
                made(input_ids=ids, labels=ids, **options).loss.backward()
        found[name] = {
            "peak_gib": round(step.peak / 2**30, 2),
            "bytes_per_token_and_word": round(step.peak / ids.numel() / VOCABULARY, 2),
        }
        del made
    return found


def adapters() -> dict[str, Any]:
    """Bytes of a bfloat16 base with float32 adapters after a step, against 2 N + 16 T."""
    peft = import_module("peft")
    with gauge() as all_of_it:
        config = peft.LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
        wrapped = peft.get_peft_model(model(dtype=torch.bfloat16), config)
        trained = [p for p in wrapped.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=1e-5, fused=True)
        ids = batch(1, 8)
        wrapped(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
    t = sum(p.numel() for p in trained)
    n = count(wrapped) - t
    return {
        "base": n,
        "adapter": t,
        "adapter_dtype": str(trained[0].dtype),
        "measured_mb": round(all_of_it.kept / 2**20, 1),
        "sum_mb": round((2 * n + 16 * t) / 2**20, 1),
    }


class Steps(import_module("transformers").TrainerCallback):  # type: ignore[misc]  # TRL's trainers take no other
    """When each step ended, and the bytes on the device then."""

    def __init__(self) -> None:
        self.ended: list[float] = []
        self.kept = 0

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Note it."""
        torch.cuda.synchronize()
        self.ended.append(time.perf_counter())
        self.kept = torch.cuda.memory_allocated()

    def median_s(self, first: int) -> float:
        """Median length of the steps from `first` on."""
        lengths = [b - a for a, b in pairwise(self.ended)]
        return statistics.median(lengths[first - 1 :])


def grpo() -> dict[str, Any]:
    """Three steps in TRL's trainer as it comes, without checkpointing, with LoRA: memory, and seconds a step."""
    trl, peft = import_module("trl"), import_module("peft")
    data = import_module("datasets").Dataset.from_dict({"prompt": ["1+1=", "2+3="] * 64})
    variants: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "default": ({}, {}),
        "no_checkpointing": ({"gradient_checkpointing": False}, {}),
        "lora": ({}, {"peft_config": peft.LoraConfig(r=16, target_modules="all-linear")}),
    }
    found = {}
    for name, (options, more) in variants.items():
        with tempfile.TemporaryDirectory() as folder, gauge() as run:
            steps = Steps()
            trainer = trl.GRPOTrainer(
                model=model(dtype=torch.bfloat16 if more else torch.float32),
                processing_class=tokenizer(),
                reward_funcs=lambda completions, **_: [float(i % 2) for i in range(len(completions))],
                train_dataset=data,
                callbacks=[steps],
                args=trl.GRPOConfig(
                    folder,
                    per_device_train_batch_size=32,
                    num_generations=8,
                    max_completion_length=128,
                    max_steps=3,
                    report_to="none",
                    save_strategy="no",
                    disable_tqdm=True,
                    **options,
                ),
                **more,
            )
            trainer.train()
        with gauge() as generation:
            trainer._generate_and_score_completions([{"prompt": "1+1="}] * 32)  # noqa: SLF001 - what a step calls
        found[name] = {
            "parameters": count(trainer.model),
            "between_steps_mb": round(steps.kept / 2**20),
            "peak_mb": round(run.peak / 2**20),
            "step_s": round(steps.median_s(1), 2),
            "generation_mb": round(generation.peak / 2**20),
            "kv_cache_mb_two_bytes_each": round(32 * 132 * 2 * LAYERS * 8 * 64 * 2 / 2**20),
        }
        del trainer
    return found


def packing() -> dict[str, Any]:
    """Tokens a second of SFT on rows of 40 to 400 tokens at most 2,048: padded, and packed, with sdpa."""
    trl = import_module("trl")
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(40, 400, (512,), generator=generator).tolist()
    rows = [torch.randint(3, 30, (n,), generator=generator).tolist() for n in lengths]
    data = import_module("datasets").Dataset.from_dict({"input_ids": rows})
    found = {}
    for name, options in {
        "padded": {"per_device_train_batch_size": 9},
        "packed": {"per_device_train_batch_size": 1, "packing": True},
    }.items():
        with tempfile.TemporaryDirectory() as folder, gauge() as run:
            steps = Steps()
            trainer = trl.SFTTrainer(
                model=model(),
                processing_class=tokenizer(),
                train_dataset=data,
                callbacks=[steps],
                args=trl.SFTConfig(
                    folder,
                    max_length=2048,
                    num_train_epochs=1,
                    report_to="none",
                    save_strategy="no",
                    disable_tqdm=True,
                    logging_steps=1000,
                    gradient_checkpointing=False,
                    **options,
                ),
            )
            trainer.train()
        done = trainer.state.global_step
        found[name] = {
            "steps": done,
            "attention": trainer.model.config._attn_implementation,  # noqa: SLF001 - the only place that says it
            "tokens_per_s": round(sum(lengths) / done / steps.median_s(5)),
            "peak_mb": round(run.peak / 2**20),
        }
        del trainer
    return found


PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    part.__name__: part for part in (states, casts, activations, logits, adapters, grpo, packing)
}


def main() -> None:
    """Print the figures; store them if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", action="append", choices=list(PARTS))
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--out", help="file to write in place of the one under results/")
    options = parser.parse_args()
    ran = conditions(("torch", "transformers", "trl", "peft", "accelerate"))
    ran["machine"] = torch.cuda.get_device_name()
    figures: dict[str, Any] = {}
    default = Path(__file__).parent / "results" / "skills_gpu.json"
    for name in options.part or PARTS:
        figures[name] = PARTS[name]()
        print(name, json.dumps(figures[name]), flush=True)
        torch.cuda.empty_cache()
        write(options.out or (str(default) if options.write else None), {**ran, **figures})


if __name__ == "__main__":
    main()
