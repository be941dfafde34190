# /// script
# requires-python = ">=3.11"
# dependencies = ["trl==1.16.0", "transformers==5.23.0", "torch==2.13.0", "datasets==5.2.0", "tokenizers==0.23.3"]
# ///
"""A reward that is hacked, seen in numbers: the curve rises, what was wished does not.

The prompt is `7=`, the answer `7`. The reward asks whether the answer is *in* the completion; GRPO teaches a tiny
random model to list digits. The list of guesses that it finds in 40 steps could have been tried by hand in a second.
Runs on a CPU in under a minute.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from typing import Any

import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging
from trl import GRPOConfig, GRPOTrainer

CHARACTERS = "0123456789abcdefghijklmnop+="
ANSWERS = "01234567"


def contains(completions: list[str], answer: list[str], **_: Any) -> list[float]:
    """The reward as it is often written."""
    return [float(wanted in text) for text, wanted in zip(completions, answer, strict=True)]


def exact(completions: list[str], answer: list[str], **_: Any) -> list[float]:
    """What was wished: the answer comes first, and no other digit follows."""
    digits = ["".join(c for c in text if c in ANSWERS) for text in completions]
    return [
        float(text.startswith(wanted) and set(found) == {wanted})
        for text, found, wanted in zip(completions, digits, answer, strict=True)
    ]


def attack() -> dict[str, tuple[float, float]]:
    """Both rewards on a right answer, a wrong one, and the list of all guesses."""
    texts = {"right": "7", "wrong": "3", "all guesses": ANSWERS}
    return {name: (contains([text], ["7"])[0], exact([text], ["7"])[0]) for name, text in texts.items()}


def tokenizer() -> Any:
    """One token per character."""
    words = {word: i for i, word in enumerate(["<pad>", "<eos>", "<unk>", *CHARACTERS])}
    core = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    core.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", eos_token="<eos>", padding_side="left"
    )


def model(vocabulary: int, seed: int) -> Any:
    """A random Llama of 86 thousand parameters."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=64,
            pad_token_id=0,
            eos_token_id=1,
            bos_token_id=None,
        )
    )


def train(seed: int) -> tuple[float, float]:
    """Reward and wish, each the mean of the last ten of 40 steps."""
    characters = tokenizer()
    seen: list[tuple[float, float]] = []

    def watched(completions: list[str], answer: list[str], **_: Any) -> list[float]:
        rewards, wishes = contains(completions, answer), exact(completions, answer)
        seen.append((sum(rewards) / len(rewards), sum(wishes) / len(wishes)))
        return rewards

    with tempfile.TemporaryDirectory() as folder:
        GRPOTrainer(
            model=model(len(characters), seed),
            processing_class=characters,
            reward_funcs=watched,
            train_dataset=Dataset.from_dict(
                {"prompt": [f"{a}=" for a in ANSWERS] * 8, "answer": list(ANSWERS) * 8}
            ),
            args=GRPOConfig(
                output_dir=folder,
                use_cpu=True,
                bf16=False,
                activation_checkpointing=False,
                report_to="none",
                save_strategy="no",
                logging_strategy="no",
                disable_tqdm=True,
                learning_rate=3e-3,
                lr_scheduler_type="constant",
                per_device_train_batch_size=64,
                num_generations=16,
                max_completion_length=12,
                max_steps=40,
                seed=seed,
            ),
        ).train()
    rewards, wishes = zip(*seen[-10:], strict=True)
    return sum(rewards) / 10, sum(wishes) / 10


def main() -> None:
    """Attack, then train, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    seed = parser.parse_args().seed
    warnings.simplefilter("ignore")
    logging.set_verbosity_error()
    torch.set_num_threads(1)
    scores = attack()
    assert scores == {"right": (1.0, 1.0), "wrong": (0.0, 0.0), "all guesses": (1.0, 0.0)}
    reward, wish = train(seed)
    print(
        f"after 40 steps: reward {reward:.2f}, right and alone {wish:.2f}; the list of all guesses pays {scores}"
    )
    assert reward - wish > 0.5


if __name__ == "__main__":
    main()
