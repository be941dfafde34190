"""What a step costs: floating-point operations, counted and not estimated."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from airskills.grokking.config import RunSpec
from airskills.grokking.tasks.registry import Task
from airskills.grokking.train import Trainer

_PRODUCTS: Mapping[Any, int] = {  # function: place of the left factor among its arguments
    torch.bmm: 0,
    torch.matmul: 0,
    Tensor.matmul: 0,
    Tensor.__matmul__: 0,
    torch.baddbmm: 1,
}


class FlopCounter(TorchFunctionMode):
    """Counts 2 m n k per matrix product, and once more for each factor that will get a gradient.

    The same numbers as torch's `FlopCounterMode`, whose first use imports the compiler (6 s of CPU).
    """

    def __init__(self) -> None:
        super().__init__()
        self.total: int = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """See one torch call."""
        out = func(*args, **(kwargs or {}))
        if func in _PRODUCTS:
            left, right = args[_PRODUCTS[func] : _PRODUCTS[func] + 2]
            times = (
                1
                + (torch.is_grad_enabled() and left.requires_grad)
                + (torch.is_grad_enabled() and right.requires_grad)
            )
            self.total += 2 * out.numel() * left.shape[-1] * times
        return out


def flops_per_step(task: Task, spec: RunSpec) -> int:
    """Matrix-product operations of one training step of one run, with the optimizer's own (Muon's, say).

    Elementwise work and evaluations are not in it.
    """
    trainer = Trainer(task, [spec])
    with FlopCounter() as counter:
        trainer.advance()
    return int(counter.total)


def activation_bytes(task: Task) -> int:
    """Bytes of logits and last activations of one run's training rows: what a batch of runs has to keep in cache."""
    data = task.make(0)
    params = {n: t.unsqueeze(0) for n, t in task.network.init(torch.Generator().manual_seed(0)).items()}
    rows = min(
        len(data.train.targets), task.card.batch[-1][1] if task.card.batch else len(data.train.targets)
    )
    with torch.no_grad():
        output = task.network.forward(params, data.train.inputs[:rows].unsqueeze(0), None)
    return 4 * int(output.logits.numel() + output.hidden.numel())
