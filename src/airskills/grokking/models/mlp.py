"""Multilayer perceptrons on tokens and on vectors."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from airskills.grokking.draws import Draw
from airskills.grokking.models.network import Output, Params, linear, lookup, matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenMLP:
    """Embeddings of all slots side by side, one ReLU layer, a linear head.

    The embedding table is multiplied by each slot's block of the first matrix before the lookup: the same
    function as embedding, concatenating and multiplying, with a product of vocabulary instead of rows.
    """

    vocabulary: int
    slots: int
    classes: int
    embedding: int = 64
    width: int = 128

    def init(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Embeddings N(0, 0.5^2), matrices N(0, 1 / (3 in)), biases 0."""
        return {
            "embed.weight": torch.randn(self.vocabulary, self.embedding, generator=generator) * 0.5,
            "hidden.weight": matrix(self.slots * self.embedding, self.width, generator),
            "hidden.bias": torch.zeros(self.width),
            "head.weight": matrix(self.width, self.classes, generator),
            "head.bias": torch.zeros(self.classes),
        }

    def forward(self, params: Params, inputs: Tensor, _draw: Draw | None = None) -> Output:
        """Logits [runs, rows, classes] of tokens [runs, rows, slots]."""
        first, *others = params["hidden.weight"].chunk(self.slots, dim=1)
        table = torch.baddbmm(params["hidden.bias"].unsqueeze(1), params["embed.weight"], first)
        before = lookup(table, inputs[..., 0])
        for slot, block in enumerate(others, 1):
            before = before.add_(lookup(torch.bmm(params["embed.weight"], block), inputs[..., slot]))
        hidden = before.relu_()
        return Output(linear(hidden, params, "head"), hidden)


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorMLP:
    """ReLU layers on vectors; `gain` scales every matrix at the start (Omnigrok's alpha)."""

    features: int
    classes: int
    widths: tuple[int, ...] = (128, 128)
    gain: float = 1.0

    def init(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Matrices N(0, gain^2 / (3 in)), biases 0."""
        sizes = (self.features, *self.widths, self.classes)
        params: dict[str, Tensor] = {}
        for i, (inputs, outputs) in enumerate(pairwise(sizes)):
            name = "head" if i == len(self.widths) else f"hidden{i}"
            params[f"{name}.weight"] = matrix(inputs, outputs, generator, self.gain)
            params[f"{name}.bias"] = torch.zeros(outputs)
        return params

    def forward(self, params: Params, inputs: Tensor, _draw: Draw | None = None) -> Output:
        """Logits [runs, rows, classes] of vectors [runs, rows, features]."""
        hidden = inputs
        for i in range(len(self.widths)):
            hidden = linear(hidden, params, f"hidden{i}").relu()
        return Output(linear(hidden, params, "head"), hidden)
