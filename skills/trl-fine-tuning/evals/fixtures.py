"""Tiny models, tokenizers and trainers for the facts and evals of this skill; hub ids in blocks are served by `airskills test`."""

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
)
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

PAD, EOS, BOS = "<|endoftext|>", "<|im_end|>", "<|begin|>"
SPECIAL = [PAD, EOS, BOS, "<|im_start|>", "<think>", "</think>", "<tool_call>", "</tool_call>"]
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TALK = [
    {
        "messages": [
            {"role": "user", "content": f"Say {d}"},
            {"role": "assistant", "content": f"It is {d}."},
        ]
    }
    for d in range(10)
]


def tiny_tokenizer(*, template: str = CHATML, bos: bool = False) -> PreTrainedTokenizerFast:
    """One token per character. With `bos`, every text is tokenized with a leading BOS, as Llama 3 does."""
    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *string.printable])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token=" "))
    core.add_special_tokens(SPECIAL[:4])
    core.add_tokens(SPECIAL[4:])
    core.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    core.decoder = decoders.Fuse()
    if bos:
        core.post_processor = processors.TemplateProcessing(single=f"{BOS} $A", special_tokens=[(BOS, 2)])
        template = "{{ bos_token }}" + template
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token=PAD, eos_token=EOS, bos_token=BOS if bos else None
    )
    tokenizer.chat_template = template
    return tokenizer


def shipped(name: str) -> str:
    """A chat template that TRL ships, e.g. `qwen3`."""
    return (Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja").read_text(encoding="utf-8")


def tiny_model(family: str = "qwen3", seed: int = 0) -> PreTrainedModel:
    """A random 2-layer model of the family: qwen3 or llama; float32."""
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
        "eos_token_id": 1,
        "pad_token_id": 0,
    }
    if family == "qwen3":
        return Qwen3ForCausalLM(Qwen3Config(**sizes, head_dim=8, tie_word_embeddings=True))
    return LlamaForCausalLM(LlamaConfig(**sizes))


def save(path: Path, family: str = "qwen3", *, dtype: torch.dtype = torch.float32, seed: int = 0) -> str:
    """Write model and tokenizer; the folder's name."""
    tiny_model(family, seed).to(dtype).save_pretrained(path)
    tiny_tokenizer().save_pretrained(path)
    return str(path)


def config_of_quantization() -> Any:
    """Four-bit loading; only asked for here, never done."""
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(load_in_4bit=True)


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
}


def sft(rows: Any = TALK, *, model: Any = None, tokenizer: Any = None, **changes: Any) -> SFTTrainer:
    """An SFT trainer on rows or a data set; `changes` go to the configuration, trainer arguments are sorted out."""
    keys = ("peft_config", "formatting_func", "eval_dataset", "compute_metrics", "quantization_config")
    extra = {key: changes.pop(key) for key in keys if key in changes}
    return SFTTrainer(
        model=model or tiny_model(),
        processing_class=tokenizer or tiny_tokenizer(),
        train_dataset=Dataset.from_list(rows) if isinstance(rows, list) else rows,
        args=SFTConfig(**(CPU | changes)),
        **extra,
    )


def trained(trainer: SFTTrainer, row: int = 0) -> str:
    """Text of the tokens of a row that carry loss."""
    example = trainer.train_dataset[row]
    ids = [i for i in example["labels"] if i != -100]
    return trainer.processing_class.decode(ids)


PAIRS = [
    {
        "prompt": [{"role": "user", "content": f"Say {d}"}],
        "chosen": [{"role": "assistant", "content": f"It is {d}."}],
        "rejected": [{"role": "assistant", "content": "No way!"}],
    }
    for d in range(10)
]


def dpo(rows: Any = PAIRS, *, model: Any = None, tokenizer: Any = None, **changes: Any) -> DPOTrainer:
    """A DPO trainer; without a model, of a checkpoint written to a folder that is kept."""
    keys = ("peft_config", "ref_model", "eval_dataset", "quantization_config")
    extra = {key: changes.pop(key) for key in keys if key in changes}
    if model is None:
        model = AutoModelForCausalLM.from_pretrained(save(Path(tempfile.mkdtemp())), dtype="float32")
    return DPOTrainer(
        model=model,
        processing_class=tokenizer or tiny_tokenizer(),
        train_dataset=Dataset.from_list(rows) if isinstance(rows, list) else rows,
        args=DPOConfig(**(CPU | changes)),
        **extra,
    )


def first(trainer: SFTTrainer | DPOTrainer) -> dict[str, float]:
    """Train, and return the first row of the log."""
    trainer.train()
    return trainer.state.log_history[0]


def after_sft(base: str, **settings: Any) -> PreTrainedModel:
    """The model in memory after a few strong steps of SFT on TALK."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype="float32")
    trainer = sft(model=model, max_steps=4, learning_rate=3e-2, **settings)
    trainer.train()
    return trainer.model


def moved(trainer: SFTTrainer | DPOTrainer) -> float:
    """Share of the weights that training changes."""
    before = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    trainer.train()
    changed = sum(int((p.detach() != before[name]).sum()) for name, p in trainer.model.named_parameters())
    return changed / sum(p.numel() for p in trainer.model.parameters())
