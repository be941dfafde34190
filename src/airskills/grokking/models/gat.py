"""Graph attention over the tokens of a row, written out: 12 lines, batched over runs.

torch_geometric's `GATConv` is not used: its edge lists cost more than they give on a complete graph of three
nodes, it has no [runs] axis, and it brings aiohttp and others for one layer.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from airskills.grokking.draws import Draw
from airskills.grokking.models.network import Output, Params, linear, lookup, matrix


def graph_attention(x: Tensor, weight: Tensor, source: Tensor, target: Tensor) -> Tensor:
    """One layer of Velickovic et al. 2018 (arXiv:1710.10903), equations 1-5, on a complete graph with self-loops.

    Args:
        x: Nodes [runs, rows, nodes, in].
        weight: [runs, in, heads * out].
        source: Score of a node as sender, [runs, heads, out].
        target: Score of a node as receiver, [runs, heads, out].

    Returns:
        [runs, rows, nodes, heads * out], heads side by side.
    """
    runs, rows, nodes, width = x.shape
    h = torch.bmm(x.reshape(runs, rows * nodes, width), weight)
    h = h.view(runs, rows, nodes, source.shape[1], -1)
    sends = (h * source[:, None, None]).sum(-1)
    takes = (h * target[:, None, None]).sum(-1)
    scores = functional.leaky_relu(takes.unsqueeze(3) + sends.unsqueeze(2), 0.2)
    weights = scores.softmax(3).permute(0, 1, 4, 2, 3)
    return torch.matmul(weights, h.transpose(2, 3)).transpose(2, 3).flatten(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphAttention:
    """Tokens and one "=" node on a complete graph, one attention layer, a residual ReLU MLP, read at "="."""

    vocabulary: int
    slots: int
    classes: int
    width: int = 64
    heads: int = 4
    hidden: int = 128

    def init(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Embeddings N(0, 0.5^2); position embeddings tell the nodes apart."""
        d, each = self.width, self.width // self.heads
        return {
            "embed.weight": torch.randn(self.vocabulary + 1, d, generator=generator) * 0.5,
            "embed.position": torch.randn(self.slots + 1, d, generator=generator) * 0.5,
            "attend.weight": matrix(d, d, generator, 3**0.5),
            "attend.source.gain": torch.randn(self.heads, each, generator=generator) * each**-0.5,
            "attend.target.gain": torch.randn(self.heads, each, generator=generator) * each**-0.5,
            "up.weight": matrix(d, self.hidden, generator),
            "up.bias": torch.zeros(self.hidden),
            "down.weight": matrix(self.hidden, d, generator),
            "down.bias": torch.zeros(d),
            "head.weight": matrix(d, self.classes, generator),
            "head.bias": torch.zeros(self.classes),
        }

    def forward(self, params: Params, inputs: Tensor, _draw: Draw | None = None) -> Output:
        """Logits [runs, rows, classes] of tokens [runs, rows, slots]."""
        tokens = functional.pad(inputs, (0, 1), value=self.vocabulary)
        x = lookup(params["embed.weight"], tokens) + params["embed.position"][:, None]
        gates = params["attend.source.gain"], params["attend.target.gain"]
        attended = graph_attention(x, params["attend.weight"], *gates)[:, :, -1]
        x = x[:, :, -1] + attended
        hidden = linear(x, params, "up").relu()
        return Output(linear(x + linear(hidden, params, "down"), params, "head"), hidden)
