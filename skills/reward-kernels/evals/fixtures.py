"""Stand-ins for a hub model, TRL's trainer on given texts, and `frameworks` for verl and OpenRLHF."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from frameworks import (
    EOS,
    PAD,
    openrlhf,
    openrlhf_score,
    openrlhf_text,
    openrlhf_usage,
    verl,
    verl_advantages,
    verl_batch,
    verl_grpo,
    verl_score,
)
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer

__all__ = [
    "EOS",
    "PAD",
    "advantages",
    "config",
    "openrlhf",
    "openrlhf_score",
    "openrlhf_text",
    "openrlhf_usage",
    "prepare",
    "tiny_model",
    "tiny_tokenizer",
    "verl",
    "verl_advantages",
    "verl_batch",
    "verl_grpo",
    "verl_score",
]


def tiny_tokenizer(special: tuple[str, ...] = ()) -> Any:
    """One token per character; tags in `special` are special tokens, as in some reasoning models."""
    words = [PAD, EOS, *special, *string.printable]
    core = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token=" "))
    core.add_special_tokens([PAD, EOS, *special])
    core.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    core.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=core, pad_token=PAD, eos_token=EOS, padding_side="left")


def tiny_model(seed: int = 0, vocabulary: int = 2 + len(string.printable)) -> Any:
    """A random 2-layer Llama, float32."""
    torch.manual_seed(seed)
    sizes: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    config = LlamaConfig(
        **sizes,
        vocab_size=vocabulary,
        num_attention_heads=4,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    return LlamaForCausalLM(config)


def config(**changes: Any) -> Any:
    """A CPU configuration: two prompts of four completions, one step, nothing written."""
    settings: dict[str, Any] = {
        "output_dir": "out",
        "use_cpu": True,
        "bf16": False,
        "activation_checkpointing": False,
        "per_device_train_batch_size": 8,
        "num_generations": 4,
        "max_completion_length": 8,
        "max_steps": 1,
        "logging_steps": 1,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
    }
    return GRPOConfig(**(settings | changes))


class _Scripted(GRPOTrainer):  # type: ignore[misc]  # TRL exports lazily
    """Scores given texts instead of what it sampled, and keeps the batch."""

    texts: list[str]

    def _generate(self, prompts: Any) -> Any:
        result = list(super()._generate(prompts))
        result[3] = (self.texts * len(prompts))[: len(prompts)]
        result[1] = [[*self.processing_class(text)["input_ids"], 1] for text in result[3]]
        return tuple(result)

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        self.scored = super()._generate_and_score_completions(inputs)
        return self.scored


def advantages(
    rewards: Any, texts: list[str], columns: dict[str, Any] | None = None, **changes: Any
) -> list[float]:
    """Advantages of TRL's real trainer for one group of four given texts."""
    kind = type("Scripted", (_Scripted,), {"texts": texts})
    data = {"prompt": ["q"] * 8} | {name: [value] * 8 for name, value in (columns or {}).items()}
    trainer = kind(
        model=tiny_model(),
        processing_class=tiny_tokenizer(),
        reward_funcs=rewards,
        train_dataset=Dataset.from_dict(data),
        args=config(**changes),
    )
    trainer.train()
    return [round(value, 6) for value in trainer.scored["advantages"][: len(texts)].tolist()]


def prepare(root: Path) -> dict[str, str]:
    """Write the stand-in under `root` and name what it replaces."""
    folder = root / "qwen3"
    tiny_model().save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return {"Qwen/Qwen3-0.6B": str(folder)}
