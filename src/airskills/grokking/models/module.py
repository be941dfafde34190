"""Any `torch.nn.Module` as a network of stacked runs, through `torch.func`."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from airskills.grokking.draws import Draw
from airskills.grokking.models.network import Output, Params


@dataclass(frozen=True, slots=True)
class ModuleNetwork:
    """A function that makes a module; the module takes one run's rows and returns logits [rows, classes].

    Slower than a network written with `torch.bmm`, and without hidden activations: `activation_entropy` is that of
    the logits. Modules with buffers, with dropout or
    with other noise of their own are not supported: runs would share it.
    """

    make: Callable[[], nn.Module]

    def init(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Parameters of a fresh module; the global generator is used for the making only, and put back."""
        with torch.random.fork_rng():
            torch.manual_seed(generator.initial_seed())
            module = self.make()
        return {name: p.detach().clone() for name, p in module.named_parameters()}

    def forward(self, params: Params, inputs: Tensor, _draw: Draw | None = None) -> Output:
        """Apply the module to every run's rows with its own parameters."""
        module = self.make().to("meta")

        def one(own: dict[str, Tensor], rows: Tensor) -> Tensor:
            return torch.as_tensor(functional_call(module, own, (rows,)))

        logits = vmap(one)(dict(params), inputs)
        return Output(logits, logits)
