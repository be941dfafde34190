"""Share of a real GRPO step that is spent in rewards: plain Python against the kernels, on a small model.

`python benchmarks/rl_step.py [--write] [--device cuda]`: four token rewards, the same model, prompts and seed; backends
alternate in one process. The tiny model generates cheaply, so its share is an upper bound of what a real one sees. On
CUDA also a model of half a billion random weights, and on one of its batches the loss with TRL's output layer and ours.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

from airskills.rl.callbacks import TrainingMonitor
from airskills.rl.rewards import DistinctN, PatternMatch, RepetitionPenalty, SoftOverlong
from airskills.rl.trl import GRPOTrainer
from measured import conditions, write

BATCH, GROUP = 64, 8


@dataclass(frozen=True)
class Size:
    """A model, how many tokens it writes, and how many steps are measured after the first."""

    vocabulary: int
    width: int
    inner: int
    layers: int
    heads: int
    length: int
    steps: int


SIZES = {
    "tiny": Size(31, 64, 128, 2, 4, length=128, steps=3),
    "half_billion": Size(151_936, 896, 4864, 24, 14, length=256, steps=2),
}


def tokenizer() -> Any:
    """One token per character."""
    words = {word: i for i, word in enumerate(["<pad>", "<eos>", "<unk>", *"0123456789abcdefghijklmnop+="])}
    core = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(""), "isolated")
    core.decoder = decoders.Fuse()
    fast = import_module("transformers").PreTrainedTokenizerFast
    return fast(tokenizer_object=core, pad_token="<pad>", eos_token="<eos>", padding_side="left")


def model(size: Size) -> Any:
    """Random weights: 86 thousand parameters, or half a billion."""
    llama = import_module("transformers.models.llama")
    torch.manual_seed(0)
    return llama.LlamaForCausalLM(
        llama.LlamaConfig(
            vocab_size=size.vocabulary,
            hidden_size=size.width,
            intermediate_size=size.inner,
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            tie_word_embeddings=size.layers > 2,
            pad_token_id=0,
            eos_token_id=1,
            bos_token_id=None,
        )
    )


def make_trainer(size: Size, backend: str, device: str, folder: str, **options: Any) -> Any:
    """One with four token rewards."""
    words = tokenizer()
    rewards = [
        RepetitionPenalty(3, backend=backend),
        DistinctN(1, backend=backend),
        PatternMatch([[3, 4], [5, 6, 7]], backend=backend),
        SoftOverlong(size.length, size.length // 4, backend=backend),
    ]
    return GRPOTrainer(
        model=model(size),
        processing_class=words,
        reward_funcs=rewards,
        train_dataset=import_module("datasets").Dataset.from_dict({"prompt": ["1+1=", "2+3="] * 64}),
        args=import_module("trl").GRPOConfig(
            output_dir=folder,
            use_cpu=device == "cpu",
            bf16=device == "cuda",
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            gradient_checkpointing=False,
            logging_steps=1,
            per_device_train_batch_size=BATCH,
            num_generations=GROUP,
            max_completion_length=size.length,
            max_steps=size.steps + 1,
        ),
        **options,
    )


def run(size: Size, backend: str, device: str) -> list[dict[str, float]]:
    """Records of all steps but the first, which warms up."""
    monitor = TrainingMonitor()
    with tempfile.TemporaryDirectory() as folder:
        make_trainer(size, backend, device, folder, callbacks=[monitor]).train()
    return monitor.records[1:]


def shares(size: Size, rounds: int, device: str) -> dict[str, Any]:
    """Medians for plain Python and the kernels, which alternate."""
    records: dict[str, list[dict[str, float]]] = {"python": [], "numba": []}
    for _ in range(rounds):
        for backend in records:
            records[backend] += run(size, backend, device)
    return {
        backend: {
            key: float(f"{statistics.median(record[key] for record in found):.4g}")
            for key in ("rewards_share", "rewards_s", "step_s")
        }
        for backend, found in records.items()
    }


def output_layers(size: Size, rounds: int) -> dict[str, Any]:
    """Milliseconds and peak memory of loss and gradients on one batch, with TRL's output layer and with ours."""
    times: dict[str, list[float]] = {"trl": [], "fused": []}
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        trainers = {
            name: make_trainer(size, "numba", "cuda", folder, fused_head=name == "fused") for name in times
        }
        batch = trainers["trl"]._generate_and_score_completions([{"prompt": "1+1="}] * BATCH)  # noqa: SLF001 - what the trainer calls
        for turn in range(rounds + 2):
            for name, trainer in trainers.items():
                trainer.current_gradient_accumulation_steps = 1
                torch.cuda.reset_peak_memory_stats()
                before = torch.cuda.memory_allocated()
                torch.cuda.synchronize()
                start = time.perf_counter()
                with trainer.compute_loss_context_manager():
                    loss = trainer._compute_loss(trainer.model, batch)  # noqa: SLF001 - as above
                loss.backward()
                torch.cuda.synchronize()
                if turn > 1:
                    times[name].append((time.perf_counter() - start) * 1e3)
                peaks[name] = round((torch.cuda.max_memory_allocated() - before) / 2**20)
                trainer.model.zero_grad()
    return {
        "tokens": int(batch["completion_mask"].sum()),
        "median_ms": {name: round(statistics.median(found), 1) for name, found in times.items()},
        "peak_rise_mb": peaks,
    }


def main() -> None:
    """Alternate the backends and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", help="file to write in place of the one under results/")
    options = parser.parse_args()
    torch.set_num_threads(1)
    ran = conditions(("torch", "numba", "trl", "transformers"))
    tiny = SIZES["tiny"]
    shape = {"batch": BATCH, "completion_length": tiny.length}
    figures: dict[str, Any] = {"share_of_rewards": shares(tiny, options.rounds, options.device)}
    print(json.dumps(figures), flush=True)
    if options.device == "cuda":
        ran["machine"] = torch.cuda.get_device_name()
        half = SIZES["half_billion"]
        figures["half_billion"] = {
            "completion_length": half.length,
            "loss_and_gradients": output_layers(half, 5),
            "share_of_rewards": shares(half, 1, "cuda"),
        }
        print(json.dumps(figures["half_billion"]), flush=True)
    name = "rl_step.json" if options.device == "cpu" else "rl_step_cuda.json"
    default = Path(__file__).parent / "results" / name
    write(options.out or (str(default) if options.write else None), {**ran, **shape, **figures})


if __name__ == "__main__":
    main()
