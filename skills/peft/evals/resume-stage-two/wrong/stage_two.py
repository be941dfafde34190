"""Second stage: preference tuning on top of the SFT adapter, which stays as the reference."""

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM


def load(base_folder: str, sft_folder: str) -> PeftModel:
    base = AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, sft_folder, adapter_name="reference", is_trainable=True)
    model.load_adapter(sft_folder, adapter_name="policy", is_trainable=True)
    model.enable_input_require_grads()
    model.activation_checkpointing_enable()
    return model.train()
