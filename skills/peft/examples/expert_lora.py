# /// script
# requires-python = ">=3.11"
# dependencies = ["peft==0.21.2", "torch==2.13.0", "transformers==5.23.0"]
# ///
"""LoRA on the fused experts of a mixture of experts, router untouched; CPU, offline, a few seconds.

Compares three requests on a tiny random Qwen3-MoE (what is hit, how many parameters), trains the right one,
and checks that the router did not move and that the merged model gives the same logits.
"""

import argparse
import tempfile
import warnings

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM, logging

VOCAB = 64
EXPERTS = 4
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
FUSED = ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]
REQUESTS = {
    "all-linear": {"target_modules": "all-linear"},
    "attention": {"target_modules": ATTENTION},
    "attention + experts": {"target_modules": ATTENTION, "target_parameters": FUSED},
}


def make_base(seed: int) -> Qwen3MoeForCausalLM:
    """Return the same random model for the same seed."""
    torch.manual_seed(seed)
    config = Qwen3MoeConfig(
        vocab_size=VOCAB,
        hidden_size=32,
        intermediate_size=64,
        moe_intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        num_experts=EXPERTS,
        num_experts_per_tok=2,
        initializer_range=0.1,
    )
    return Qwen3MoeForCausalLM(config)


def attach(seed: int, request: dict[str, object], r: int = 4) -> PeftModel:
    """Attach LoRA as requested; dropout must be 0 for expert parameters."""
    return get_peft_model(
        make_base(seed), LoraConfig(r=r, lora_alpha=2 * r, task_type="CAUSAL_LM", **request)
    )


def hit(model: PeftModel) -> set[str]:
    """What the adapter wraps: module and parameter names without the layer."""
    names = [*model.targeted_module_names, *model.targeted_parameter_names]
    return {".".join(name.split(".")[-2:]) for name in names}


def train(model: PeftModel, updates: int) -> tuple[float, float]:
    """Fit sequences that count by five; return the first loss and the mean of the last five."""
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    losses = []
    for _ in range(updates):
        ids = (torch.randint(0, VOCAB, (16, 1)) + 5 * torch.arange(12)) % VOCAB
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses[0], sum(losses[-5:]) / 5


@torch.no_grad()
def logits(model: torch.nn.Module, ids: torch.Tensor) -> torch.Tensor:
    """Logits in evaluation mode, shape (batch, length, VOCAB)."""
    return model.eval()(input_ids=ids).logits


def compare(seed: int) -> None:
    """Print and check what each request hits."""
    models = {name: attach(seed, request) for name, request in REQUESTS.items()}
    for name, model in models.items():
        outside = sorted(n for n in hit(model) if "self_attn" not in n)
        print(f"{name}: {model.get_nb_trainable_parameters()[0]:,} parameters; beside attention: {outside}")
    assert "gate.weight" in hit(models["all-linear"])  # the router trains: rarely wanted
    assert not any("experts" in name for name in hit(models["attention"]))
    assert hit(models["attention + experts"]) == hit(models["all-linear"]) - {"gate.weight"}


def main(seed: int) -> None:
    """Compare the requests, then train, save, reload and merge the right one."""
    compare(seed)
    model = attach(seed, REQUESTS["attention + experts"])
    rows = next(p for name, p in model.named_parameters() if "experts.lora_A" in name).shape[0]
    assert rows == 4 * EXPERTS  # rank 4 for each expert

    first, last = train(model, updates=60)
    print(f"loss {first:.2f} -> {last:.2f}")
    assert last < 0.75 * first

    ids = (torch.tensor([[1], [9]]) + 5 * torch.arange(12)) % VOCAB
    want = logits(model, ids)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        merged = PeftModel.from_pretrained(make_base(seed), folder).merge_and_unload()
    difference = (logits(merged, ids) - want).abs().max().item()
    print(f"logits differ by {difference:.1e} after save, reload and merge")
    assert difference < 1e-4
    router = merged.model.layers[0].mlp.gate.weight
    assert torch.equal(router, make_base(seed).model.layers[0].mlp.gate.weight)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    logging.set_verbosity_error()
    warnings.filterwarnings("ignore", message="`is_gradient_checkpointing`", category=FutureWarning)
    warnings.filterwarnings("ignore", message="The following (rank|alpha)_pattern keys")  # false for experts
    main(parser.parse_args().seed)
