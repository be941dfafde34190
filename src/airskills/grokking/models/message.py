"""Two agents and a channel: the players of the message game."""

from dataclasses import dataclass

import torch
from torch import Tensor

from airskills.grokking.draws import CHANNEL, Draw
from airskills.grokking.models.network import Output, Params, linear, lookup, matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePair:
    """Agent 1 sees a and sends `channel` numbers through tanh and noise; agent 2 sees b and the message, and acts.

    The two share no parameter. The gradient passes through the channel (differentiable communication, as in
    Foerster et al. 2016, arXiv:1605.06676); this is not trial-and-error learning.
    """

    states: int
    classes: int
    embedding: int = 64
    width: int = 128
    channel: int = 16
    noise: float = 0.1

    def init(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Embeddings N(0, 0.5^2), matrices N(0, 1 / (3 in)), biases 0."""
        d, h = self.embedding, self.width
        return {
            "embed.sender": torch.randn(self.states, d, generator=generator) * 0.5,
            "sender.weight": matrix(d, h, generator),
            "sender.bias": torch.zeros(h),
            "send.weight": matrix(h, self.channel, generator),
            "send.bias": torch.zeros(self.channel),
            "embed.receiver": torch.randn(self.states, d, generator=generator) * 0.5,
            "receiver.weight": matrix(d + self.channel, h, generator),
            "receiver.bias": torch.zeros(h),
            "head.weight": matrix(h, self.classes, generator),
            "head.bias": torch.zeros(self.classes),
        }

    def speak(self, params: Params) -> Tensor:
        """Messages of all states without noise: [runs, states, channel]."""
        hidden = linear(params["embed.sender"], params, "sender").relu()
        return linear(hidden, params, "send").tanh()

    def act(self, params: Params, seen: Tensor, message: Tensor) -> Output:
        """Act on [runs, rows] states seen by agent 2 and [runs, rows, channel] messages heard."""
        own, heard = torch.split(params["receiver.weight"], [self.embedding, self.channel], dim=1)
        table = torch.baddbmm(params["receiver.bias"].unsqueeze(1), params["embed.receiver"], own)
        hidden = torch.baddbmm(lookup(table, seen), message, heard).relu_()
        return Output(linear(hidden, params, "head"), hidden)

    def forward(self, params: Params, inputs: Tensor, draw: Draw | None) -> Output:
        """Logits of agent 2 for joint states [runs, rows, 2]; the channel is noisy in training only."""
        message = lookup(self.speak(params), inputs[..., 0])
        if draw is not None:
            message = message + self.noise * draw.normal(CHANNEL, *message.shape[1:])
        return self.act(params, inputs[..., 1], message)
