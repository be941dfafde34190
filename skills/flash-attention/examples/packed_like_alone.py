# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.13.0", "transformers==5.23.0"]
# ///
"""Train a tiny Llama on packed documents and on the same documents one by one: the same weights, and what a leak does.

Runs on a CPU in seconds. With `use_cache=False` and no mask, sdpa keeps documents of one row apart, so a step on the
packed row is the step on the single documents. With a mask of ones it is not, and nothing says so.
"""

from __future__ import annotations

import os
import sys
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch
from transformers import DataCollatorWithFlattening, LlamaConfig, LlamaForCausalLM
from transformers.modeling_outputs import CausalLMOutputWithPast

LENGTHS = (9, 4, 15, 6)
STEPS = 5
Documents = list[dict[str, list[int]]]


def documents(seed: int) -> Documents:
    """Random token ids."""
    generator = torch.Generator().manual_seed(seed)
    rows = [torch.randint(0, 50, (length,), generator=generator) for length in LENGTHS]
    return [{"input_ids": row.tolist()} for row in rows]


def tiny(seed: int) -> LlamaForCausalLM:
    """Two random layers."""
    torch.manual_seed(seed)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "vocab_size": 50}
    config = LlamaConfig(num_attention_heads=4, num_key_value_heads=2, **sizes)
    return LlamaForCausalLM(config)  # sdpa is the default


def loss_alone(model: LlamaForCausalLM, rows: Documents) -> torch.Tensor:
    """Mean over all predicted tokens, one forward pass a document."""
    total, tokens = torch.zeros(()), 0
    for row in rows:
        ids = torch.tensor([row["input_ids"]])
        output: CausalLMOutputWithPast = model(ids)
        assert output.logits is not None
        total = total + torch.nn.functional.cross_entropy(output.logits[0, :-1], ids[0, 1:], reduction="sum")
        tokens += ids.shape[1] - 1
    return total / tokens


def loss_packed(model: LlamaForCausalLM, rows: Documents, **more: Any) -> torch.Tensor:
    """The same loss from one row."""
    batch = DataCollatorWithFlattening(return_tensors="pt")(rows)
    output: CausalLMOutputWithPast = model(**batch, use_cache=False, **more)
    assert output.loss is not None
    return output.loss


def trained(seed: int, loss: Any) -> torch.Tensor:
    """All weights after a few steps."""
    model = tiny(seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss(model).backward()
        optimizer.step()
    return torch.nn.utils.parameters_to_vector(model.parameters()).detach()


def main(seed: int) -> None:
    """Compare the three trainings."""
    rows = documents(seed)
    ones = torch.ones(1, sum(LENGTHS), dtype=torch.long)
    alone = trained(seed, lambda model: loss_alone(model, rows))
    packed = trained(seed, lambda model: loss_packed(model, rows))
    masked = trained(seed, lambda model: loss_packed(model, rows, attention_mask=ones))
    apart, leaked = (float((alone - other).abs().max()) for other in (packed, masked))
    assert apart < 1e-5, f"packed and alone differ by {apart}"
    assert leaked > 100 * apart, f"a mask of ones moved weights by {leaked} only"
    print(f"weights after {STEPS} steps: packed {apart:.0e} from alone, with a mask of ones {leaked:.0e}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
