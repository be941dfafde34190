# /// script
# requires-python = ">=3.11"
# dependencies = ["peft==0.21.2", "torch==2.13.0", "transformers==5.23.0"]
# ///
"""Train a LoRA adapter on a tiny random Llama, save, reload and merge it; CPU, offline, a few seconds.

The task: continue sequences that count upwards by three. Each stage is checked by its logits.
"""

import argparse
import copy
import tempfile
import warnings

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM, logging

VOCAB = 64
STEP = 3


def make_base(seed: int) -> LlamaForCausalLM:
    """Return the same random model for the same seed: it stands for a checkpoint loaded again."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.1,
    )
    return LlamaForCausalLM(config)


def counting(batch: int, length: int = 12) -> torch.Tensor:
    """Sequences that count by STEP modulo the vocabulary, shape (batch, length)."""
    return (torch.randint(0, VOCAB, (batch, 1)) + STEP * torch.arange(length)) % VOCAB


def train(model: PeftModel, updates: int) -> tuple[float, float]:
    """Fit the adapter; return the first loss and the mean of the last five."""
    model.train()
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=1e-2)
    losses = []
    for _ in range(updates):
        ids = counting(batch=16)
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


def distance(a: torch.Tensor, b: torch.Tensor) -> float:
    """Largest absolute difference."""
    return (a - b).abs().max().item()


def main(seed: int) -> None:
    """Walk through the life of an adapter."""
    config = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(make_base(seed), copy.deepcopy(config))  # a config is changed when it is attached
    assert len(model.targeted_module_names) == 14  # 2 layers x (4 attention + 3 MLP)
    assert not model.targeted_parameter_names  # a dense model has no fused experts

    ids = counting(batch=4)
    plain = logits(make_base(seed), ids)
    assert distance(logits(model, ids), plain) == 0  # a fresh adapter is the identity

    first, last = train(model, updates=60)
    print(f"loss {first:.2f} -> {last:.2f}, trainable {model.get_nb_trainable_parameters()[0]:,}")
    assert last < 0.6 * first

    trained = logits(model, ids)
    with model.disable_adapter():
        assert distance(logits(model, ids), plain) == 0  # the base is untouched
    assert distance(trained, plain) > 1

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings("error", message="Found missing adapter keys")  # a wrong base is an error
        model.save_pretrained(folder)
        loaded = PeftModel.from_pretrained(make_base(seed), folder)
    assert loaded.get_nb_trainable_parameters()[0] == 0  # is_trainable=True is needed to go on training
    reloaded = distance(logits(loaded, ids), trained)

    merged = loaded.merge_and_unload(safe_merge=True)  # returns the model: keep it
    assert isinstance(merged, LlamaForCausalLM)
    after = distance(logits(merged, ids), trained)
    print(f"logits differ by {reloaded:.1e} after reloading, {after:.1e} after merging")
    assert reloaded < 1e-6
    assert after < 1e-4


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    logging.set_verbosity_error()
    warnings.filterwarnings("ignore", message="`is_gradient_checkpointing`", category=FutureWarning)
    main(parser.parse_args().seed)
