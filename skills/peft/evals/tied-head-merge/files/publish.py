"""Train a LoRA on attention and the output head, merge it, publish a plain checkpoint."""

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM


def attach(base_folder: str) -> PeftModel:
    base = AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32)
    return get_peft_model(base, LoraConfig(r=8, target_modules=["q_proj", "v_proj", "lm_head"], task_type="CAUSAL_LM"))


def publish(model: PeftModel, out: str) -> None:
    model.merge_and_unload()
    model.save_pretrained(out)
