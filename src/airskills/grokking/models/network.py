"""What a network is here: an initialization of one run, and a forward pass of all runs at once."""

import math
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from airskills.grokking.draws import Draw

Params = Mapping[str, Tensor]


class Output(NamedTuple):
    """Logits [runs, rows, classes] and the last hidden activations [runs, rows, width]."""

    logits: Tensor
    hidden: Tensor


class Network(Protocol):
    """A frozen description that makes and applies parameters.

    Names say the role of a parameter: `embed...` and `head...` are the ends, other matrices are hidden ones
    (Muon treats them differently), the last dot-separated part `bias` or `gain` marks vectors.
    """

    def init(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Parameters of one run, without the [runs] axis; matrices are [in, out]."""
        ...

    def forward(self, params: Params, inputs: Tensor, draw: Draw | None) -> Output:
        """Apply stacked parameters ([runs, ...] each) to [runs, rows, slots]; no noise when `draw` is None."""
        ...


def linear(x: Tensor, params: Params, name: str) -> Tensor:
    """Apply `{name}.weight` [runs, in, out] and `{name}.bias` [runs, out] to [runs, rows, in]."""
    return torch.baddbmm(params[f"{name}.bias"].unsqueeze(1), x, params[f"{name}.weight"])


def lookup(table: Tensor, tokens: Tensor) -> Tensor:
    """Rows of [runs, vocabulary, width] at [runs, ...] tokens: [runs, ..., width]."""
    runs, vocabulary, width = table.shape
    start = torch.arange(runs, device=tokens.device) * vocabulary
    flat = (tokens + start.view(-1, *[1] * (tokens.dim() - 1))).reshape(-1)
    if table.is_cuda:  # index_select adds its gradients up in an order that changes from run to run there
        return functional.embedding(flat, table.reshape(-1, width)).view(*tokens.shape, width)
    return table.reshape(-1, width).index_select(0, flat).view(*tokens.shape, width)


def matrix(inputs: int, outputs: int, generator: torch.Generator, gain: float = 1.0) -> Tensor:
    """Normal weights [in, out] with standard deviation gain / sqrt(3 in): the variance of torch's own linear."""
    spread = gain / math.sqrt(3 * inputs)
    return torch.randn(inputs, outputs, generator=generator) * spread
