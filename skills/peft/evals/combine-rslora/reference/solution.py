import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM


def combine(base_folder: str, law: str, code: str, out: str) -> None:
    base = AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, law, adapter_name="law")
    model.load_adapter(code, adapter_name="code")
    rank = model.peft_config["law"].r + model.peft_config["code"].r
    scale = rank**-0.5 if model.peft_config["law"].use_rslora else 1.0  # undoes the root of the new rank
    model.add_weighted_adapter(["law", "code"], [0.7 * scale, 0.3 * scale], "both", combination_type="cat")
    model.save_pretrained(out, selected_adapters=["both"])
