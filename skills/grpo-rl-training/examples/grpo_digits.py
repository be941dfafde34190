# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "trl==1.16.0", "transformers==5.23.0", "torch==2.13.0", "tokenizers==0.23.3",
#   "datasets==5.2.0", "accelerate==1.15.0",
# ]
# ///
"""GRPO that really learns, on a CPU and offline: a tiny random Llama is paid for writing digits.

The model, its tokenizer and the prompts are made here; trainer, sampling and loss are TRL's own.
Run it as `python grpo_digits.py [SEED]`. It ends in assertions, and leaves nothing behind.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import warnings

import datasets
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, PrinterCallback
from trl import GRPOConfig, GRPOTrainer

STEPS = 40
WINDOW = 5
CHARACTERS = "0123456789abcdefghijklmnop+="


def make_tokenizer() -> PreTrainedTokenizerFast:
    """One token per character, and an end token: without one every completion runs to the limit."""
    vocabulary = {token: i for i, token in enumerate(["<pad>", "<eos>", *CHARACTERS])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>"))
    core.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    core.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<eos>")


def make_model() -> LlamaForCausalLM:
    """86 thousand random float32 weights. Bfloat16 weights would hardly move at small learning rates."""
    config = LlamaConfig(
        vocab_size=len(CHARACTERS) + 2,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        eos_token_id=1,
        pad_token_id=0,
    )
    return LlamaForCausalLM(config)


def share_of_digits(completions: list[str], **_: object) -> list[float | None]:
    """One float per completion: a graded reward, so that the members of a group differ."""
    return [sum(c.isdigit() for c in text) / max(len(text), 1) for text in completions]


def settings(output_dir: str, seed: int) -> GRPOConfig:
    """32 completions a step in 4 groups of 8; both precision and checkpointing suit a CPU."""
    return GRPOConfig(
        output_dir=output_dir,
        seed=seed,
        use_cpu=True,
        bf16=False,
        activation_checkpointing=False,
        per_device_train_batch_size=32,
        num_generations=8,
        max_completion_length=8,
        learning_rate=3e-3,
        lr_scheduler_type="constant",
        max_steps=STEPS,
        logging_steps=1,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
    )


def train(seed: int) -> list[dict[str, float]]:
    """Train once and return one log row per optimizer step."""
    torch.manual_seed(seed)
    prompts = datasets.Dataset.from_dict({"prompt": [f"{a}+{b}=" for a in range(10) for b in range(10)]})
    with tempfile.TemporaryDirectory() as folder:
        trainer = GRPOTrainer(
            model=make_model(),
            processing_class=make_tokenizer(),
            reward_funcs=share_of_digits,
            args=settings(folder, seed),
            train_dataset=prompts,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
        return [row for row in trainer.state.log_history if "reward" in row]


def mean(rows: list[dict[str, float]], key: str) -> float:
    """Mean of one column of the log."""
    return sum(row[key] for row in rows) / len(rows)


def main() -> None:
    """Train, print three lines, assert that the reward rose."""
    torch.set_num_threads(1)
    logging.getLogger("transformers").setLevel(logging.ERROR)
    warnings.filterwarnings(
        "ignore", message="`is_gradient_checkpointing`", category=FutureWarning
    )  # TRL's own call
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    rows = train(seed)
    first, last = mean(rows[:WINDOW], "reward"), mean(rows[-WINDOW:], "reward")
    dead = mean(rows[-WINDOW:], "frac_reward_zero_std")
    print(f"seed {seed}, {len(rows)} steps: reward {first:.2f} -> {last:.2f}")
    print(
        f"entropy {rows[0]['entropy']:.2f} -> {rows[-1]['entropy']:.2f}; groups without a signal at the end: {dead:.0%}"
    )
    print(
        f"loss between {min(r['loss'] for r in rows):.3f} and {max(r['loss'] for r in rows):.3f}: not a measure of progress"
    )
    assert len(rows) == STEPS, "the trainer stopped early: too few prompts?"
    assert rows[0]["grad_norm"] > 0
    assert last > first + 0.3
    assert last > 0.9


if __name__ == "__main__":
    main()
