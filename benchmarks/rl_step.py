"""Share of a real GRPO step that is spent in rewards: plain Python against the kernels, on a small model.

`python benchmarks/rl_step.py [--write]`: four token rewards, the same model, prompts and seed; backends alternate
in one process. The model is tiny, so generation is cheap and the share is an upper bound of what a real one sees.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

from airskills.rl.callbacks import TrainingMonitor
from airskills.rl.rewards import DistinctN, PatternMatch, RepetitionPenalty, SoftOverlong
from airskills.rl.trl import GRPOTrainer
from measured import conditions, write

BATCH, GROUP, LENGTH, STEPS = 64, 8, 128, 4


def tokenizer() -> Any:
    """One token per character."""
    words = {word: i for i, word in enumerate(["<pad>", "<eos>", "<unk>", *"0123456789abcdefghijklmnop+="])}
    core = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(""), "isolated")
    core.decoder = decoders.Fuse()
    fast = import_module("transformers").PreTrainedTokenizerFast
    return fast(tokenizer_object=core, pad_token="<pad>", eos_token="<eos>", padding_side="left")


def model(vocabulary: int) -> Any:
    """86 thousand parameters."""
    llama = import_module("transformers.models.llama")
    torch.manual_seed(0)
    return llama.LlamaForCausalLM(
        llama.LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            pad_token_id=0,
            eos_token_id=1,
            bos_token_id=None,
        )
    )


def run(backend: str) -> list[dict[str, float]]:
    """Records of all steps but the first, which warms up."""
    monitor, words = TrainingMonitor(), tokenizer()
    rewards = [
        RepetitionPenalty(3, backend=backend),
        DistinctN(1, backend=backend),
        PatternMatch([[3, 4], [5, 6, 7]], backend=backend),
        SoftOverlong(LENGTH, LENGTH // 4, backend=backend),
    ]
    with tempfile.TemporaryDirectory() as folder:
        trainer = GRPOTrainer(
            model=model(len(words)),
            processing_class=words,
            reward_funcs=rewards,
            callbacks=[monitor],
            train_dataset=import_module("datasets").Dataset.from_dict({"prompt": ["1+1=", "2+3="] * 64}),
            args=import_module("trl").GRPOConfig(
                output_dir=folder,
                use_cpu=True,
                bf16=False,
                report_to="none",
                save_strategy="no",
                disable_tqdm=True,
                gradient_checkpointing=False,
                logging_steps=1,
                per_device_train_batch_size=BATCH,
                num_generations=GROUP,
                max_completion_length=LENGTH,
                max_steps=STEPS,
            ),
        )
        trainer.train()
    return monitor.records[1:]


def main() -> None:
    """Alternate the backends and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    ran = conditions(("torch", "numba", "trl", "transformers"))
    records: dict[str, list[dict[str, float]]] = {"python": [], "numba": []}
    for _ in range(options.rounds):
        for backend in ("python", "numba"):
            records[backend] += run(backend)
    figures = {
        backend: {
            key: float(f"{statistics.median(record[key] for record in found):.4g}")
            for key in ("rewards_share", "rewards_s", "step_s")
        }
        for backend, found in records.items()
    }
    print(json.dumps(figures, indent=2))
    if options.write:
        shape = {"batch": BATCH, "completion_length": LENGTH}
        path = Path(__file__).parent / "results" / "rl_step.json"
        write(str(path), {**ran, **shape, "share_of_rewards": figures})


if __name__ == "__main__":
    main()
