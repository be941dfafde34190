"""Tiny models, tokenizers and trainers for the facts and evals of this skill; hub ids in blocks are served by `airskills test`."""

from __future__ import annotations

import string
from typing import Any

import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM
from trl import DistillationConfig, DistillationTrainer
from trl.experimental.gkd import GKDConfig, GKDTrainer

SPECIAL = ["<|endoftext|>", "<|im_end|>", "<|im_start|>"]
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
PROMPTS: list[dict[str, Any]] = [{"prompt": [{"role": "user", "content": f"Say {d}"}]} for d in range(8)]
TALK: list[dict[str, Any]] = [
    {"messages": [*row["prompt"], {"role": "assistant", "content": "It is."}]} for row in PROMPTS
]
CPU: dict[str, Any] = {
    "output_dir": "out",
    "use_cpu": True,
    "bf16": False,
    "activation_checkpointing": False,
    "max_steps": 1,
    "logging_steps": 1,
    "report_to": "none",
    "save_strategy": "no",
    "disable_tqdm": True,
    "per_device_train_batch_size": 4,
}


def tiny_tokenizer(characters: str = string.printable) -> PreTrainedTokenizerFast:
    """One token per character, numbered in the order given."""
    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *characters])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token=" "))
    core.add_special_tokens(SPECIAL)
    core.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    core.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token=SPECIAL[0], eos_token=SPECIAL[1], padding_side="left"
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def tiny_model(seed: int = 0, **changes: Any) -> Qwen3ForCausalLM:
    """A random 2-layer Qwen3, float32."""
    torch.manual_seed(seed)
    sizes: dict[str, Any] = {
        "vocab_size": len(SPECIAL) + len(string.printable),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "initializer_range": 0.1,
        "eos_token_id": 1,
        "pad_token_id": 0,
    }
    return Qwen3ForCausalLM(Qwen3Config(**(sizes | changes)))


def distill(
    rows: Any = PROMPTS, *, model: Any = None, teacher: Any = None, **changes: Any
) -> DistillationTrainer:
    """An on-policy trainer; `changes` go to the configuration, `peft_config` and `tools` to the trainer."""
    extra = {key: changes.pop(key) for key in ("peft_config", "tools") if key in changes}
    return DistillationTrainer(
        model=model or tiny_model(),
        teacher_model=teacher or tiny_model(1),
        processing_class=tiny_tokenizer(),
        train_dataset=Dataset.from_list(rows),
        args=DistillationConfig(**(CPU | {"max_completion_length": 8} | changes)),
        **extra,
    )


def gkd(rows: Any = TALK, **changes: Any) -> GKDTrainer:
    """A trainer with a data set of answers, off-policy unless told."""
    return GKDTrainer(
        model=tiny_model(),
        teacher_model=tiny_model(1),
        processing_class=tiny_tokenizer(),
        train_dataset=Dataset.from_list(rows),
        args=GKDConfig(**(CPU | {"max_new_tokens": 8, "max_length": 64, "lmbda": 0.0} | changes)),
    )


def first(trainer: DistillationTrainer | GKDTrainer) -> dict[str, Any]:
    """Train, and return the first row of the log."""
    trainer.train()
    row: dict[str, Any] = trainer.state.log_history[0]
    return row
