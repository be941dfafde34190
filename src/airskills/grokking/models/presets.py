"""Three presets: a network together with the method that trains it.

`BaseModel` is the plain case. `FastGrokModel` is the same network with the Grokfast filter, because what it
speeds up is the update and not the function. `NoiseModel` adds noise to the logits in training.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from airskills.grokking.config import Method
from airskills.grokking.draws import LOGITS, Draw
from airskills.grokking.models.mlp import TokenMLP
from airskills.grokking.models.network import Network, Output, Params


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseModel:
    """Any network, trained by AdamW with weight decay."""

    network: Network
    lr: float = 0.02
    weight_decay: float = 1.0

    @classmethod
    def for_pairs(cls, modulus: int) -> "BaseModel":
        """Return the preset with a token MLP for tables of binary operations."""
        return cls(network=TokenMLP(vocabulary=modulus, slots=2, classes=modulus))

    @property
    def method(self) -> Method:
        """How it is trained."""
        return _adamw(self.lr, self.weight_decay)

    def init(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Initialize the inner network."""
        return self.network.init(generator)

    def forward(self, params: Params, inputs: Tensor, draw: Draw | None) -> Output:
        """Apply the inner network."""
        return self.network.forward(params, inputs, draw)


@dataclass(frozen=True, slots=True, kw_only=True)
class FastGrokModel(BaseModel):
    """The base network trained with Grokfast-EMA: slow components of the gradient are amplified."""

    alpha: float = 0.98
    lamb: float = 2.0

    @property
    def method(self) -> Method:
        """Return AdamW behind the Grokfast filter."""
        filtered = {"id": "fast_grok", "filter": "ema", "alpha": self.alpha, "lamb": self.lamb}
        return _adamw(self.lr, self.weight_decay).model_copy(update=filtered)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseModel(BaseModel):
    """The base network with normal noise of standard deviation `std` on the logits, in training only."""

    std: float = 0.1

    def forward(self, params: Params, inputs: Tensor, draw: Draw | None) -> Output:
        """Apply the inner network and disturb its logits when `draw` is given."""
        output = self.network.forward(params, inputs, draw)
        if draw is None:
            return output
        noise = draw.normal(LOGITS, *output.logits.shape[1:])
        return Output(output.logits + self.std * noise, output.hidden)


def _adamw(lr: float, weight_decay: float) -> Method:
    return Method(id="base", lr=lr, weight_decay=weight_decay)
