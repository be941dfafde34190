import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM


def combine(base_folder: str, law: str, code: str, out: str) -> None:
    base = AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, law, adapter_name="law")
    model.load_adapter(code, adapter_name="code")
    model.add_weighted_adapter(["law", "code"], [0.7, 0.3], "both", combination_type="cat")
    model.save_pretrained(out, selected_adapters=["both"])
