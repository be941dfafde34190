"""Tiny models and trainers for the facts and evals of this skill; hub ids in blocks are served by `airskills test`."""

from __future__ import annotations

import string
import tempfile
from pathlib import Path
from typing import Any

import torch
import trl
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
)
from trl import GRPOConfig, GRPOTrainer

PAD, EOS, BOS = "<|endoftext|>", "<|im_end|>", "<|begin|>"
SPECIAL = [PAD, EOS, BOS, "<|im_start|>", "<think>", "</think>", "<tool_call>", "</tool_call>"]
LLAMA_TEMPLATE = "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.content }}{% endfor %}<|im_start|>"


def tiny_tokenizer(*, bos: bool = False) -> PreTrainedTokenizerFast:
    """One token per character. With `bos`, every text is tokenized with a leading BOS, as Llama 3 does."""
    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *string.printable])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token=" "))
    core.add_special_tokens(SPECIAL[:4])
    core.add_tokens(SPECIAL[4:])
    core.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    core.decoder = decoders.Fuse()
    if bos:
        core.post_processor = processors.TemplateProcessing(single=f"{BOS} $A", special_tokens=[(BOS, 2)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token=PAD, eos_token=EOS, bos_token=BOS if bos else None
    )
    qwen3 = Path(trl.__file__).parent / "chat_templates" / "qwen3.jinja"
    tokenizer.chat_template = LLAMA_TEMPLATE if bos else qwen3.read_text(encoding="utf-8")
    return tokenizer


def tiny_model(family: str = "qwen3", seed: int = 0) -> PreTrainedModel:
    """A random 2-layer model of the family: qwen3, qwen3_moe or llama; float32."""
    torch.manual_seed(seed)
    sizes: dict[str, Any] = {
        "vocab_size": len(SPECIAL) + len(string.printable),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        "initializer_range": 0.1,
        "eos_token_id": [1, 0],
        "pad_token_id": 0,
    }
    moe: dict[str, Any] = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
    if family == "qwen3":
        return Qwen3ForCausalLM(Qwen3Config(**sizes, head_dim=8, tie_word_embeddings=True))
    if family == "qwen3_moe":
        return Qwen3MoeForCausalLM(Qwen3MoeConfig(**sizes, **moe))
    return LlamaForCausalLM(LlamaConfig(**sizes))


def save(path: Path, family: str = "qwen3", *, bos: bool = False) -> Path:
    """Write model and tokenizer in bfloat16, the dtype hub checkpoints usually have."""
    tiny_model(family).bfloat16().save_pretrained(path)
    tiny_tokenizer(bos=bos).save_pretrained(path)
    return path


def config(**changes: Any) -> GRPOConfig:
    """A CPU configuration: two prompts of four completions a step, one step, nothing written."""
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


def by_length(completions: list[Any], **_: object) -> list[float | None]:
    """Characters of each completion, in either format."""
    return [float(len(c if isinstance(c, str) else c[-1]["content"])) for c in completions]


def trainer(
    *,
    model: PreTrainedModel | None = None,
    tokenizer: PreTrainedTokenizerFast | None = None,
    reward: Any = by_length,
    data: Any = None,
    **changes: Any,
) -> GRPOTrainer:
    """A trainer on ten conversational prompts; `changes` go to the configuration, trainer arguments are sorted out."""
    prompts = [[{"role": "user", "content": f"Say {d}"}] for d in range(10)]
    extra = {
        key: changes.pop(key) for key in ("peft_config", "tools", "environment_factory") if key in changes
    }
    return GRPOTrainer(
        model=model or tiny_model(),
        processing_class=tokenizer or tiny_tokenizer(),
        reward_funcs=reward,
        train_dataset=Dataset.from_dict({"prompt": prompts}) if data is None else data,
        args=config(**changes),
        **extra,
    )


def moved(dtype: str, steps: int = 3) -> float:
    """Share of the weights of the bf16 checkpoint that change when it is loaded as `dtype` and trained at 1e-6."""
    with tempfile.TemporaryDirectory() as folder:
        model = AutoModelForCausalLM.from_pretrained(save(Path(folder)), dtype=dtype)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    trainer(model=model, max_steps=steps).train()
    changed = sum(int((p.detach() != before[name]).sum()) for name, p in model.named_parameters())
    return changed / sum(p.numel() for p in model.parameters())
