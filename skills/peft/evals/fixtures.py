"""Tiny random models for the facts and evals of this skill; hub ids in blocks are served by `airskills test` itself."""

from typing import Any

import torch
import transformers

hf: Any = transformers  # its loaders carry no types

SIZE: dict[str, Any] = {
    "vocab_size": 128,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 128,
    "initializer_range": 0.2,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}
ROUTED = {"num_experts_per_tok": 2, "moe_intermediate_size": 16}
GROUPED = {**ROUTED, "n_routed_experts": 4, "n_group": 1, "topk_group": 1, "n_shared_experts": 1}
LATENT = {"q_lora_rank": 8, "kv_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 4, "v_head_dim": 8}
FAMILY: dict[str, dict[str, Any]] = {
    "qwen3_moe": {**ROUTED, "num_experts": 4, "decoder_sparse_step": 1, "mlp_only_layers": []},
    "qwen2_moe": {**ROUTED, "num_experts": 4, "shared_expert_intermediate_size": 16},
    "mixtral": {"num_local_experts": 4, "num_experts_per_tok": 2},
    "gpt_oss": {"num_local_experts": 4, "num_experts_per_tok": 2},
    "llama4_text": {"num_local_experts": 4, "num_experts_per_tok": 1, "intermediate_size_mlp": 64},
    "glm4_moe": {**GROUPED, "first_k_dense_replace": 1},
    "deepseek_v3": {**GROUPED, **LATENT, "head_dim": 4, "first_k_dense_replace": 1},
}
IDS = torch.arange(12)[None]


def config(kind: str, **changes: object) -> Any:
    """Return the small configuration of model type `kind`."""
    return hf.AutoConfig.for_model(kind, **{**SIZE, **FAMILY.get(kind, {}), **changes})


def tiny(kind: str = "qwen3", *, seed: int = 0, **changes: object) -> Any:
    """Return a random float32 causal language model; the same seed gives the same weights."""
    torch.manual_seed(seed)
    return hf.AutoModelForCausalLM.from_config(config(kind, **changes), dtype=torch.float32)


@torch.no_grad()
def logits(model: Any, ids: torch.Tensor = IDS) -> Any:
    """Logits of `model` in evaluation mode, float32, shape (batch, sequence, vocabulary)."""
    return model.eval()(input_ids=ids).logits.float()


def train(model: Any, steps: int = 20, lr: float = 1e-2) -> list[float]:
    """Fit one fixed sequence with AdamW over the trainable parameters; return the losses."""
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=lr)
    losses = []
    for _ in range(steps):
        loss = model(input_ids=IDS, labels=IDS).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def adapted(model: Any) -> set[str]:
    """Last two components of everything the adapter wraps: modules and parameters."""
    names = [*model.targeted_module_names, *model.targeted_parameter_names]
    return {".".join(name.split(".")[-2:]) for name in names}
