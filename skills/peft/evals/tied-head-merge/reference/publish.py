"""Train a LoRA on attention and the output head, merge it, publish a plain checkpoint."""

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM


def attach(base_folder: str) -> PeftModel:
    base = AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32, tie_word_embeddings=False)
    with torch.no_grad():  # an untied head comes in random
        base.get_output_embeddings().weight.copy_(base.get_input_embeddings().weight)
    config = LoraConfig(r=8, target_modules=["q_proj", "v_proj", "lm_head"], task_type="CAUSAL_LM")
    return get_peft_model(base, config)


def publish(model: PeftModel, out: str) -> None:
    model.merge_and_unload().save_pretrained(out)
