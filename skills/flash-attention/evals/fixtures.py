"""Tiny random models, packed documents and a look at what attention was given, for the blocks and facts of this skill."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from typing import Any

import torch
import transformers
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 64,
}
LENGTHS = (7, 5)


def qkv(queries: int = 4, keys: int = 4, heads: int = 2, kv_heads: int = 2) -> tuple[torch.Tensor, ...]:
    """Random query, key, value of (1, heads, length, 8)."""
    torch.manual_seed(0)
    shapes = ((1, heads, queries, 8), (1, kv_heads, keys, 8), (1, kv_heads, keys, 8))
    return tuple(torch.randn(shape) for shape in shapes)


def tiny(attention: str = "sdpa", kind: str = "Llama", **settings: Any) -> PreTrainedModel:
    """A random model of two layers, in eval mode."""
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**SIZES | settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: PreTrainedModel = AutoModelForCausalLM.from_config(config, attn_implementation=attention)
    model.eval()
    model.requires_grad_(requires_grad=False)
    return model


def logits(model: PreTrainedModel, tokens: torch.Tensor, **more: Any) -> torch.Tensor:
    """What a causal model predicts, (rows, length, vocabulary)."""
    output: CausalLMOutputWithPast = model(tokens, **more)
    assert output.logits is not None
    return output.logits


def implementation(model: PreTrainedModel) -> str:
    """The attention that a model uses."""
    return str(model.config._attn_implementation)  # noqa: SLF001 (the only place that holds it)


def packed() -> tuple[torch.Tensor, torch.Tensor]:
    """Token and position ids of two documents, 7 and 5 tokens, in one row."""
    torch.manual_seed(1)
    tokens = torch.randint(0, SIZES["vocab_size"], (1, sum(LENGTHS)))
    return tokens, torch.cat([torch.arange(length) for length in LENGTHS])[None]


def leaked(model: PreTrainedModel, input_ids: torch.Tensor, **more: Any) -> float:
    """How far the logits of the second document are from those it has alone."""
    alone = logits(model, input_ids[:, LENGTHS[0] :])
    return float((logits(model, input_ids, **more)[:, LENGTHS[0] :] - alone).abs().max())


def padding_seen(model: PreTrainedModel) -> float:
    """How far the logits of a row are moved by what stands in its three padding tokens."""
    torch.manual_seed(2)
    tokens = torch.randint(0, SIZES["vocab_size"], (2, 8))
    mask = torch.ones_like(tokens)
    mask[0, :3] = 0
    other = tokens.clone()
    other[0, :3] = (other[0, :3] + 1) % SIZES["vocab_size"]
    first = logits(model, tokens, attention_mask=mask)
    return float((first - logits(model, other, attention_mask=mask))[0, 3:].abs().max())


def watch(*, lengths: bool = False) -> list[Any]:
    """Register the attention "watched" (sdpa with its mask); the list gets, a layer, the mask's shape or the number of keys."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import sdpa_mask

    seen: list[Any] = []

    def attend(
        module: Any, query: Any, key: torch.Tensor, value: Any, attention_mask: Any, **more: Any
    ) -> Any:
        mask = None if attention_mask is None else tuple(attention_mask.shape)
        seen.append(key.shape[2] if lengths else mask)
        return sdpa_attention_forward(module, query, key, value, attention_mask, **more)

    AttentionInterface.register("watched", attend)
    AttentionMaskInterface.register("watched", sdpa_mask)
    return seen


def graphs(lengths: Iterable[int], **settings: Any) -> int:
    """How many graphs torch.compile makes of a causal flex_attention called with these lengths."""
    from torch._dynamo.testing import CompileCounter
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    torch.compiler.reset()
    count = CompileCounter()
    attend = torch.compile(flex_attention, backend=count, **settings)
    for length in lengths:
        mask = create_block_mask(lambda _b, _h, q, k: q >= k, None, None, length, length, device="cpu")
        attend(*qkv(length, length), block_mask=mask)
    return count.frame_count
