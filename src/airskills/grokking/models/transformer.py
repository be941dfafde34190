"""Small transformers that answer at the last token.

`plain` is the model of Nanda et al. 2023 (arXiv:2301.05217): learned positions, no layer norm, ReLU,
no biases. `modern` has pre-RMSNorm, rotary positions (Su et al. 2021, arXiv:2104.09864) and a
SwiGLU MLP (Shazeer 2020, arXiv:2002.05202).
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from airskills.grokking.draws import Draw
from airskills.grokking.models.network import Output, Params, lookup, matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformer:
    """Tokens [runs, rows, slots] to logits at the last slot; causal. `suffix` appends one "=" token."""

    vocabulary: int
    slots: int
    classes: int
    kind: Literal["plain", "modern"] = "plain"
    layers: int = 1
    width: int = 64
    heads: int = 4
    hidden: int = 256
    suffix: bool = False

    def init(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Embeddings N(0, 1 / width), matrices N(0, 1 / in), residual outputs divided by sqrt(2 layers)."""
        d, m, deep = self.width, self.hidden, (2 * self.layers) ** -0.5
        params = {
            "embed.weight": torch.randn(self.vocabulary + self.suffix, d, generator=generator) * d**-0.5
        }
        if self.kind == "plain":
            params["embed.position"] = torch.randn(self.slots + self.suffix, d, generator=generator) * d**-0.5
        for i in range(self.layers):
            for name in ("query", "key", "value"):
                params[f"{name}{i}.weight"] = matrix(d, d, generator, 3**0.5)
            params[f"out{i}.weight"] = matrix(d, d, generator, 3**0.5 * deep)
            params[f"up{i}.weight"] = matrix(d, m, generator, 3**0.5)
            params[f"down{i}.weight"] = matrix(m, d, generator, 3**0.5 * deep)
            if self.kind == "modern":
                params[f"gate{i}.weight"] = matrix(d, m, generator, 3**0.5)
                params |= {f"attention{i}.gain": torch.ones(d), f"mlp{i}.gain": torch.ones(d)}
        if self.kind == "modern":
            params["final.gain"] = torch.ones(d)
        params["head.weight"] = matrix(d, self.classes, generator, 3**0.5)
        return params

    def forward(self, params: Params, inputs: Tensor, _draw: Draw | None = None) -> Output:
        """Logits [runs, rows, classes] at the last token; the last layer computes that query only."""
        if self.suffix:
            inputs = functional.pad(inputs, (0, 1), value=self.vocabulary)
        x = lookup(params["embed.weight"], inputs)
        if self.kind == "plain":
            x = x + params["embed.position"][:, None]
        for i in range(self.layers):
            only = 1 if i == self.layers - 1 else inputs.shape[-1]
            x = x[:, :, -only:] + self._attend(params, self._norm(x, params, f"attention{i}"), i, only)
            x = x + self._mlp(params, self._norm(x, params, f"mlp{i}"), i)
        hidden = self._norm(x[:, :, -1], params, "final")
        return Output(torch.bmm(hidden, params["head.weight"]), hidden)

    def _norm(self, x: Tensor, params: Params, name: str) -> Tensor:
        if self.kind == "plain":
            return x
        gain = params[f"{name}.gain"]
        scale = torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)
        return x * scale * gain.view(len(gain), *[1] * (x.dim() - 2), -1)

    def _attend(self, params: Params, x: Tensor, layer: int, only: int) -> Tensor:
        """Causal attention of the last `only` queries: [runs, rows, only, width]."""
        runs, rows, slots, width = x.shape
        query = self._heads(_product(x[:, :, -only:], params[f"query{layer}.weight"]), slots - only)
        key = self._heads(_product(x, params[f"key{layer}.weight"]), 0)
        value = _product(x, params[f"value{layer}.weight"]).view(runs, rows, slots, self.heads, -1)
        scores = torch.matmul(query, key.transpose(-1, -2)) * (width // self.heads) ** -0.5
        if only > 1:
            future = torch.ones(slots, slots, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(future, float("-inf"))
        mixed = torch.matmul(scores.softmax(-1), value.transpose(2, 3))
        return _product(mixed.transpose(2, 3).reshape(runs, rows, only, width), params[f"out{layer}.weight"])

    def _heads(self, x: Tensor, first: int) -> Tensor:
        """Split into heads [runs, rows, heads, slots, width / heads] and rotate, counting slots from `first`."""
        runs, rows, slots, width = x.shape
        x = x.view(runs, rows, slots, self.heads, width // self.heads).transpose(2, 3)
        return x if self.kind == "plain" else rotate(x, first)

    def _mlp(self, params: Params, x: Tensor, layer: int) -> Tensor:
        up = _product(x, params[f"up{layer}.weight"])
        if self.kind == "plain":
            active = up.relu()
        else:
            active = functional.silu(_product(x, params[f"gate{layer}.weight"])) * up
        return _product(active, params[f"down{layer}.weight"])


def rotate(x: Tensor, first: int = 0) -> Tensor:
    """Rotary positions on [..., slots, width]: pairs (i, i + width / 2) turn by slot * 10000^(-2i / width)."""
    slots, width = x.shape[-2:]
    place = torch.arange(first, first + slots, device=x.device, dtype=x.dtype)
    rate = 10_000.0 ** (-torch.arange(0, width, 2, device=x.device, dtype=x.dtype) / width)
    angle = place[:, None] * rate
    low, high = x.chunk(2, dim=-1)
    return torch.cat([low * angle.cos() - high * angle.sin(), low * angle.sin() + high * angle.cos()], -1)


def _product(x: Tensor, weight: Tensor) -> Tensor:
    """[runs, rows, slots, in] times [runs, in, out]."""
    runs, rows, slots, width = x.shape
    return torch.bmm(x.reshape(runs, rows * slots, width), weight).view(runs, rows, slots, -1)
