from peft import LoraConfig

PLACES = ("layers.0.mlp", "shared_experts")
DENSE = [f"{place}.{name}_proj.weight" for place in PLACES for name in ("gate", "up", "down")]


def lora_config() -> LoraConfig:
    return LoraConfig(
        r=8,
        lora_alpha=16,
        task_type="CAUSAL_LM",
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj"],
        target_parameters=["mlp.experts.gate_up_proj", "mlp.experts.down_proj", *DENSE],
    )
